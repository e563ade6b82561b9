"""Trigger types, triggers and events over REST, in StackStorm's shapes."""

from typing import Any

import pytest

from tests.engine.api.running import Running

WEBHOOK = "core.st2.webhook"


def make(server: Running, name: str, **more: Any) -> dict[str, Any]:
    answer = server.post("/triggertypes", {"name": name, "pack": "probe", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def fire(server: Running, trigger: str, **payload: Any) -> str:
    """The id of the event."""
    answer = server.post("/webhooks/st2", {"trigger": trigger, "payload": payload})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["x-trigger-instance"])


# types


def test_a_trigger_type_is_made_read_changed_and_removed(server: Running) -> None:
    schema = {"type": "object", "properties": {"host": {"type": "string"}}}
    made = make(server, "made", description="for tests", payload_schema=schema)
    assert (made["ref"], made["uid"]) == ("probe.made", "trigger_type:probe:made")
    assert made["payload_schema"] == schema
    assert server.get("/triggertypes/probe.made").json() == made
    assert server.get(f"/triggertypes/{made['id']}").json() == made
    changed = server.ask("PUT", "/triggertypes/probe.made", json={**made, "description": "changed"})
    assert (changed.status_code, changed.json()["description"]) == (200, "changed")
    assert server.ask("DELETE", "/triggertypes/probe.made").status_code == 204
    assert server.get("/triggertypes/probe.made").status_code == 404


def test_the_list_has_its_filters_and_its_total(server: Running) -> None:
    answer = server.get("/triggertypes?pack=core&limit=2")
    assert len(answer.json()) == 2
    assert int(answer.headers["x-total-count"]) > 2
    assert {one["pack"] for one in answer.json()} == {"core"}


def test_what_is_there_already_is_a_conflict(server: Running) -> None:
    make(server, "twice")
    assert server.post("/triggertypes", {"name": "twice", "pack": "probe"}).status_code == 409
    assert server.post("/triggertypes", {"name": "st2.webhook", "pack": "core"}).status_code == 409


def test_a_type_of_a_file_is_not_changed_here(server: Running) -> None:
    document = server.get(f"/triggertypes/{WEBHOOK}").json()
    assert server.ask("PUT", f"/triggertypes/{WEBHOOK}", json=document).status_code == 409
    assert server.ask("DELETE", f"/triggertypes/{WEBHOOK}").status_code == 409


@pytest.mark.parametrize("wrong", [{}, {"name": ""}, {"name": "x", "payload": {}}, {"name": 5}])
def test_a_wrong_type_is_refused(server: Running, wrong: dict[str, Any]) -> None:
    assert server.post("/triggertypes", wrong).status_code == 400


# triggers


def test_a_trigger_is_what_a_rule_names(server: Running) -> None:
    asked = {"type": WEBHOOK, "parameters": {"url": "/named/"}}
    made = server.post("/triggers", asked).json()
    assert (made["type"], made["parameters"]) == (WEBHOOK, {"url": "named"})
    assert made["uid"].startswith(f"trigger:core:{made['name']}:")
    assert server.get(f"/triggers/{made['ref']}").status_code == 404
    rule = {
        "name": "names-it",
        "trigger": asked,
        "action": {"ref": "core.noop"},
    }
    assert server.post("/rules", rule).status_code == 201
    assert server.get(f"/triggers/{made['ref']}").json() == made
    assert server.get(f"/triggers/{made['id']}").json() == made
    assert made in server.get("/triggers").json()
    assert made in server.get(f"/triggers?type={WEBHOOK}").json()
    assert {one["type"] for one in server.get(f"/triggers?type={WEBHOOK}").json()} == {WEBHOOK}
    assert server.ask("PUT", f"/triggers/{made['ref']}", json=asked).status_code == 200
    other = {**asked, "parameters": {"url": "other"}}
    assert server.ask("PUT", f"/triggers/{made['ref']}", json=other).status_code == 409
    refused = server.ask("DELETE", f"/triggers/{made['ref']}")
    assert (refused.status_code, "default.names-it" in refused.json()["faultstring"]) == (409, True)


def test_a_trigger_of_an_unknown_type_is_refused(server: Running) -> None:
    assert server.post("/triggers", {"type": "no.such"}).status_code == 400
    assert server.post("/triggers", {"type": WEBHOOK, "parameters": 5}).status_code == 400


# events


def test_an_event_is_found_by_what_it_is(server: Running) -> None:
    make(server, "found")
    instance = fire(server, "probe.found", host="db1")
    shown = server.get(f"/triggerinstances/{instance}").json()
    assert (shown["id"], shown["trigger"], shown["status"]) == (instance, "probe.found", "processed")
    assert shown["payload"] == {"host": "db1"}
    assert shown["occurrence_time"].endswith("Z")
    later = fire(server, "probe.found", host="db2")
    listed = server.get("/triggerinstances?trigger_type=probe.found")
    assert [one["id"] for one in listed.json()] == [later, instance]
    assert listed.headers["x-total-count"] == "2"
    for query in (
        "trigger=probe.found&limit=1&offset=1",
        f"id={instance}",
        f"trigger=probe.found&timestamp_lt={server.get(f'/triggerinstances/{later}').json()['occurrence_time']}",
        "trigger=probe.found&sort=occurrence_time&limit=1",
        "trigger=probe.found&sort_asc=true&limit=1",
    ):
        assert [one["id"] for one in server.get(f"/triggerinstances?{query}").json()] == [instance], query
    assert server.get("/triggerinstances?trigger=probe.found&status=pending").json() == []


def test_attributes_can_be_chosen(server: Running) -> None:
    make(server, "chosen")
    instance = fire(server, "probe.chosen", host="db1")
    (shown,) = server.get(f"/triggerinstances?id={instance}&include_attributes=status").json()
    assert shown == {"id": instance, "status": "processed"}


@pytest.mark.parametrize("query", ["status=done", "timestamp_gt=yesterday", "limit=0"])
def test_a_wrong_question_is_refused(server: Running, query: str) -> None:
    assert server.get(f"/triggerinstances?{query}").status_code == 400


def test_an_unknown_event_is_404(server: Running) -> None:
    assert server.get(f"/triggerinstances/{'0' * 24}").status_code == 404
    assert server.post(f"/triggerinstances/{'0' * 24}/re_emit", {}).status_code == 404


def test_an_event_is_fired_again_with_its_origin(server: Running) -> None:
    make(server, "again")
    instance = fire(server, "probe.again", host="db1")
    answer = server.post(f"/triggerinstances/{instance}/re_emit", {})
    assert answer.status_code == 200
    assert answer.json() == {
        "message": f"Trigger instance {instance} succesfully re-sent.",
        "payload": {"host": "db1", "__context": {"original_id": instance}},
    }
    again = server.get(f"/triggerinstances/{answer.headers['x-trigger-instance']}").json()
    assert again["payload"] == answer.json()["payload"]


def test_a_closed_schema_is_fired_again_as_it_was(server: Running) -> None:
    schema = {"type": "object", "properties": {"host": {"type": "string"}}, "additionalProperties": False}
    make(server, "closed", payload_schema=schema)
    instance = fire(server, "probe.closed", host="db1")
    assert server.post(f"/triggerinstances/{instance}/re_emit", {}).json()["payload"] == {"host": "db1"}


def test_an_event_with_parameters_meets_the_same_rules_again(server: Running) -> None:
    rule = {
        "name": "meets-again",
        "enabled": True,
        "trigger": {"type": WEBHOOK, "parameters": {"url": "meets"}},
        "action": {"ref": "core.noop"},
    }
    assert server.post("/rules", rule).status_code == 201
    first = server.post("/webhooks/meets", {"n": 1}).headers["x-trigger-instance"]
    again = server.post(f"/triggerinstances/{first}/re_emit", {}).headers["x-trigger-instance"]
    found = server.get(f"/ruleenforcements?trigger_instance={again}").json()
    assert [one["rule"]["ref"] for one in found] == ["default.meets-again"]
