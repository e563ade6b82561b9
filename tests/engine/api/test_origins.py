"""What began an execution stands in it: rule, trigger and event, for who may look at these."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.api.running import Running, running

PARTS = ("rule", "trigger", "trigger_type", "trigger_instance")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("origins")) as made:
        made.post("/triggertypes", {"name": "opened", "pack": "probe"})
        rule = {
            "name": "on_opened",
            "pack": "probe",
            "enabled": True,
            "trigger": {"type": "probe.opened"},
            "criteria": {},
            "action": {"ref": "core.noop"},
        }
        assert made.post("/rules", rule).status_code == 201
        yield made


@pytest.fixture(scope="module")
def event(server: Running) -> str:
    """The id of an event on which a rule has begun something."""
    answer = server.post("/webhooks/st2", {"trigger": "probe.opened", "payload": {"host": "web1"}})
    return str(answer.headers["X-Trigger-Instance"])


@pytest.fixture(scope="module")
def begun(server: Running, event: str) -> dict[str, Any]:
    (found,) = server.get(f"/executions?trigger_instance={event}").json()
    document: dict[str, Any] = server.get(f"/executions/{found['id']}").json()
    return document


def test_an_execution_has_the_whole_documents_of_what_began_it(
    server: Running, event: str, begun: dict[str, Any]
) -> None:
    assert begun["rule"] == server.get("/rules/probe.on_opened").json()
    assert begun["trigger"] == server.get("/triggers/probe.opened").json()
    assert begun["trigger_type"] == server.get("/triggertypes/probe.opened").json()
    assert begun["trigger_instance"] == server.get(f"/triggerinstances/{event}").json()
    assert begun["trigger_instance"]["payload"] == {"host": "web1"}


def test_its_context_names_the_rule_by_an_id(server: Running, begun: dict[str, Any]) -> None:
    assert begun["context"]["rule"] == {"id": begun["rule"]["id"], "name": "on_opened"}


def test_a_list_has_them_too_unless_they_are_left_out(server: Running, event: str) -> None:
    path = f"/executions?trigger_instance={event}"
    (whole,) = server.get(path).json()
    assert set(PARTS) <= set(whole)
    (without,) = server.get(f"{path}&exclude_attributes=result,trigger_instance").json()
    assert "trigger_instance" not in without
    (chosen,) = server.get(f"{path}&include_attributes=rule.ref,trigger_instance.payload.host").json()
    assert chosen == {
        "id": whole["id"],
        "rule": {"ref": "probe.on_opened"},
        "trigger_instance": {"payload": {"host": "web1"}},
    }


def test_the_event_is_an_attribute(server: Running, event: str, begun: dict[str, Any]) -> None:
    answer = server.get(f"/executions/{begun['id']}/attribute/trigger_instance")
    assert answer.json() == server.get(f"/triggerinstances/{event}").json()


def test_what_a_person_began_has_none_of_them(server: Running) -> None:
    made = server.run("core.noop")
    assert set(PARTS).isdisjoint(made)
    assert server.get(f"/executions/{made['id']}/attribute/trigger_instance").json() is None


def test_executions_are_found_by_the_bare_name_of_their_rule(server: Running, begun: dict[str, Any]) -> None:
    for name in ("on_opened", "probe.on_opened"):
        found = server.get(f"/executions?rule={name}").json()
        assert [one["id"] for one in found] == [begun["id"]]
    assert server.get("/executions?rule=opened").json() == []


def test_a_limited_key_sees_its_execution_and_not_the_event(server: Running, begun: dict[str, Any]) -> None:
    limited = server.post("/apikeys", {"actions": ["core.noop"]}).json()["key"]
    shown = server.get(f"/executions/{begun['id']}", key=limited).json()
    assert shown["status"] == "succeeded"
    assert set(PARTS).isdisjoint(shown)
    (listed,) = server.get("/executions?rule=on_opened", key=limited).json()
    assert set(PARTS).isdisjoint(listed)
    answer = server.get(f"/executions/{begun['id']}/attribute/trigger_instance", key=limited)
    assert answer.json() is None


def test_of_a_rule_that_has_gone_there_are_its_names(server: Running) -> None:
    rule = {**server.get("/rules/probe.on_opened").json(), "name": "brief"}
    rule = {name: rule[name] for name in ("name", "pack", "enabled", "trigger", "criteria", "action")}
    assert server.post("/rules", rule).status_code == 201
    answer = server.post("/webhooks/st2", {"trigger": "probe.opened", "payload": {}})
    assert server.ask("DELETE", "/rules/probe.brief").status_code == 204
    found = server.get(f"/executions?trigger_instance={answer.headers['X-Trigger-Instance']}").json()
    refs = {one["rule"]["ref"]: set(one["rule"]) for one in found}
    assert refs["probe.brief"] == {"id", "ref", "uid"}
