"""What the engine's own doing fires: only where a rule listens, once, with what StackStorm really sends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.announcements import ANNOUNCED
from engine.internal_triggers import ACTION_TRIGGER, KEY_CREATE, KEY_DELETE, KEY_UPDATE, KEY_VALUE_CHANGE
from engine.records.execution import ExecutionFilter, ExecutionRequest
from engine.records.trigger import InstanceFilter, InstanceStatus
from engine.service import Engine
from tests.engine.listening import entries, fired, listen, listening, notices, passed
from tests.engine.world import run, wait_until


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with listening(tmp_path) as made:
        yield made


def announce(engine: Engine, **parameters: Any) -> str:
    wanted = ExecutionRequest(action="probe.post", parameters=parameters, user="alice")
    return engine.wait(engine.request(wanted).id, timeout_s=60).id


# core.st2.generic.actiontrigger


def test_the_end_of_an_execution_fires_the_action_trigger(tmp_path: Path, database_url: str) -> None:
    with listening(tmp_path, url="" if database_url.startswith("sqlite") else database_url) as engine:
        listen(engine, ACTION_TRIGGER, criteria=_of("probe.sh"))
        execution = run(engine, "probe.sh", cmd="echo hi")
        instance = fired(engine, ACTION_TRIGGER)[0]
        assert set(instance.payload) == {
            "execution_id",
            "status",
            "start_timestamp",
            "action_name",
            "action_ref",
            "runner_ref",
            "parameters",
            "result",
        }
        assert instance.payload["execution_id"] == execution.id
        assert instance.payload["status"] == "succeeded"
        assert instance.payload["start_timestamp"] == str(execution.requested_at)
        assert instance.payload["action_name"] == instance.payload["action_ref"] == "probe.sh"
        assert instance.payload["runner_ref"] == "local-shell-cmd"
        assert instance.payload["parameters"] == {"cmd": "echo hi"}
        assert instance.payload["result"]["stdout"] == "hi"
        assert instance.source == "engine"
        assert instance.trace_id == execution.id


def _of(action: str) -> dict[str, Any]:
    """Criteria that keep a rule from firing for its own action."""
    return {"trigger.action_name": {"type": "equals", "pattern": action}}


@pytest.mark.parametrize(("command", "status"), [("exit 1", "failed"), ("sleep 20", "timeout")])
def test_a_bad_end_fires_it_too(engine: Engine, command: str, status: str) -> None:
    listen(engine, ACTION_TRIGGER, criteria=_of("probe.sh"))
    run(engine, "probe.sh", cmd=command, timeout=1)
    assert fired(engine, ACTION_TRIGGER)[0].payload["status"] == status


def test_a_cancelled_execution_fires_it_too(engine: Engine) -> None:
    listen(engine, ACTION_TRIGGER, criteria=_of("probe.sh"))
    execution = engine.request(
        ExecutionRequest(action="probe.sh", parameters={"cmd": "true"}, user="alice", delay_ms=60_000)
    )
    engine.cancel(execution.id, user="alice")
    assert fired(engine, ACTION_TRIGGER)[0].payload["status"] == "canceled"


def test_secrets_are_masked_in_parameters_and_result(engine: Engine) -> None:
    listen(engine, ACTION_TRIGGER, criteria=_of("probe.secretive"))
    run(engine, "probe.secretive", password="hunter2-hunter2")
    instance = fired(engine, ACTION_TRIGGER)[0]
    assert instance.payload["parameters"]["password"] == "********"
    assert "hunter2" not in str(instance.payload)


def test_where_no_rule_listens_nothing_is_stored_and_no_commit_is_made(engine: Engine) -> None:
    run(engine, "probe.nothing")
    passed(engine)
    before = engine.database.commits
    for _ in range(5):
        run(engine, "probe.nothing")
    # Requested and claimed in one, ended in another.
    assert engine.database.commits - before <= 15
    passed(engine)
    assert engine.history.instances(InstanceFilter(trigger_type=ACTION_TRIGGER))[1] == 0


def test_an_execution_keeps_the_trace_it_belongs_to(engine: Engine) -> None:
    listen(engine, ACTION_TRIGGER, criteria=_of("probe.sh"))
    trace = {"trace_context": {"id_": "a" * 24, "trace_tag": "release-7"}}
    wanted = ExecutionRequest(action="probe.sh", parameters={"cmd": "true"}, user="alice", context=trace)
    engine.request(wanted)
    instance = fired(engine, ACTION_TRIGGER)[0]
    assert (instance.trace_id, instance.trace_tag) == ("a" * 24, "release-7")


def test_a_rule_that_fires_itself_is_stopped_and_told(tmp_path: Path) -> None:
    with listening(tmp_path) as engine:
        listen(engine, ACTION_TRIGGER, action="core.noop")
        run(engine, "core.noop")
        limit = engine.settings.events.depth_limit
        found = fired(engine, ACTION_TRIGGER, limit + 1)
        wait_until(lambda: notices(engine)[0]["title"] == "A loop of rules was stopped")
        assert [one.depth for one in found] == list(range(limit + 1))
        assert found[-1].status is InstanceStatus.PROCESSING_FAILED
        assert len(engine.executions(ExecutionFilter())[0]) == limit + 1


def test_over_a_restart_every_end_fires_it_once(tmp_path: Path) -> None:
    with listening(tmp_path) as engine:
        listen(engine, ACTION_TRIGGER, criteria=_of("probe.sh"))
        ended = [run(engine, "probe.sh", cmd="true").id for _ in range(3)]
    with listening(tmp_path) as again:
        passed(again)
        found = [one.payload["execution_id"] for one in fired(again, ACTION_TRIGGER, 3)]
        assert len(found) == len(set(found))
        assert set(ended) <= set(found)


# core.st2.key_value_pair.*


def test_a_key_that_is_made_changed_and_removed_fires_each_trigger(engine: Engine) -> None:
    for trigger in (KEY_CREATE, KEY_UPDATE, KEY_VALUE_CHANGE, KEY_DELETE):
        listen(engine, trigger)
    engine.datastore.put("system", "colour", "red")
    engine.datastore.put("system", "colour", "blue")
    engine.datastore.remove("system", "colour")
    created = fired(engine, KEY_CREATE)[0].payload["object"]
    assert (created["name"], created["value"], created["scope"]) == ("colour", "red", "st2kv.system")
    assert fired(engine, KEY_UPDATE)[0].payload["object"]["value"] == "blue"
    change = fired(engine, KEY_VALUE_CHANGE)[0].payload
    assert (change["old_object"]["value"], change["new_object"]["value"]) == ("red", "blue")
    assert fired(engine, KEY_DELETE)[0].payload["object"]["value"] == "blue"


def test_the_same_value_again_is_an_update_and_no_change(engine: Engine) -> None:
    for trigger in (KEY_UPDATE, KEY_VALUE_CHANGE):
        listen(engine, trigger)
    engine.datastore.put("system", "colour", "red")
    engine.datastore.put("system", "colour", "red")
    fired(engine, KEY_UPDATE)
    passed(engine)
    assert engine.history.instances(InstanceFilter(trigger_type=KEY_VALUE_CHANGE))[1] == 0


def test_a_secret_key_is_masked(engine: Engine) -> None:
    listen(engine, KEY_CREATE)
    engine.datastore.put("system", "token", "hunter2-hunter2", secret=True)
    instance = fired(engine, KEY_CREATE)[0]
    assert instance.payload["object"]["secret"] is True
    assert "hunter2" not in str(instance.payload)


# announcements


def test_an_announcement_is_a_journal_entry(engine: Engine) -> None:
    execution = announce(engine, route="deploys", message="hello", channel="ops")
    wait_until(lambda: bool(entries(engine, ANNOUNCED)))
    (entry,) = entries(engine, ANNOUNCED)
    assert entry.subject == execution
    assert entry.data["route"] == "deploys"
    assert entry.data["payload"]["message"] == "hello"
    assert entry.data["trace_context"] == {"id_": execution}


def test_an_announcement_for_bots_is_said_in_our_chat(engine: Engine) -> None:
    announce(engine, message="head{~}body", channel="#ops", user="ann")
    (one,) = notices(engine)
    assert (one["channel"], one["text"], one["mention"]) == ("#ops", "head\nbody", "ann")


def test_a_whisper_goes_to_the_person_alone(engine: Engine) -> None:
    announce(engine, message="psst", channel="ops", user="ann", whisper=True)
    (one,) = notices(engine)
    assert (one["channel"], one["mention"]) == ("@ann", "")


def test_an_announcement_may_be_edited_coloured_and_threaded(engine: Engine) -> None:
    ours = {"key": "deploy-7", "thread_key": "alert-1", "title": "Deploy", "tone": "good"}
    announce(engine, message="done", channel="ops", extra={"stormcrow": ours})
    (one,) = notices(engine)
    assert (one["key"], one["thread_key"]) == ("message:deploy-7", "alert-1")
    assert (one["title"], one["tone"]) == ("Deploy", "good")


def test_nonsense_beside_the_message_does_no_harm(engine: Engine) -> None:
    announce(engine, message="fine", extra={"stormcrow": {"tone": "purple", "key": 5, "title": ["x"]}})
    (one,) = notices(engine)
    assert (one["text"], one["tone"], one["channel"]) == ("fine", "neutral", "")


def test_a_route_of_nobody_is_not_said(engine: Engine) -> None:
    announce(engine, route="elsewhere", message="hello", channel="ops")
    passed(engine)
    assert entries(engine, "notice") == []


def test_a_route_can_be_left_to_the_bots(tmp_path: Path) -> None:
    with listening(tmp_path, routes={"chatops": "none"}) as engine:
        announce(engine, message="hello", channel="ops")
        passed(engine)
        assert entries(engine, "notice") == []
        assert len(entries(engine, ANNOUNCED)) == 1


def test_an_announcement_without_a_message_shows_what_it_holds(engine: Engine) -> None:
    run(engine, "core.announcement", message={"build": 7}, route="chat")
    (one,) = notices(engine)
    assert '"build": 7' in one["text"]
