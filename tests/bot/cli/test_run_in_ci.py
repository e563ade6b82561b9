"""`run` as jobs of a CI use it: approvals, interrupts, tokens, and what each kind of output shows."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bot.cli.exits import Code
from bot.cli.github import output_lines
from bot.cli.github_groups import command
from tests.bot.cli.conftest import Shell
from tests.durability.server import write_files
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until
from tests.gates import FLOW, Decider

# What a hostile action prints to speak to the CI system.
HOSTILE = r"printf '::error::forged\n##[error]forged\n::set-output name=x::y\n::add-mask::a\nend'"


BROKEN = {
    "packs/release/actions/broken.yaml": """
        name: broken
        runner_type: orquesta
        entry_point: workflows/broken.yaml
    """,
    "packs/release/actions/workflows/broken.yaml": """
        version: 1.0
        tasks:
          build:
            action: core.local
            input: {cmd: "echo 'no space for <it>'; exit 3"}
    """,
}


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("gated")
    write_files(folder, {**FLOW, **BROKEN})
    with running(folder) as made:
        yield made


@pytest.fixture
def ci(gated: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("STORMCROW_CONFIG", "STORMCROW_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)
    return Shell(gated)


def test_a_rejected_approval_is_exit_code_5_and_says_who_and_why(ci: Shell) -> None:
    with Decider(ci.server, "reject", "freeze"):
        done = ci("run", "release.gate", "--timeout", "60s")
    assert done.exit_code == Code.REJECTED == 5
    assert "Rejected by admin: freeze" in done.stderr


def test_an_approval_is_waited_for_and_the_end_is_0(ci: Shell) -> None:
    with Decider(ci.server, "approve"):
        done = ci("run", "release.gate", "--timeout", "60s")
    assert done.exit_code == 0, done.output
    assert "Approved by admin" in done.stderr


def test_who_does_not_wait_for_approvals_gets_7_and_the_question_stands(ci: Shell) -> None:
    done = ci("run", "release.gate", "--no-wait-approval", "--timeout", "60s", "--json")
    assert done.exit_code == Code.NEEDS_APPROVAL == 7
    (asked,) = ci.server.get("/inquiries").json()
    assert ci.server.ask("DELETE", f"/executions/{json.loads(done.stdout)['id']}").status_code == 200
    wait_until(lambda: not ci.server.get("/inquiries").json())
    assert "It waits for an answer (1 person): Release abc123?" in done.stderr
    assert asked["id"] in done.stderr


def test_whoever_stops_waiting_gets_6(ci: Shell) -> None:
    done = ci("run", "core.ask", "--timeout", "1s")
    assert done.exit_code == Code.STILL_WAITING == 6
    (asked,) = ci.server.get("/inquiries").json()
    ci.server.ask("PUT", f"/inquiries/{asked['id']}", json={"response": {"continue": True}})


def test_a_cancelled_execution_is_exit_code_4(ci: Shell) -> None:
    def cancel() -> None:
        found: list[Any] = []

        def runs() -> bool:
            found[:] = ci.server.get("/executions?action=probe.slow&status=running").json()
            return bool(found)

        wait_until(runs, timeout_s=60)
        ci.server.ask("DELETE", f"/executions/{found[0]['id']}")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    done = ci("run", "probe.slow", "seconds=30")
    canceller.join(30)
    assert done.exit_code == Code.STOPPED == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("cmd=exit 7", "--exit-code-from", "result.return_code"), 7),
        (("cmd=exit 0", "--exit-code-from", "result.return_code"), 0),
        (("cmd=exit 7", "--exit-code-from", "result.nothing"), 2),
        (("cmd=exit 7", "--exit-code-from", "result.succeeded"), 2),
        (("cmd=sleep 20", "timeout=1", "--exit-code-from", "result.return_code"), 3),
    ],
)
def test_the_exit_code_of_the_action_is_passed_on(ci: Shell, words: tuple[str, ...], code: int) -> None:
    assert ci("run", "core.local", *words).exit_code == code


# what the job shows


def github(ci: Shell, folder: Path, *words: str) -> tuple[Any, str, str]:
    """The run, and what it wrote into the files for outputs and the summary."""
    files = [folder / "output", folder / "summary"]
    done = ci(
        "run",
        *words,
        "--output",
        "github",
        GITHUB_OUTPUT=str(files[0]),
        GITHUB_STEP_SUMMARY=str(files[1]),
    )
    outputs, summary = (file.read_text() if file.exists() else "" for file in files)
    return done, outputs, summary


def obeyed(text: str) -> list[str]:
    """The lines that GitHub's runner would take for commands, by its own rules."""
    found, off = [], ""
    for line in text.splitlines():
        if off:
            off = "" if line == f"::{off}::" else off
        elif line.startswith("::stop-commands::"):
            off = line.removeprefix("::stop-commands::")
        elif line.lstrip().startswith("::") or "##[" in line:
            found.append(line)
    assert not off, "commands stay off after the end"
    return found


