"""`status` and `doctor` say in words how the running server is."""

import json

import pytest

from bot.cli.exits import Code
from engine.chat_states import ChatState
from tests.bot.cli.conftest import Shell


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is a new one, and a slow machine is no fault."""
    monkeypatch.setattr("engine.health.FRESH_S", -1.0)
    monkeypatch.setattr("engine.health.DEADLINE_S", 30.0)
    monkeypatch.setattr("engine.api.health._LONGEST_S", 60.0)


def test_status_of_a_server_that_is_well(shell: Shell) -> None:
    done = shell("status")
    assert done.exit_code == 0, done.output
    assert "ok       writer: answers" in done.stdout
    assert done.stdout.endswith(f"{shell.server.url} takes work\n")


def test_status_says_what_is_wrong_and_what_to_do(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    away = ChatState(name="irc", is_up=False, trouble="nobody answers")
    monkeypatch.setattr(shell.server.engine.chats, "_sources", {"irc": lambda: away})
    done = shell("status")
    assert done.exit_code == 1
    assert "problem  chat irc: not connected: nobody answers" in done.stdout
    assert "         fix: stormcrow doctor irc" in done.stdout
    found = json.loads(shell("status", "--json").stdout)
    assert found["status"] == "wrong"
    assert [one["name"] for one in found["checks"] if one["decides"] and not one["ok"]] == ["chat irc"]


def test_status_without_a_server(shell: Shell) -> None:
    done = shell("status", STORMCROW_URL="http://127.0.0.1:9")
    assert done.exit_code == Code.NO_SERVER
    assert "No server answers" in done.stderr


def test_doctor_asks_the_server_that_runs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    data = shell.server.folder / "data"
    (data / "server.url").write_text(shell.server.url)
    try:
        found = json.loads(shell("doctor", "--json", "--data", str(data)).stdout)
    finally:
        (data / "server.url").unlink()
    assert {"server: writer", "server: disk"} <= {one["what"] for one in found}
