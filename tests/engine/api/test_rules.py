"""Rules over the API, what they did, and the traces of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.records.trigger import Event
from tests.engine.api.running import Running, running

RULE: dict[str, Any] = {
    "name": "greet",
    "pack": "probe",
    "enabled": True,
    "trigger": {"type": "core.st2.webhook", "parameters": {"url": "greet"}},
    "criteria": {},
    "action": {"ref": "core.noop", "parameters": {}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("rules")) as made:
        yield made


@pytest.fixture
def rule(server: Running) -> Iterator[Any]:
    """A rule made over the API, gone again after the test."""
    answer = server.post("/rules", RULE)
    assert answer.status_code == 201, answer.text
    yield answer.json()
    server.ask("DELETE", "/rules/probe.greet")


def fire(server: Running, **more: Any) -> Any:
    payload = {"headers": {}, "headers_lower": {}, "body": {}}
    return server.engine.emit(
        Event(trigger="core.st2.webhook", parameters={"url": "greet"}, payload=payload, **more)
    )


def test_a_rule_is_made_and_read(server: Running, rule: Any) -> None:
    assert rule["ref"] == "probe.greet"
    assert rule["uid"] == "rule:probe:greet"
    assert rule["trigger"]["ref"].startswith("core.")
    assert rule["trigger"]["ref"] != "core.st2.webhook"
    assert rule["context"] == {"user": "admin"}
    assert server.get(f"/rules/{rule['id']}").json() == server.get("/v1/rules/probe.greet/").json() == rule


def test_a_new_rule_fires(server: Running, rule: Any) -> None:
    (enforcement,) = fire(server).enforcements
    document = server.get(f"/ruleenforcements/{enforcement.id}").json()
    assert document["rule"] == {"ref": "probe.greet", "id": rule["id"], "uid": "rule:probe:greet"}
    assert (document["status"], document["execution_id"]) == ("succeeded", enforcement.execution_id)
    assert server.get(f"/executions/{enforcement.execution_id}").json()["context"]["user"] == "admin"


def test_a_rule_is_disabled_as_st2_does_it(server: Running, rule: Any) -> None:
    whole = server.get("/rules/probe.greet").json()
    answer = server.ask("PUT", f"/rules/{rule['id']}", json={**whole, "enabled": False})
    assert (answer.status_code, answer.json()["enabled"]) == (200, False)
    assert fire(server).enforcements == ()
    assert server.ask("PUT", f"/rules/{rule['id']}", json={**whole, "enabled": True}).json()["enabled"]
    assert len(fire(server).enforcements) == 1


def test_a_rule_is_replaced(server: Running, rule: Any) -> None:
    changed = {**RULE, "description": "new", "enabled": False}
    answer = server.ask("PUT", "/rules/probe.greet", json=changed).json()
    assert (answer["description"], answer["enabled"]) == ("new", False)


def test_tags_and_context_alone_replace_a_rule(server: Running, rule: Any) -> None:
    whole = server.get("/rules/probe.greet").json()
    tags = [{"name": "team", "value": "web"}]
    changed = {**whole, "tags": tags, "context": {"why": "a drill", "user": "eve"}}
    answer = server.ask("PUT", "/rules/probe.greet", json=changed).json()
    assert (answer["tags"], answer["context"]) == (tags, {"why": "a drill", "user": "admin"})
    assert server.get("/rules/probe.greet").json() == answer


@pytest.mark.parametrize("part", ["type", "trigger", "action"])
def test_a_part_of_the_wrong_shape_is_refused(server: Running, rule: Any, part: str) -> None:
    refused = server.ask("PUT", "/rules/probe.greet", json={**RULE, part: "core.noop"})
    assert refused.status_code == 400
    assert part in refused.json()["faultstring"]
    assert server.get("/rules/probe.greet").json() == rule


def test_a_rule_of_a_file_is_switched_and_nothing_else(server: Running) -> None:
    whole = server.get("/rules/probe.on_file").json()
    assert server.ask("PUT", "/rules/probe.on_file", json={**whole, "enabled": True}).json()["enabled"]
    assert not server.ask("PUT", "/rules/probe.on_file", json={**whole, "enabled": False}).json()["enabled"]
    refused = server.ask("PUT", "/rules/probe.on_file", json={**whole, "description": "mine"})
    assert refused.status_code == 409
    assert "is the file probe/rules/on_file.yaml" in refused.json()["faultstring"]
    assert server.ask("DELETE", "/rules/probe.on_file").status_code == 409


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trigger": {"type": "core.st2.webhok"}}, "does not exist in system"),
        ({"criteria": {"trigger.x": {"type": "eqals", "pattern": 1}}}, "not in list of allowed operators"),
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"action": None}, "action"),
        ({"name": "two\0words"}, "no control characters"),
        ({"pack": "pro\nbe"}, "no control characters"),
    ],
)
def test_a_wrong_rule_is_refused(server: Running, changed: Any, words: str) -> None:
    answer = server.post("/rules", {**RULE, **changed})
    assert answer.status_code == 400
    assert words in answer.json()["faultstring"]


def test_a_rule_is_not_made_twice(server: Running, rule: Any) -> None:
    answer = server.post("/rules", RULE)
    assert (answer.status_code, answer.json()["conflict-id"]) == (409, rule["id"])


def test_nobody_chooses_whom_a_rule_runs_as(server: Running, rule: Any) -> None:
    whole = {**RULE, "name": "other", "context": {"user": "root", "why": "test"}}
    made = server.post("/rules", whole).json()
    assert made["context"] == {"user": "admin", "why": "test"}
    server.ask("DELETE", "/rules/probe.other")


def test_rules_are_filtered(server: Running, rule: Any) -> None:
    query = "pack=probe&action=core.noop&trigger=core.st2.webhook&enabled=True"
    assert [one["ref"] for one in server.get(f"/rules?{query}").json()] == ["probe.greet"]
    assert "probe.greet" not in [one["ref"] for one in server.get("/rules?enabled=False").json()]


def test_views_say_what_action_and_trigger_are(server: Running, rule: Any) -> None:
    view = server.get("/rules/views/probe.greet").json()
    assert view["action"]["description"]
    assert view["trigger"]["description"]
    assert server.get("/rules/views?pack=probe").status_code == 200


def test_there_are_two_rule_types(server: Running) -> None:
    types = server.get("/ruletypes").json()
    assert [one["name"] for one in types] == ["standard", "backstop"]
    assert server.get(f"/ruletypes/{types[1]['id']}").json() == types[1]
    assert server.get("/ruletypes/other").status_code == 404


def test_enforcements_are_filtered(server: Running, rule: Any) -> None:
    emitted = fire(server)
    (enforcement,) = emitted.enforcements
    for query in (
        f"trigger_instance={emitted.instance.id}",
        f"execution={enforcement.execution_id}",
        f"rule_ref=probe.greet&trigger_instance={emitted.instance.id}&enforced_at_gt=2000-01-01T00:00:00Z",
        f"rule_id={rule['id']}&execution={enforcement.execution_id}",
    ):
        assert [one["id"] for one in server.get(f"/ruleenforcements?{query}").json()] == [enforcement.id]
    assert server.get("/ruleenforcements?enforced_at_lt=2000-01-01T00:00:00Z").json() == []
    assert server.get("/ruleenforcements?limit=1").headers["X-Limit"] == "1"


def test_an_enforcement_view_holds_its_event_and_execution(server: Running, rule: Any) -> None:
    emitted = fire(server)
    view = server.get(f"/ruleenforcements/views/{emitted.enforcements[0].id}").json()
    assert view["trigger_instance"]["id"] == emitted.instance.id
    assert view["execution"]["action"]["ref"] == "core.noop"
    assert len(server.get("/ruleenforcements/views?limit=1").json()) == 1


def test_a_trace_tells_what_followed_from_an_event(server: Running, rule: Any) -> None:
    emitted = fire(server, trace_tag="deploy-7")
    (enforcement,) = emitted.enforcements
    trace = server.get(f"/traces/{emitted.instance.trace_id}").json()
    assert trace["trace_tag"] == "deploy-7"
    assert [one["object_id"] for one in trace["trigger_instances"]] == [emitted.instance.id]
    assert trace["rules"][0]["caused_by"] == {"type": "trigger_instance", "id": emitted.instance.id}
    (execution,) = trace["action_executions"]
    assert execution["object_id"] == enforcement.execution_id
    assert execution["caused_by"] == {"type": "rule", "id": f"{rule['id']}:{emitted.instance.id}"}


def test_traces_are_found_by_what_is_in_them(server: Running, rule: Any) -> None:
    emitted = fire(server, trace_tag="found-me")
    (enforcement,) = emitted.enforcements
    for query in (
        "trace_tag=found-me",
        f"execution={enforcement.execution_id}",
        f"trigger_instance={emitted.instance.id}",
    ):
        assert [one["id"] for one in server.get(f"/traces?{query}").json()] == [emitted.instance.trace_id]
    assert emitted.instance.trace_id in [one["id"] for one in server.get("/traces?rule=probe.greet").json()]
    assert server.get("/traces?sort_desc=True&limit=1").json()[0]["id"] == emitted.instance.trace_id


def test_an_execution_of_a_person_is_a_trace_of_its_own(server: Running) -> None:
    made = server.run("core.noop")
    trace = server.get(f"/traces/{made['id']}").json()
    assert (trace["id"], trace["trace_tag"]) == (made["id"], f"execution-{made['id']}")
    assert server.get("/traces/ffffffffffffffffffffffff").status_code == 404


def test_a_caller_names_a_trace(server: Running) -> None:
    body = {"action": "core.noop", "context": {"trace_context": {"trace_tag": "build-9"}}}
    made = server.post("/executions", body).json()
    (trace,) = server.get("/traces?trace_tag=build-9").json()
    assert [one["object_id"] for one in trace["action_executions"]] == [made["id"]]
