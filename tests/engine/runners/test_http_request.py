"""http-request against a real server on loopback."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.errors import RunnerFailure
from engine.runners.base import RunControl, RunRequest, RunResult
from engine.runners.http_guard import Guard
from engine.runners.http_request import HttpRequestRunner
from engine.settings import Settings
from engine.settings.actions import HttpSettings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.status import Status
from tests.ports import free_port


class _Handler(BaseHTTPRequestHandler):
    """/echo tells what came; the other paths misbehave in one way each."""

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode()
        # A proxy is asked for a whole URL.
        path = urlsplit(self.path).path
        if path == "/echo":
            seen = {
                "method": self.command,
                "path": self.path,
                "body": body,
                "headers": {name.lower(): value for name, value in self.headers.items()},
            }
            self._send(200, json.dumps(seen).encode(), "application/json; charset=utf-8")
        elif path.startswith("/status/"):
            self._send(int(path.rsplit("/", 1)[1]), b"text", "text/plain")
        elif path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/big":
            self._send(200, gzip.compress(b"x" * 5_000_000), "text/plain", encoding="gzip")
        elif path == "/bad-json":
            self._send(200, b"{no", "application/json")
        elif path == "/drip":
            self._drip()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server finds them by these names

    def _send(self, code: int, body: bytes, content_type: str, encoding: str = "") -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(1200):
            try:
                self.wfile.write(b".")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def send(
    url: str,
    *,
    runner: dict[str, Any] | None = None,
    settings: HttpSettings | None = None,
    control: RunControl | None = None,
    secrets: tuple[str, ...] = (),
    **action: Any,
) -> RunResult:
    request = RunRequest(
        execution_id="5f0000000000000000000001",
        action=ActionSpec(pack="core", name="http", runner_type="http-request"),
        pack=PackSpec(ref="core", name="core"),
        runner_parameters={"url": url, **(runner or {})},
        action_parameters=action,
        secrets=secrets,
    )
    made = HttpRequestRunner(Settings(http=settings or HttpSettings()))
    return made.run(request, control or RunControl())


def test_a_json_answer_is_parsed(url: str) -> None:
    answer = send(f"{url}/echo")
    assert answer.status is Status.SUCCEEDED
    assert answer.result["status_code"] == 200
    assert answer.result["parsed"] is True
    assert answer.result["body"]["method"] == "GET"


def test_a_body_makes_it_a_post(url: str) -> None:
    assert send(f"{url}/echo", body="text").result["body"]["method"] == "POST"


def test_a_method_that_is_named_wins(url: str) -> None:
    assert send(f"{url}/echo", body="text", method="PUT").result["body"]["method"] == "PUT"


def test_user_agent_and_action_name_replace_what_the_action_says(url: str) -> None:
    headers = send(f"{url}/echo", runner={"headers": {"User-Agent": "mine"}}).result["body"]["headers"]
    assert headers["user-agent"].startswith("st2/v")
    assert headers["x-stanley-action"] == "http"


def test_a_json_body_may_be_a_python_literal(url: str) -> None:
    headers = {"content-type": "application/json"}
    answer = send(f"{url}/echo", runner={"headers": headers}, body="{'a': True}")
    assert answer.result["body"]["body"] == '{"a": true}'


def test_a_json_body_that_is_none_fails_with_a_hint(url: str) -> None:
    with pytest.raises(RunnerFailure, match="not JSON"):
        send(f"{url}/echo", runner={"headers": {"Content-Type": "application/json"}}, body="{no")


def test_user_and_password_make_basic_authentication(url: str) -> None:
    answer = send(f"{url}/echo", runner={"username": "u", "password": "p"})
    assert answer.result["body"]["headers"]["authorization"] == "Basic dTpw"


def test_a_file_is_sent_as_multipart(url: str) -> None:
    sent = send(f"{url}/echo", file_name="a.txt", file_content="inside", file_content_type="text/x")
    assert sent.result["body"]["method"] == "POST"
    assert 'filename="a.txt"' in sent.result["body"]["body"]
    assert "inside" in sent.result["body"]["body"]


def test_params_and_cookies_are_sent(url: str) -> None:
    seen = send(f"{url}/echo", runner={"cookies": {"c": "1"}}, params={"q": "a b"}).result["body"]
    assert seen["path"].endswith("?q=a+b")
    assert seen["headers"]["cookie"] == "c=1"


@pytest.mark.parametrize(
    ("code", "status"),
    [(206, Status.SUCCEEDED), (207, Status.FAILED), (302, Status.FAILED), (500, Status.FAILED)],
)
def test_only_200_to_206_succeed(url: str, code: int, status: Status) -> None:
    answer = send(f"{url}/status/{code}")
    assert answer.status is status
    assert answer.result["status_code"] == code


def test_an_answer_that_is_not_the_json_it_claims_stays_text(url: str) -> None:
    result = send(f"{url}/bad-json").result
    assert (result["body"], result["parsed"]) == ("{no", False)


def test_a_long_answer_is_cut_where_the_limit_says(url: str) -> None:
    body = send(f"{url}/big", settings=HttpSettings(response_limit_bytes=1000)).result["body"]
    assert body == "x" * 1000 + "\n[truncated after 1000 bytes]"


def test_a_dripping_server_does_not_outlast_the_timeout(url: str) -> None:
    begin_s = time.monotonic()
    answer = send(f"{url}/drip", timeout=0.3)
    assert answer.status is Status.TIMEOUT
    assert "0.3 seconds" in answer.result["error"]
    assert time.monotonic() - begin_s < 50


def test_a_cancel_ends_the_request_at_once(url: str) -> None:
    control = RunControl()
    begin_s = time.monotonic()
    threading.Timer(0.2, control.cancel).start()
    assert send(f"{url}/drip", control=control).status is Status.CANCELED
    assert time.monotonic() - begin_s < 50
    assert control.on_cancel == []


def test_a_refused_connection_is_a_failure_in_one_line() -> None:
    port = free_port()
    with pytest.raises(RunnerFailure, match="Connection refused") as caught:
        send(f"http://127.0.0.1:{port}/")
    assert str(caught.value) == f"GET http://127.0.0.1:{port}/: Connection refused"


def test_a_host_off_the_whitelist_is_refused(url: str) -> None:
    with pytest.raises(RunnerFailure, match="not on url_hosts_whitelist"):
        send(f"{url}/echo", runner={"url_hosts_whitelist": ["example.org"]})


def test_a_host_on_the_blacklist_is_refused(url: str) -> None:
    with pytest.raises(RunnerFailure, match="on url_hosts_blacklist"):
        send(f"{url}/echo", runner={"url_hosts_blacklist": ["127.0.0.1"]})


def test_both_lists_at_once_are_refused(url: str) -> None:
    lists = {"url_hosts_blacklist": ["a"], "url_hosts_whitelist": ["b"]}
    with pytest.raises(RunnerFailure, match="both"):
        send(f"{url}/echo", runner=lists)


def test_a_redirect_is_not_followed_by_default(url: str) -> None:
    assert send(f"{url}/to//echo").result["status_code"] == 302


def test_a_redirect_is_followed_when_asked(url: str) -> None:
    answer = send(f"{url}/to/{url}/echo", runner={"allow_redirects": True})
    assert answer.result["body"]["path"] == "/echo"


def test_redirects_end_after_five(url: str) -> None:
    with pytest.raises(RunnerFailure, match="5 redirects"):
        send(f"{url}/loop", runner={"allow_redirects": True})


def test_a_redirect_does_not_leave_the_whitelist(url: str) -> None:
    rules = {"allow_redirects": True, "url_hosts_whitelist": ["127.0.0.1"]}
    with pytest.raises(RunnerFailure, match="not on url_hosts_whitelist"):
        send(f"{url}/to/{url.replace('127.0.0.1', 'localhost')}/echo", runner=rules)


def test_a_redirect_into_a_blocked_network_is_refused(url: str) -> None:
    with pytest.raises(RunnerFailure, match=r"169\.254\.169\.254"):
        send(f"{url}/to/http://169.254.169.254/latest", runner={"allow_redirects": True})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"])
def test_a_blocked_network_is_blocked_in_every_spelling(url: str, host: str) -> None:
    port = url.rsplit(":", 1)[1]
    settings = HttpSettings(blocked_networks=["127.0.0.0/8", "::1/128"])
    with pytest.raises(RunnerFailure, match="may not reach"):
        send(f"http://{host}:{port}/echo", settings=settings)


def test_a_proxy_does_not_lead_around_a_blocked_network(url: str) -> None:
    with pytest.raises(RunnerFailure, match="may not reach"):
        send("http://169.254.169.254/", runner={"http_proxy": url})


def test_a_proxy_is_used(url: str) -> None:
    answer = send("http://127.0.0.9:9/echo", runner={"http_proxy": url})
    assert answer.result["body"]["path"] == "http://127.0.0.9:9/echo"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/", "nothing", "http://"])
def test_only_http_urls_are_taken(address: str) -> None:
    with pytest.raises(RunnerFailure, match="not an http"):
        send(address)


def test_an_ipv6_spelling_of_an_ipv4_address_is_seen_through() -> None:
    guard = Guard(blocked_networks=["169.254.0.0/16"], blacklist=(), whitelist=())
    with pytest.raises(RunnerFailure, match="may not reach"):
        guard.connect("64:ff9b::a9fe:a9fe", 80, 1.0, ())


def test_a_secret_in_the_answer_is_masked(url: str) -> None:
    answer = send(f"{url}/echo", runner={"headers": {"X-Key": "sesame-open-17"}}, secrets=("sesame-open-17",))
    assert "sesame" not in json.dumps(answer.result)
