"""A CI job waits for people in the chat while the server is killed; its exit code says how it ended (S5)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.durability.server import Server, serving, wait_until
from tests.engine.callbacks.receiver import Receiver, receiving

SHA = "c0ffee" * 6 + "abcd"
PACK = {
    "packs/release/pack.yaml": """
        ref: release
        name: release
        description: Releases that people approve
        version: 1.0.0
        author: Tests
        email: tests@example.com
    """,
    "packs/release/actions/gate.yaml": """
        name: gate
        runner_type: orquesta
        entry_point: workflows/gate.yaml
        parameters:
          sha: {type: string, required: true}
          env: {type: string, required: true}
    """,
    # The link stands beside the commit while people are asked, and what they said afterwards.
    "packs/release/actions/workflows/gate.yaml": """
        version: 1.0
        input: [sha, env]
        tasks:
          announce:
            action: ci.github_status
            input:
              repository: org/app
              sha: <% ctx().sha %>
              state: pending
              text: waits for an approval in the chat
            next: [{when: <% succeeded() %>, do: approve}]
          approve:
            action: core.ask
            input: {text: "Release <% ctx().sha %> to <% ctx().env %>?", x-quorum: 1, on_timeout: reject}
            next:
              - {when: <% succeeded() %>, do: released}
              - {when: <% failed() %>, publish: [{why: <% result().decision.reason %>}], do: refused}
          released:
            action: ci.github_status
            input: {repository: org/app, sha: <% ctx().sha %>, state: success, text: approved}
          refused:
            action: ci.github_status
            input: {repository: org/app, sha: <% ctx().sha %>, state: failure, text: <% ctx().why %>}
            next: [{do: fail}]
    """,
}


@contextmanager
def house(folder: Path) -> Iterator[tuple[Server, Receiver]]:
    """A server, and a recorder in the place of GitHub."""
    with receiving() as github:
        config = (
            f"github_url: {github.url}\ngithub_token: hunter-9f3\nstormcrow_url: https://crow.example.org\n"
        )
        with serving(folder, files={**PACK, "configs/ci.yaml": config}) as server:
            yield server, github


def job(server: Server, folder: Path, *, key: str) -> "subprocess.Popen[str]":
    """A job of GitHub Actions, as far as the command line can tell."""
    words = ["release.gate", f"sha={SHA}", "env=prod", "--follow", "--timeout", "3m"]
    command = [sys.executable, "-m", "bot.cli", "run", *words, "--idempotency-key", key, "--output", "github"]
    return subprocess.Popen(
        command,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "STORMCROW_URL": server.url,
            "STORMCROW_API_KEY": server.key,
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def question(server: Server) -> dict[str, Any]:
    """The one that waits."""
    found: list[dict[str, Any]] = []

    def is_asked() -> bool:
        found[:] = server.get("/inquiries")
        return bool(found)

    wait_until(is_asked, timeout_s=60)
    return found[0]


def read_until(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    pytest.fail(f"the job ended without saying {word!r}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("words", "code", "said", "told"),
    [("approve {id}", 0, "Approved by", "success"), ("reject {id} freeze", 5, "freeze", "failure")],
)
def test_a_job_waits_for_people_over_a_kill(
    tmp_path: Path, words: str, code: int, said: str, told: str
) -> None:
    with house(tmp_path) as (server, github):
        process = job(server, tmp_path, key="9-gate")
        try:
            asked = question(server)["id"]
            read_until(process, "It waits for an answer")
            server.kill()
            server.start()
            server.say(words.format(id=asked))
            text, _ = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait(60)
        assert process.returncode == code, text
        summary = (tmp_path / "summary").read_text()
        assert said in summary
        # The job followed the workflow over the kill: each task once.
        last = "released" if code == 0 else "refused"
        assert text.count(f"{last}: succeeded after") == 1
        states = [one.body for one in github.came]
        assert b'"pending"' in states[0].replace(b" ", b"")
        assert f'"{told}"'.encode() in states[-1]
        (root,) = [one for one in server.executions() if one["action"]["ref"] == "release.gate"]
        assert f"https://crow.example.org/chat#execution/{root['id']}".encode() in states[0]
        if code == 5:
            assert b"freeze" in states[-1]
            # The job is tried again: the same execution, the same answer, and nobody is asked twice.
            again = job(server, tmp_path, key="9-gate")
            assert again.communicate(timeout=120)[0]
            assert again.returncode == 5
            assert len([one for one in server.executions() if one["action"]["ref"] == "release.gate"]) == 1
        assert "hunter-9f3" not in server.log_text + text