def values(outputs: str) -> dict[str, str]:
    """$GITHUB_OUTPUT as GitHub reads it."""
    return {
        name: value
        for name, _, value in re.findall(r"^(\S+?)<<(\S+)\n(.*?)\n\2$", outputs, re.DOTALL | re.MULTILINE)
    }


@pytest.mark.parametrize("follow", [(), ("--follow",)])
def test_what_an_action_prints_is_no_command_to_github(
    ci: Shell, tmp_path: Path, follow: tuple[str, ...]
) -> None:
    done, outputs, summary = github(ci, tmp_path, "core.local", f"cmd={HOSTILE}; exit 3", *follow)
    assert done.exit_code == 1
    assert not done.stderr
    assert "::set-output name=x::y\n" in done.stdout
    (error,) = obeyed(done.stdout)
    assert re.fullmatch(
        r"::error title=core\.local failed::failed after [\d.]+ s  core\.local  \w{24}", error
    )
    assert values(outputs)["status"] == "failed"
    assert values(outputs)["exit-code"] == "1"
    assert values(outputs)["result"].endswith("::add-mask::a\nend")
    assert "core.local failed" in summary


def test_outputs_of_several_lines_end_where_they_should(ci: Shell, tmp_path: Path) -> None:
    done, outputs, _ = github(ci, tmp_path, "core.local", r"cmd=printf 'a\nEOF\nstatus<<EOF\nb\n'")
    found = values(outputs)
    assert done.exit_code == 0
    assert found["status"] == "succeeded"
    assert found["result"] == "a\nEOF\nstatus<<EOF\nb"
    assert set(found) == {"execution-id", "status", "exit-code", "url", "decision", "result"}


def test_the_summary_says_who_rejected_it_and_lists_the_tasks(ci: Shell, tmp_path: Path) -> None:
    with Decider(ci.server, "reject", "<img src=x> `freeze` | 1"):
        done, outputs, summary = github(ci, tmp_path, "release.gate", "--timeout", "60s")
    assert done.exit_code == 5
    # Before it stands the question, where it was seen before somebody answered.
    *_, error = obeyed(done.stdout)
    assert "::Rejected by admin: <img src=x> `freeze` | 1" in error
    assert values(outputs)["decision"] == "Rejected by admin: <img src=x> `freeze` | 1"
    assert "<img" not in summary.partition("<details>")[0]
    assert "| build | core.local | succeeded |" in summary


def test_a_fence_is_longer_than_any_in_the_result(ci: Shell, tmp_path: Path) -> None:
    _, _, summary = github(ci, tmp_path, "core.local", "cmd=printf '````\\n<script>x</script>\\n'")
    assert "\n`````\n````\n<script>x</script>\n`````\n" in summary


def test_an_error_before_the_start_is_an_annotation_too(ci: Shell, tmp_path: Path) -> None:
    done, _, _ = github(ci, tmp_path, "core.locul", "cmd=true")
    assert done.exit_code == 2
    assert "core.local" in obeyed(done.stdout)[0]


def test_nothing_ends_a_command_of_ours() -> None:
    assert command("error", "50%\r\n::x::", title="a:b,c\nd") == (
        "::error title=a%3Ab%2Cc%0Ad::50%25%0D%0A::x::"
    )
    assert output_lines("a", "b") != output_lines("a", "b")


