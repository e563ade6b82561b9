"""Policies and their types over REST."""

from typing import Any

import pytest

from tests.engine.api.running import Running

NEW = {
    "name": "one",
    "resource_ref": "probe.slow",
    "policy_type": "action.concurrency",
    "parameters": {"threshold": 1},
}


@pytest.fixture
def made(server: Running) -> Any:
    answer = server.post("/policies", NEW)
    assert answer.status_code == 201, answer.text
    yield answer.json()
    server.ask("DELETE", f"/policies/{answer.json()['id']}")


def test_a_policy_is_made_read_changed_and_deleted(server: Running, made: dict[str, Any]) -> None:
    assert made["ref"] == "default.one"
    assert made["uid"] == "policy:default:one"
    assert made["parameters"] == {"threshold": 1, "action": "delay"}
    assert server.get("/policies/default.one").json() == made
    changed = server.ask("PUT", f"/policies/{made['id']}", json={**made, "parameters": {"threshold": 3}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["parameters"] == {"threshold": 3, "action": "delay"}
    assert server.ask("DELETE", "/policies/default.one").status_code == 204
    assert server.get("/policies/default.one").status_code == 404


def test_a_policy_is_switched_off_by_what_a_client_sends_back(server: Running, made: dict[str, Any]) -> None:
    off = server.ask("PUT", "/policies/default.one", json={**made, "enabled": False}).json()
    assert off == {**made, "enabled": False}
    assert server.engine.registry.policies["default.one"].enabled is False


def test_a_policy_of_that_name_is_refused(server: Running, made: dict[str, Any]) -> None:
    assert server.post("/policies", NEW).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"policy_type": "action.none"}, "doesnt exist"),
        ({"parameters": {"threshold": 0}}, "threshold: 0 is not 1 or more"),
        ({"resource_ref": "probe.sloow"}, 'Action "probe.sloow" cannot be found'),
        ({"limit": 1}, "'limit' was unexpected"),
        ({"name": None}, "name"),
    ],
)
def test_a_wrong_policy_is_refused(server: Running, wrong: dict[str, Any], words: str) -> None:
    answer = server.post("/policies", {**NEW, **wrong})
    assert answer.status_code == 400
    assert words in answer.json()["faultstring"]


def test_policies_are_filtered(server: Running, made: dict[str, Any]) -> None:
    for query in ("pack=default", "name=one", "resource_ref=probe.slow", "policy_type=action.concurrency"):
        assert [one["ref"] for one in server.get(f"/policies?{query}").json()] == ["default.one"]
    assert server.get("/policies?policy_type=action.retry").json() == []


def test_nobody_makes_a_policy_without_a_key(server: Running) -> None:
    assert server.ask("POST", "/policies", json=NEW, key="").status_code == 401


def test_policy_types_are_listed_with_their_parameters(server: Running) -> None:
    found = server.get("/policytypes").json()
    assert [one["ref"] for one in found] == [
        "action.concurrency", "action.concurrency.attr", "action.rate_limit", "action.retry",
    ]  # fmt: skip
    one = server.get("/policytypes/action.concurrency.attr").json()
    assert (one["resource_type"], one["name"]) == ("action", "concurrency.attr")
    assert one["parameters"]["attributes"]["required"] is True
    assert server.get(f"/policytypes/{one['id']}").json() == one
    assert [one["ref"] for one in server.get("/policytypes?name=retry").json()] == ["action.retry"]
    assert server.get("/policytypes?resource_type=rule").json() == []
    assert server.get("/policytypes/action.none").status_code == 404


def test_a_retry_shows_stackstorms_id_of_what_it_repeats(server: Running) -> None:
    document = {
        "name": "again",
        "resource_ref": "probe.fail",
        "policy_type": "action.retry",
        "parameters": {"retry_on": "failure", "max_retry_count": 1},
    }
    assert server.post("/policies", document).status_code == 201
    try:
        first = server.run("probe.fail")
        second = server.get(
            f"/executions/{first['context']['policies']['retried']['execution_id']}?wait=60"
        ).json()
    finally:
        server.ask("DELETE", "/policies/default.again")
    retry = second["context"]["policies"]["retry"]
    assert retry["retried_liveaction_id"] == first["liveaction"]["id"]
    assert (retry["applied_policy"], retry["retry_count"]) == ("default.again", 1)
