"""`stormcrow inquiry` against a real server."""

import json
from typing import Any

import pytest

from bot.cli.exits import Code
from tests.bot.cli.conftest import Shell
from tests.engine.world import wait_until


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


def ask(shell: Shell, **parameters: Any) -> str:
    given = {name.replace("x_", "x-"): value for name, value in parameters.items()}
    execution_id = str(shell.server.start("core.ask", **given)["id"])
    wait_until(lambda: shell.server.engine.execution(execution_id).status == "pending")
    return execution_id


def key_of(shell: Shell, user: str) -> str:
    clear, _key = shell.server.engine.access.create_key(user=user, metadata={})
    return clear


def test_what_waits_is_listed(shell: Shell) -> None:
    inquiry_id = ask(shell, text="Go on?", users=["ann"], ttl=0)
    head, *lines = shell("inquiry", "list").output.splitlines()
    assert head.split() == ["ID", "STATE", "QUESTION", "NEEDS", "UNTIL", "FOR"]
    [line] = [one for one in lines if one.startswith(inquiry_id)]
    cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
    assert cells[1:] == ["pending", "Go on?", "1 of ann", "for ever", "admin"]


def test_one_is_shown_with_what_it_approves(shell: Shell) -> None:
    approves = {"action": "probe.say", "parameters": {"text": "x", "password": "sesame-9-open"}}
    text = shell("inquiry", "get", ask(shell, x_quorum=2, approves=approves)).output
    for words in ("probe.say", "********", "2 people", "0/2", "continue  boolean", "then: fail"):
        assert words in text
    assert "sesame" not in text


def test_an_approval_by_two(shell: Shell) -> None:
    inquiry_id = ask(shell, x_quorum=2, x_separate=True)
    own = shell("inquiry", "approve", inquiry_id)
    assert own.exit_code != 0
    assert "admin asks for it" in own.output
    bob, eve = key_of(shell, "bob"), key_of(shell, "eve")
    first = shell("inquiry", "approve", inquiry_id[-6:], "-m", "fine", STORMCROW_API_KEY=bob)
    assert first.output == f"{inquiry_id}  1/2 (bob), needs 2 people, not admin\n"
    second = shell("inquiry", "approve", inquiry_id, STORMCROW_API_KEY=eve)
    assert second.output == f"{inquiry_id}  Approved by eve\n"
    late = shell("inquiry", "reject", inquiry_id)
    assert (late.exit_code, "Approved by eve" in late.output) == (2, True)


def test_a_rejection_says_why(shell: Shell) -> None:
    inquiry_id = ask(shell)
    found = shell("inquiry", "reject", inquiry_id, "--reason", "not now", "--json")
    assert json.loads(found.output)["outcome"]["text"] == "Rejected by admin: not now"


SCHEMA = {
    "type": "object",
    "properties": {
        "version": {"type": "string", "required": True, "description": "Which one"},
        "size": {"type": "integer"},
    },
}


def test_an_answer_in_words_is_cast_by_the_schema(shell: Shell) -> None:
    inquiry_id = ask(shell, schema=SCHEMA)
    assert shell("inquiry", "respond", inquiry_id, "version=1.42", "size=many").exit_code == 2
    assert shell("inquiry", "respond", inquiry_id, "size=3").exit_code == 2
    found = shell("inquiry", "respond", inquiry_id, "version=1.42", "size=3", "--json")
    assert json.loads(found.output)["outcome"]["response"] == {"version": "1.42", "size": 3}


def test_an_answer_as_json_as_st2_takes_it(shell: Shell) -> None:
    inquiry_id = ask(shell)
    assert "not JSON" in shell("inquiry", "respond", "-r", "{continue", inquiry_id).output
    assert "must be a JSON object" in shell("inquiry", "respond", "-r", "[]", inquiry_id).output
    assert "There is no answer" in shell("inquiry", "respond", inquiry_id).output
    assert shell("inquiry", "respond", "-r", '{"continue": true}', inquiry_id).exit_code == 0


def test_run_says_that_it_waits_for_people(shell: Shell) -> None:
    result = shell("run", "core.ask", "--timeout", "2s")
    assert result.exit_code == Code.STILL_WAITING
    assert "It waits for an answer (anybody): core.ask" in result.output
    assert "stormcrow inquiry" in result.output
