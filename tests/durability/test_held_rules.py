"""Rules that are held back, over kills: what is due fires once, and a budget is never overdrawn."""

import contextlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.durability.ledger import assert_sound, ledger_files, ledger_of, settle
from tests.durability.server import Server, wait_until

KEYS = 4
LIVES = 3
EVENTS = 24
RULE = """
    name: {name}
    enabled: true
    trigger: {{type: core.st2.webhook, parameters: {{url: held}}}}
    action:
      ref: {action}
      parameters: {{number: "{{{{ trigger.body.number }}}}", seconds: 0}}
    {gate}
"""
GATES = {
    "gathered": ("ledger.append", "x-throttle: {once_after: 1, by: trigger.body.key}"),
    "bounded": ("ledger.append", "x-budget: {at_most: 2, within: 1h, by: trigger.body.key, on_exceed: drop}"),
}


def files(folder: Path) -> dict[str, str]:
    rules = {
        f"packs/ledger/rules/{name}.yaml": RULE.format(name=name, action=action, gate=gate)
        for name, (action, gate) in GATES.items()
    }
    return {**ledger_files(folder), **rules}


def send(server: Server, number: int) -> bool:
    """Whether it was accepted."""
    with contextlib.suppress(requests.RequestException):
        body = {"number": number, "key": number % KEYS}
        return server.ask("POST", "/webhooks/held", json=body).status_code == 202
    return False


def enforcements(server: Server, rule: str) -> list[dict[str, Any]]:
    return list(server.get(f"/ruleenforcements/views?limit=-1&rule_ref=ledger.{rule}"))


def number_of(enforcement: dict[str, Any]) -> int:
    return int(enforcement["trigger_instance"]["payload"]["body"]["number"])


@pytest.mark.slow
def test_what_is_due_fires_once_and_budgets_hold_over_kills(tmp_path: Path) -> None:
    server = Server(tmp_path, files=files(tmp_path))
    accepted: list[int] = []
    try:
        for life in range(LIVES):
            server.start()
            first = life * EVENTS
            accepted += [number for number in range(first, first + EVENTS) if send(server, number)]
            server.kill()
        server.start()

        def nothing_is_due() -> bool:
            newest: dict[int, dict[str, Any]] = {}
            for one in enforcements(server, "gathered"):
                key = number_of(one) % KEYS
                if key not in newest or number_of(one) > number_of(newest[key]):
                    newest[key] = one
            return len(newest) == KEYS and all(one["status"] == "succeeded" for one in newest.values())

        wait_until(nothing_is_due, timeout_s=60)
        settle(server)
        assert_each_event_was_judged_once(server, accepted)
        started = Counter(
            number_of(one)
            for rule in GATES
            for one in enforcements(server, rule)
            if one["status"] == "succeeded"
        )
        assert ledger_of(tmp_path) == started
        assert server.terminate() == 0
        assert_sound(tmp_path)
    finally:
        server.close()


def assert_each_event_was_judged_once(server: Server, accepted: list[int]) -> None:
    for rule in GATES:
        judged = Counter(number_of(one) for one in enforcements(server, rule))
        assert set(accepted) <= set(judged)
        assert set(judged.values()) == {1}
    passed: dict[int, int] = defaultdict(int)
    for one in enforcements(server, "bounded"):
        passed[number_of(one) % KEYS] += one["status"] == "succeeded"
    assert passed == dict.fromkeys(range(KEYS), 2)
