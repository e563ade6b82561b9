"""`stormcrow apikey`: limited keys, and what they open for the command line itself."""

import json
from typing import Any

import pytest

from tests.bot.cli.conftest import Shell


@pytest.fixture
def made(shell: Shell) -> Any:
    """A key for one action."""
    words = ("--action", "probe.say", "--webhook", "github", "--from", "127.0.0.0/8", "--expires", "90d")
    return json.loads(shell("apikey", "create", "-d", "deploys", *words, "--json").stdout)


def test_a_limited_key_runs_its_action_and_no_other(shell: Shell, made: Any) -> None:
    done = shell("run", "probe.say", "text=hello", "--follow", STORMCROW_API_KEY=made["key"])
    assert done.exit_code == 0, done.stderr
    assert "hello" in done.stdout
    refused = shell("run", "core.noop", STORMCROW_API_KEY=made["key"])
    assert refused.exit_code != 0
    assert "This key is limited" in refused.stderr


def test_the_list_tells_how_a_key_begins_and_what_it_is_for(
    shell: Shell, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    line = next(one for one in shell("apikey", "list").stdout.splitlines() if made["id"] in one)
    assert made["prefix"] in line
    assert "never" in line
    assert "deploys" in line
    assert "only probe.say webhook github from 127.0.0.0/8" in line
    assert made["key"] not in line
    shell("execution", "list", STORMCROW_API_KEY=made["key"])
    line = next(one for one in shell("apikey", "list").stdout.splitlines() if made["id"] in one)
    assert "from 127.0.0.1" in line


def test_a_key_is_rotated(shell: Shell, made: Any) -> None:
    new = shell("apikey", "rotate", made["id"], "--grace", "0s")
    assert new.exit_code == 0, new.stderr
    assert shell("execution", "list", STORMCROW_API_KEY=new.stdout.strip()).exit_code == 0
    assert "expired" in shell("execution", "list", STORMCROW_API_KEY=made["key"]).stderr
    (state,) = [one["expires_at"] for one in _keys(shell) if one["id"] == made["id"]]
    assert state < made["expires_at"]


def _keys(shell: Shell) -> Any:
    return json.loads(shell("apikey", "list", "--json").stdout)


@pytest.mark.parametrize(
    "words",
    [("--expires", "soon"), ("--expires", "0d"), ("--from", "10.0.0.1/8"), ("--right", "everything")],
)
def test_limits_that_make_no_sense_are_told(shell: Shell, words: tuple[str, str]) -> None:
    refused = shell("apikey", "create", *words)
    assert refused.exit_code == 2
    assert refused.stderr.strip()
