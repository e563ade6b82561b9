"""`stormcrow policy` against a real server."""

import json
from collections.abc import Iterator

import pytest

from tests.bot.cli.conftest import Shell


@pytest.fixture
def policy(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("COLUMNS", "120")
    stored = shell.server.engine.stored
    document = {
        "name": "one_each",
        "resource_ref": "probe.slow",
        "policy_type": "action.concurrency.attr",
        "parameters": {"threshold": 1, "attributes": ["seconds", "cmd"]},
    }
    stored.put("policy", document, user="admin")
    yield "default.one_each"
    stored.remove("policy", "default.one_each")


def test_policies_are_listed(shell: Shell, policy: str) -> None:
    head, line = shell("policy", "list").output.splitlines()
    assert head.split() == ["POLICY", "ACTION", "TYPE", "PARAMETERS", "ENABLED"]
    assert line.split() == [
        policy, "probe.slow", "action.concurrency.attr", "threshold=1", "attributes=seconds,cmd",
        "action=delay", "yes",
    ]  # fmt: skip
    assert shell("policy", "list", "--action", "probe.say").output.strip().endswith("No policies.")
    assert json.loads(shell("policy", "list", "--json").output)[0]["ref"] == policy


def test_a_policy_is_shown(shell: Shell, policy: str) -> None:
    text = shell("policy", "show", policy).output
    assert "probe.slow" in text
    assert "How many may run at once." in text
    assert shell("policy", "show", "default.none").exit_code == 9


def test_a_policy_is_switched(shell: Shell, policy: str) -> None:
    assert shell("policy", "disable", policy).output == f"{policy} is disabled.\n"
    assert json.loads(shell("policy", "show", policy, "--json").output)["enabled"] is False
    assert json.loads(shell("policy", "enable", policy, "--json").output)["enabled"] is True


def test_the_types_are_listed(shell: Shell) -> None:
    assert "action.rate_limit" in shell("policy", "types").output


def test_run_goes_on_to_the_last_try(shell: Shell) -> None:
    stored = shell.server.engine.stored
    document = {
        "name": "again",
        "resource_ref": "probe.fail",
        "policy_type": "action.retry",
        "parameters": {"retry_on": "failure", "max_retry_count": 1},
    }
    stored.put("policy", document, user="admin")
    try:
        done = shell("run", "probe.fail")
    finally:
        stored.remove("policy", "default.again")
    assert done.exit_code == 1
    first, second = (line for line in done.stderr.splitlines() if line.startswith("failed"))
    assert first.startswith("failed, trying again now (1 of 1)  ")
    assert second.endswith(first.split()[-1])
    shown = shell("execution", "get", first.split()[-1]).output
    assert "repeats" in shown
