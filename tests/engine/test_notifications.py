"""Who is told of an execution's end: routes of files and requests, rules, and our own chats."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput
from engine.notifications import NOTIFY_TRIGGER, requested_notify
from engine.records.execution import Execution, ExecutionRequest
from engine.records.trigger import EnforcementFilter, InstanceFilter
from engine.service import Engine
from tests.engine.listening import fired, listen, listening, notices, passed
from tests.engine.world import run


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with listening(tmp_path) as made:
        yield made


def told(engine: Engine, **notify: Any) -> Execution:
    """An execution whose request wants somebody to be told, after its end."""
    wanted = ExecutionRequest(action="probe.nothing", user="alice", context={"notify": notify})
    return engine.wait(engine.request(wanted).id, timeout_s=60)


def test_every_route_fires_the_notify_trigger(tmp_path: Path, database_url: str) -> None:
    with listening(tmp_path, url="" if database_url.startswith("sqlite") else database_url) as engine:
        engine.datastore.put("system", "site", "zurich")
        execution = run(engine, "probe.loud")
        found = fired(engine, NOTIFY_TRIGGER, 3)
        assert [one.payload["route"] for one in found] == ["complete", "both", "success"]
        payload = found[0].payload
        assert payload["message"] == "web1 hello zurich"
        assert payload["channel"] == payload["route"]
        assert (payload["execution_id"], payload["status"]) == (execution.id, "succeeded")
        assert (payload["action_ref"], payload["runner_ref"]) == ("probe.loud", "local-shell-cmd")
        assert payload["start_timestamp"].endswith("Z")
        assert payload["end_timestamp"] >= payload["start_timestamp"]
        assert (payload["data"]["host"], payload["data"]["user"]) == ("web1", "alice")
        assert json.loads(payload["data"]["result"])["stdout"] == "hello"
        assert found[0].trace_id == execution.id


def test_without_a_message_stackstorms_words_are_said(engine: Engine) -> None:
    run(engine, "probe.loud")
    assert fired(engine, NOTIFY_TRIGGER, 3)[2].payload["message"] == "Action probe.loud succeeded."


def test_a_failure_is_told_to_its_own_route(engine: Engine) -> None:
    run(engine, "probe.loud", cmd="exit 3")
    found = fired(engine, NOTIFY_TRIGGER, 3)
    assert [one.payload["route"] for one in found] == ["complete", "both", "failure"]


def test_a_secret_parameter_is_masked_in_templates(engine: Engine) -> None:
    run(engine, "probe.loud")
    for one in fired(engine, NOTIFY_TRIGGER, 3):
        assert "hunter2" not in json.dumps(one.payload)


def test_a_template_that_fails_is_sent_as_it_is_written(engine: Engine) -> None:
    run(engine, "probe.wrong")
    payload = fired(engine, NOTIFY_TRIGGER)[0].payload
    assert payload["message"] == "{{ nobody.knows }}"
    assert payload["data"]["a"] == 1


def test_what_a_request_says_is_never_rendered(engine: Engine) -> None:
    told(engine, **{"on-complete": {"message": "{{ 7 * 7 }}", "data": {"x": "{{ 8 }}"}, "routes": ["r"]}})
    payload = fired(engine, NOTIFY_TRIGGER)[0].payload
    assert (payload["message"], payload["data"]["x"]) == ("{{ 7 * 7 }}", "{{ 8 }}")


def test_what_a_request_says_counts_alone(engine: Engine) -> None:
    wanted = ExecutionRequest(
        action="probe.loud", user="alice", context={"notify": {"on-success": {"routes": ["mine"]}}}
    )
    engine.wait(engine.request(wanted).id, timeout_s=60)
    passed(engine)
    assert [one.payload["route"] for one in fired(engine, NOTIFY_TRIGGER)] == ["mine"]


def test_a_run_again_keeps_its_notification(engine: Engine) -> None:
    first = told(engine, **{"on-complete": {"routes": ["kept"]}})
    engine.wait(engine.rerun(first.id, user="alice", parameters={}).id, timeout_s=60)
    found = fired(engine, NOTIFY_TRIGGER, 2)
    assert found[1].payload["execution_id"] != found[0].payload["execution_id"]


def test_nothing_is_fired_where_no_rule_listens(engine: Engine) -> None:
    for rule in ("chatops.notify", "chatops.notify-errbot"):
        engine.stored.set_enabled("rule", rule, enabled=False, user="alice")
    told(engine, **{"on-complete": {"routes": ["r"]}})
    passed(engine)
    assert engine.history.instances(InstanceFilter(trigger_type=NOTIFY_TRIGGER))[1] == 0


def test_a_rule_may_start_an_action_from_it(engine: Engine) -> None:
    criteria = {"trigger.route": {"type": "equals", "pattern": "pager"}}
    listen(engine, NOTIFY_TRIGGER, action="probe.nothing", criteria=criteria)
    told(engine, **{"on-complete": {"message": "page", "routes": ["pager"]}})
    instance = fired(engine, NOTIFY_TRIGGER)[0]
    made, _ = engine.history.enforcements(EnforcementFilter(instance_id=instance.id))
    assert [one.rule_ref for one in made] == ["default.notifytrigger"]


def test_a_route_that_is_a_chat_is_said_in_its_channels(engine: Engine) -> None:
    execution = run(engine, "probe.chatty")
    found = notices(engine, 2)
    assert [one["channel"] for one in found] == ["deploys", "#Ops"]
    assert {one["text"] for one in found} == {"all is said"}
    assert {one["execution_id"] for one in found} == {execution.id}


def test_a_route_of_the_settings_is_said_where_they_say(tmp_path: Path) -> None:
    with listening(tmp_path, routes={"pager": "slack#oncall", "web": "none"}) as engine:
        told(engine, **{"on-complete": {"routes": ["web", "pager"], "data": {"host": "db1"}}})
        (one,) = notices(engine)
        assert (one["adapter"], one["channel"], one["fields"]) == ("slack", "oncall", [["host", "db1"]])


def test_what_ended_before_a_restart_is_told_once(tmp_path: Path) -> None:
    with listening(tmp_path) as engine:
        execution = told(engine, **{"on-complete": {"routes": ["chat"]}})
    with listening(tmp_path) as again:
        passed(again)
        assert [one["execution_id"] for one in notices(again)] == [execution.id]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"on_complete": {}}, "on_complete"),
        ({"on-complete": {"routes": "chat"}}, "routes"),
        ({"on-complete": {"routes": [1]}}, "routes"),
        ({"on-complete": {"message": 5}}, "message"),
        ([], None),
    ],
)
def test_a_wrong_section_of_a_request_is_refused(wrong: Any, said: str | None) -> None:
    if said is None:
        assert requested_notify(wrong) is None
        return
    with pytest.raises(BadInput, match=said):
        requested_notify(wrong)


def test_a_wrong_section_of_a_file_names_its_line(tmp_path: Path) -> None:
    with listening(tmp_path) as engine:
        path = tmp_path / "packs" / "probe" / "actions" / "mistaken.yaml"
        path.write_text("name: mistaken\nrunner_type: noop\nnotify:\n  on-complete:\n    routes: [7]\n")
        broken = [one for one in engine.reload().unavailable if one.name == "mistaken"]
        assert broken[0].where.endswith("mistaken.yaml:5")


def test_a_wrong_context_of_a_rule_stops_nobody(engine: Engine) -> None:
    told(engine, **{"on-complete": "nonsense"})
    told(engine, **{"on-complete": {"routes": ["after"]}})
    assert fired(engine, NOTIFY_TRIGGER)[0].payload["route"] == "after"
