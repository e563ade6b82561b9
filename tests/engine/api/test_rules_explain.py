"""Our own endpoints about rules: who may ask, and what is wrong with a question."""

from typing import Any

import pytest

from engine.records.trigger import Event
from tests.engine.api.running import Running


@pytest.fixture(scope="module")
def held(server: Running) -> str:
    """An event on which default.frozen is held back."""
    document = {
        "name": "frozen",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "frozen"}},
        "criteria": {"trigger.body.password": {"type": "exists", "pattern": True}},
        "action": {"ref": "core.noop"},
        "x-throttle": {"once_after": "1h"},
    }
    server.engine.stored.put("rule", document, user="ann")
    event = Event(
        trigger="core.st2.webhook",
        parameters={"url": "frozen"},
        payload={"body": {"password": "pw-87654321"}},
    )
    return server.engine.emit(event).instance.id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/triggerinstances/{id}/explain"),
        ("POST", "/triggerinstances/{id}/release"),
        ("POST", "/rules/backtest"),
    ],
)
def test_nobody_is_answered_without_a_key(server: Running, held: str, method: str, path: str) -> None:
    answer = server.ask(method, path.format(id=held), key="", json={"rule": "default.frozen"})
    assert answer.status_code == 401


def test_an_explanation_hides_secrets(server: Running, held: str) -> None:
    answer = server.get(f"/triggerinstances/{held}/explain")
    assert answer.status_code == 200
    (report,) = answer.json()["rules"]
    assert (report["ref"], report["conclusion"], report["matches"]) == ("default.frozen", "held", True)
    assert report["criteria"][0]["value"] == "********"
    assert "pw-87654321" not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/triggerinstances/" + "0" * 24 + "/release", {"rule": "default.frozen"}, 404),
        ("/triggerinstances/{id}/release", {}, 400),
        ("/triggerinstances/{id}/release", {"rule": "default.none"}, 404),
        ("/rules/backtest", {}, 400),
        ("/rules/backtest", {"rule": "default.none"}, 404),
        ("/rules/backtest", {"rule": "default.frozen", "since": "yesterday"}, 400),
        ("/rules/backtest", {"rule": "default.frozen", "since": "2099-01-01T00:00:00Z"}, 400),
        ("/rules/backtest", {"document": {"name": "x"}}, 400),
    ],
)
def test_what_is_wrong_is_refused(
    server: Running, held: str, path: str, body: dict[str, Any], status: int
) -> None:
    assert server.post(path.format(id=held), body).status_code == status


def test_what_is_held_is_released_once_as_who_asked(server: Running, held: str) -> None:
    answer = server.post(f"/triggerinstances/{held}/release", {"rule": "default.frozen"})
    assert answer.status_code == 201
    (made,) = answer.json()
    execution = server.get(f"/executions/{made['execution_id']}").json()
    assert execution["context"]["released_by"] == "admin"
    assert server.post(f"/triggerinstances/{held}/release", {"rule": "default.frozen"}).status_code == 409


def test_a_backtest_needs_no_saved_rule(server: Running, held: str) -> None:
    del held
    document = {
        "name": "new",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "frozen"}},
        "action": {"ref": "core.noop"},
    }
    answer = server.post("/rules/backtest", {"document": document})
    assert answer.status_code == 200
    assert answer.json()["fires"] == 1