def test_junit_has_a_case_for_each_task(ci: Shell) -> None:
    with Decider(ci.server, "reject", "freeze \x00\x1b[31m"):
        done = ci("run", "release.gate", "--output", "junit", "--timeout", "60s")
    assert done.exit_code == 5
    suites = ET.fromstring(done.stdout)
    cases = {one.get("name"): one for one in suites.iter("testcase")}
    assert list(cases) == ["build", "approve"]
    assert cases["build"].find("failure") is None
    refusal = cases["approve"].find("failure")
    assert refusal is not None
    assert "Rejected by admin" in (refusal.text or "")
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")


def test_junit_says_what_a_failed_task_printed(ci: Shell) -> None:
    done = ci("run", "release.broken", "--output", "junit", "--timeout", "60s")
    failures = list(ET.fromstring(done.stdout).iter("failure"))
    assert [one.get("message") for one in failures] == ["core.local is failed"]
    assert (failures[0].text or "").startswith("no space for <it>\nexecutions: ")


def test_junit_of_a_plain_action_is_one_case_of_valid_characters(ci: Shell) -> None:
    done = ci("run", "core.local", r"cmd=printf 'a\033[31mb<c>\001'; exit 2", "--output", "junit")
    (case,) = ET.fromstring(done.stdout).iter("testcase")
    failure = case.find("failure")
    assert failure is not None
    assert failure.text == "ab<c>\ufffd"
    assert failure.get("message") == "core.local is failed"


# who the job is


class Asked:
    """What a server of ours heard: paths and headers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []


@pytest.fixture
def issuer() -> Iterator[tuple[str, Asked]]:
    """Answers as GitHub does a job that asks for its token, and refuses everything else."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            is_token = self.path.startswith("/token")
            body = json.dumps({"value": "head.body.sign"} if is_token else {"faultstring": "No."}).encode()
            self.send_response(200 if is_token else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
    finally:
        http.shutdown()
        http.server_close()
        thread.join(10)


def test_github_gives_the_token_for_our_address_and_it_is_the_bearer(
    ci: Shell, issuer: tuple[str, Asked]
) -> None:
    url, asked = issuer
    done = ci(
        "run",
        "core.noop",
        "--oidc",
        STORMCROW_URL=url,
        STORMCROW_API_KEY=None,
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{url}/token?api-version=2.0",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="runner-secret",
    )
    assert done.exit_code == 2
    first, ours = asked.heard[0], [one for one in asked.heard if not one[0].startswith("/token")]
    assert first[0] == f"/token?api-version=2.0&audience={url.replace(':', '%3A').replace('/', '%2F')}"
    assert first[1]["authorization"] == "Bearer runner-secret"
    assert {one[1]["authorization"] for one in ours} == {"Bearer head.body.sign"}
    assert not any("st2-api-key" in one[1] for one in ours)
    # It was asked for anew when the server did not take it, once.
    assert len(ours) == 2
    assert "head.body.sign" not in done.output


def test_other_systems_put_the_token_into_a_variable_or_a_file(
    ci: Shell, issuer: tuple[str, Asked], tmp_path: Path
) -> None:
    url, asked = issuer
    file = tmp_path / "token"
    file.write_text("of.a.file\n")
    for words, variables in (
        (("--oidc",), {"STORMCROW_ID_TOKEN": "of.a.variable"}),
        (("--oidc-variable", "MINE"), {"MINE": "of.my.own"}),
        (("--oidc-file", str(file)), {}),
    ):
        ci("run", "core.noop", *words, STORMCROW_URL=url, **variables)
    told = list(dict.fromkeys(one[1]["authorization"] for one in asked.heard))
    assert told == ["Bearer of.a.variable", "Bearer of.my.own", "Bearer of.a.file"]


def test_a_job_without_a_token_is_told_how_to_get_one(ci: Shell) -> None:
    done = ci("run", "core.noop", "--oidc")
    assert done.exit_code == 2
    assert "id-token: write" in done.stderr
    done = ci("run", "core.noop", "--oidc", STORMCROW_ID_TOKEN="two words")
    assert (done.exit_code, "two words" in done.output) == (2, False)
