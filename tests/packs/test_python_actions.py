"""The shipped Python actions, each in a process of its own on the pack runtime."""

import http.server
import json
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

Run = Callable[..., Any]
SECTIONS = {"load", "memory", "disks", "processes", "services", "network", "kernel", "clock"}


@pytest.fixture(scope="module")
def diagnosis(run_action: Run) -> dict[str, Any]:
    found: dict[str, Any] = run_action("examples.diagnose", top=3)
    return found


def test_a_diagnosis_has_the_documented_keys(diagnosis: dict[str, Any]) -> None:
    assert set(diagnosis) == {"host", "checked_at", "verdict", "findings", "sections"}


def test_a_diagnosis_looks_at_every_section(diagnosis: dict[str, Any]) -> None:
    assert set(diagnosis["sections"]) == SECTIONS


def test_a_diagnosis_of_this_host_could_read_what_every_linux_has(diagnosis: dict[str, Any]) -> None:
    read = ("load", "memory", "disks", "processes", "clock", "network")
    assert [name for name in read if "error" in diagnosis["sections"][name]] == []


def test_a_diagnosis_knows_the_memory_of_this_host(diagnosis: dict[str, Any]) -> None:
    with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - /proc reads best as a stream
        total_kib = int(next(lines).split()[1])
    assert diagnosis["sections"]["memory"]["total_bytes"] == total_kib * 1024


def test_a_diagnosis_names_no_more_processes_than_asked(diagnosis: dict[str, Any]) -> None:
    assert len(diagnosis["sections"]["processes"]["by_memory"]) == 3


def test_the_verdict_is_the_worst_finding(diagnosis: dict[str, Any]) -> None:
    order = ["healthy", "attention", "trouble"]
    worst = max((one["severity"] for one in diagnosis["findings"]), key=order.index, default="healthy")
    assert diagnosis["verdict"] == worst


def test_one_section_may_be_asked_for(run_action: Run) -> None:
    assert list(run_action("examples.diagnose", section="clock")["sections"]) == ["clock"]


def test_a_listening_port_is_named_with_its_process(run_action: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        network = run_action("examples.diagnose", section="network", top=50)["sections"]["network"]
        found = [one for one in network["listening"] if one["port"] == server.getsockname()[1]]
    assert [(one["address"], one["process"] is not None) for one in found] == [("127.0.0.1", True)]


def test_a_greeting_knows_its_styles(run_action: Run) -> None:
    assert run_action("examples.greet", name="Ada", style="formal")["greeting"].startswith("Good day, Ada")


def test_a_uuid_is_a_uuid(run_action: Run) -> None:
    assert uuid.UUID(run_action("core.uuid", uuid_type="uuid1")).version == 1


def test_a_random_pause_is_no_longer_than_asked(run_action: Run) -> None:
    assert 0 <= run_action("core.pause", max_pause=0, random=True) <= 0


def test_this_host_answers_a_ping(run_action: Run) -> None:
    alive, answer = run_action("linux.ping", host="127.0.0.1", count=1)
    assert (alive, answer["received"]) == (True, 1)


def test_a_name_that_does_not_exist_is_no_host(run_action: Run) -> None:
    alive, answer = run_action("linux.ping", host="no-such-host.invalid", count=1)
    assert (alive, answer["address"]) == (False, None)


def test_an_option_is_no_host(run_action: Run) -> None:
    with pytest.raises(AssertionError, match="is no host name"):
        run_action("linux.ping", host="-f", count=1)


class Listener:
    """Takes one connection after the other and greets each with the same bytes."""

    def __init__(self, greeting: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._greeting = greeting
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self._greeting)


def test_an_ssh_server_is_ready_when_it_greets(run_action: Run) -> None:
    with Listener(b"SSH-2.0-anything\r\n") as server:
        assert run_action("linux.wait_for_ssh", hostname="127.0.0.1", port=server.port, retries=1) is True


def test_what_is_no_ssh_server_is_never_ready(run_action: Run) -> None:
    with Listener(b"220 mail\r\n") as server, pytest.raises(AssertionError, match="no SSH server"):
        run_action("linux.wait_for_ssh", hostname="127.0.0.1", port=server.port, retries=2, sleep_delay=0)


class Names(threading.Thread):
    """A name server for one.test: two addresses, a mail exchanger and a text; all else does not exist."""

    RECORDS: ClassVar = {
        (b"\3one\4test\0", 1): [socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")],
        (b"\3one\4test\0", 15): [struct.pack("!H", 10) + b"\4mail\xc0\x0c"],
        (b"\3one\4test\0", 16): [b"\5hello\5world"],
        (b"\0011\0012\0010\003192\7in-addr\4arpa\0", 12): [b"\3one\4test\0"],
    }

    def __init__(self) -> None:
        super().__init__()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1#{self.udp.getsockname()[1]}"

    def run(self) -> None:
        while True:
            question, client = self.udp.recvfrom(2048)
            if question == b"stop":
                return
            name, kind = question[12:-4], struct.unpack("!H", question[-4:-2])[0]
            found = self.RECORDS.get((name, kind), [])
            flags = 0x8180 if found else 0x8183
            answer = question[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0) + question[12:]
            for value in found:
                answer += b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 60, len(value)) + value
            self.udp.sendto(answer, client)


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    server = Names()
    server.start()
    yield server
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
        stopper.sendto(b"stop", server.udp.getsockname())
    server.join(10)
    server.udp.close()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("one.test", "A", ["192.0.2.1", "192.0.2.2"]),
        ("one.test", "MX", ["10 mail.one.test."]),
        ("one.test", "TXT", ['"hello" "world"']),
        ("192.0.2.1", "A", ["one.test."]),
        ("two.test", "A", []),
    ],
)
def test_the_name_service_is_asked(
    run_action: Run, names: Names, name: str, kind: str, expected: list[str]
) -> None:
    assert run_action("linux.dig", hostname=name, querytype=kind, nameserver=names.address) == expected


def test_whole_records_may_be_asked_for(run_action: Run, names: Names) -> None:
    found = run_action("linux.dig", hostname="one.test", nameserver=names.address, queryopts="", count=1)
    assert found == ["one.test. 60 IN A 192.0.2.1"]


class Api(http.server.ThreadingHTTPServer):
    """An HTTP server that keeps what it was asked, and answers from `answers`; 404 with a fault else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ApiRequest)
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ST2_ACTION_API_URL": f"http://127.0.0.1:{self.server_port}/v1",
            "ST2_ACTION_AUTH_TOKEN": "t0ken",
        }


class ApiRequest(http.server.BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        self.server.asked.append((self.command, self.path, body, dict(self.headers)))
        known = self.path in self.server.answers
        answer = self.server.answers[self.path] if known else {"faultstring": f"nothing at {self.path}"}
        data = json.dumps(answer).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_a_trigger_is_injected_with_token_and_trace_tag(run_action: Run, api: Api) -> None:
    api.answers["/v1/webhooks/st2"] = {}
    run_action(
        "core.inject_trigger", environment=api.environment, trigger="a.b", payload={"x": 1}, trace_tag="tag"
    )
    [(method, _path, body, headers)] = api.asked
    assert (method, body) == ("POST", {"trigger": "a.b", "payload": {"x": 1}})
    assert (headers["X-Auth-Token"], headers["St2-Trace-Tag"]) == ("t0ken", "tag")


def test_a_refusal_is_told_in_the_words_of_the_api(run_action: Run, api: Api) -> None:
    with pytest.raises(AssertionError, match="nothing at /v1/webhooks/st2"):
        run_action("core.inject_trigger", environment=api.environment, trigger="a.b")


def test_a_command_is_started_from_an_action(run_action: Run, api: Api) -> None:
    results = [{"execution": {"id": "5e"}, "message": "on it"}, {"execution": {"id": "5f"}}]
    api.answers["/v1/aliasexecution/match_and_execute"] = {"results": results}
    found = run_action("chatops.match_and_execute", environment=api.environment, text="do it", user="ann")
    assert found["message"] == "on it\nStarted 5f."
    assert (api.asked[0][2]["command"], api.asked[0][2]["user"]) == ("do it", "ann")


def test_a_text_is_matched_from_an_action(run_action: Run, api: Api) -> None:
    api.answers["/v1/actionalias/match"] = {
        "actionalias": {"name": "greet"},
        "display": "d",
        "representation": "r",
    }
    found = run_action("chatops.match", environment=api.environment, text="examples greet")
    assert (found["name"], found["representation"]) == ("greet", "r")


def test_a_pack_that_is_not_installed_fails_the_question(run_action: Run, api: Api) -> None:
    done, answer = run_action("packs.get", environment=api.environment, pack="none")
    assert (done, answer) == (False, {"error": "The pack none is not installed."})


def test_a_pack_without_checkout_has_no_git_status(run_action: Run, api: Api) -> None:
    api.answers["/v1/packs/core"] = {"name": "core"}
    assert run_action("packs.get", environment=api.environment, pack="core") == [
        True,
        {"pack": {"name": "core"}, "git_status": None},
    ]


def test_an_index_that_cannot_be_read_is_named(run_action: Run, api: Api) -> None:
    api.answers["/v1/packs/index/search"] = []
    broken = {"url": "https://i.example.org", "message": "It does not answer.", "error": "unresponsive"}
    api.answers["/v1/packs/index/health"] = {"indexes": {"status": [broken]}}
    for name, question in (("search", {"query": "aws"}), ("show", {"pack": "aws"})):
        done, answer = run_action(f"packs.{name}", environment=api.environment, **question)
        assert done is False
        assert "https://i.example.org: It does not answer." in answer["error"]


def test_an_index_is_searched_where_there_is_one(run_action: Run, api: Api) -> None:
    api.answers["/v1/packs/index/search"] = [{"name": "aws"}]
    assert run_action("packs.search", environment=api.environment, query="aws") == [{"name": "aws"}]


def test_unloading_says_why_there_is_no_such_thing(run_action: Run) -> None:
    done, answer = run_action("packs.unload", packs=["aws"])
    assert done is False
    assert "Content is files" in answer["error"]


def test_missing_dependencies_are_listed(run_action: Run, api: Api) -> None:
    api.answers["/v1/packs/mine"] = {"dependencies": ["aws", "core=9.9", "linux"]}
    api.answers["/v1/packs/core"] = {"version": "0.1.0"}
    api.answers["/v1/packs/linux"] = {"version": "0.1.0"}
    done, answer = run_action(
        "packs.get_pack_dependencies",
        environment=api.environment,
        packs_status={"mine": "Success."},
        nested=3,
    )
    assert (done, answer) == (True, {"dependency_list": ["aws"], "conflict_list": ["core=9.9"], "nested": 2})


def test_a_web_address_is_checked(run_action: Run, api: Api) -> None:
    api.answers["/fine"] = {}
    healthy, answer = run_action("examples.http_check", url=f"http://127.0.0.1:{api.server_port}/fine")
    assert (healthy, answer["status"], answer["reason"]) == (True, 200, None)


def test_an_answer_of_another_status_is_unhealthy(run_action: Run, api: Api) -> None:
    healthy, answer = run_action("examples.http_check", url=f"http://127.0.0.1:{api.server_port}/none")
    assert (healthy, answer["reason"]) == (False, "answered 404 instead of 200")


def test_a_web_address_of_another_kind_is_refused(run_action: Run) -> None:
    with pytest.raises(AssertionError, match="is no address"):
        run_action("examples.http_check", url="file:///etc/passwd")
