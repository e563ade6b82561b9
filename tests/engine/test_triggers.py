"""The door for events: what is accepted is committed with all that follows from it."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import BadInput, Busy, NotFound, StoreFailure
from engine.records.execution import ExecutionFilter
from engine.records.trigger import (
    Emitted,
    EnforcementFilter,
    EnforcementStatus,
    Event,
    InstanceFilter,
    InstanceStatus,
)
from engine.service import Engine
from engine.store import journal
from tests.engine.world import wait_until

WEBHOOK = "core.st2.webhook"


def rule(engine: Engine, name: str, *, user: str = "alice", **changed: Any) -> None:
    document = {
        "name": name,
        "enabled": True,
        "trigger": {"type": WEBHOOK, "parameters": {"url": "/hook/"}},
        "action": {"ref": "probe.nothing", "parameters": {"word": "{{ trigger.body.word }}"}},
    }
    engine.stored.put("rule", {**document, **changed}, user=user)


def hook(word: str = "hello", **changed: Any) -> Event:
    event = {"trigger": WEBHOOK, "parameters": {"url": "hook"}, "payload": {"body": {"word": word}}}
    return Event(**{**event, **changed})


def started(engine: Engine) -> list[Any]:
    return engine.executions(ExecutionFilter())[0]


def test_an_event_starts_the_action_of_its_rule(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    rule(engine, "greet")
    emitted = engine.emit(hook("hi"))
    assert emitted.instance.status is InstanceStatus.PROCESSED
    (enforcement,) = emitted.enforcements
    assert (enforcement.rule_ref, enforcement.status) == ("default.greet", EnforcementStatus.SUCCEEDED)
    execution = engine.wait(enforcement.execution_id or "", timeout_s=60)
    assert execution.parameters["word"] == "hi"
    assert execution.context["rule"] == {"id": "default.greet", "name": "greet"}
    assert execution.context["trigger_instance"]["id"] == emitted.instance.id


def test_what_was_emitted_can_be_read_again(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    rule(engine, "greet")
    emitted = engine.emit(hook())
    assert engine.history.instance(emitted.instance.id) == emitted.instance
    assert engine.history.instances(InstanceFilter(trigger_type=WEBHOOK)) == ([emitted.instance], 1)
    found, total = engine.history.enforcements(EnforcementFilter(rule_ref="default.greet"))
    assert (tuple(found), total) == (emitted.enforcements, 1)


def test_a_rule_of_a_person_runs_as_that_person(engine: Engine) -> None:
    rule(engine, "mine", user="bob")
    engine.emit(hook())
    assert started(engine)[0].user == "bob"


def test_a_template_in_the_payload_stays_text(engine: Engine) -> None:
    rule(engine, "greet")
    engine.emit(hook("{{ st2kv.system.password }}"))
    assert started(engine)[0].parameters["word"] == "{{ st2kv.system.password }}"


def test_a_rule_on_another_trigger_does_not_fire(engine: Engine) -> None:
    rule(engine, "greet")
    assert engine.emit(hook(parameters={"url": "other"})).enforcements == ()
    assert started(engine) == []


def test_a_disabled_rule_does_not_fire(engine: Engine) -> None:
    rule(engine, "greet")
    engine.stored.set_enabled("rule", "default.greet", enabled=False, user="alice")
    assert engine.emit(hook()).enforcements == ()
    engine.stored.set_enabled("rule", "default.greet", enabled=True, user="alice")
    assert len(engine.emit(hook()).enforcements) == 1


def test_a_backstop_rule_fires_only_where_no_other_does(engine: Engine) -> None:
    criteria = {"trigger.body.word": {"type": "equals", "pattern": "hello"}}
    rule(engine, "greet", criteria=criteria)
    rule(engine, "rest", type={"ref": "backstop"})
    assert [one.rule_ref for one in engine.emit(hook("hello")).enforcements] == ["default.greet"]
    assert [one.rule_ref for one in engine.emit(hook("other")).enforcements] == ["default.rest"]


def test_a_rule_whose_action_is_missing_is_told_in_the_enforcement(engine: Engine) -> None:
    rule(engine, "broken", action={"ref": "probe.nowhere"})
    rule(engine, "greet")
    by_rule = {one.rule_ref: one for one in engine.emit(hook()).enforcements}
    assert by_rule["default.broken"].status is EnforcementStatus.FAILED
    assert 'Action "probe.nowhere" cannot be found.' in by_rule["default.broken"].failure_reason
    assert by_rule["default.greet"].status is EnforcementStatus.SUCCEEDED


def test_the_same_key_is_the_same_event(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    rule(engine, "greet")
    first = engine.emit(hook(source="webhook:hook", dedupe_key="delivery-1"))
    again = engine.emit(hook(source="webhook:hook", dedupe_key="delivery-1"))
    other = engine.emit(hook(source="webhook:other", dedupe_key="delivery-1"))
    assert (first.is_duplicate, again.is_duplicate, other.is_duplicate) == (False, True, False)
    assert again.instance == first.instance
    assert again.enforcements == first.enforcements
    assert len(started(engine)) == 2


def test_the_same_key_sent_at_once_from_many_threads_is_one_event(engine: Engine) -> None:
    rule(engine, "greet")
    futures = [engine.triggers.submit(hook(dedupe_key="one")) for _ in range(50)]
    emitted = [future.result() for future in futures]
    assert len({one.instance.id for one in emitted}) == 1
    assert sum(not one.is_duplicate for one in emitted) == 1
    assert len(started(engine)) == 1


def test_an_old_key_counts_no_more(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    first = engine.emit(hook(dedupe_key="one"))
    engine.database.write(
        lambda c: c.execute(text("UPDATE trigger_instance SET occurred_at = occurred_at - 90000000000"))
    )
    assert engine.emit(hook(dedupe_key="one")).instance.id != first.instance.id


def test_an_unknown_trigger_is_refused(engine: Engine) -> None:
    with pytest.raises(NotFound, match=r'Trigger "core.st2.webhok" cannot be found.*core.st2.webhook'):
        engine.emit(Event(trigger="core.st2.webhok", payload={}))


def test_a_payload_that_its_type_does_not_allow_is_refused(engine: Engine) -> None:
    with pytest.raises(BadInput, match=r"payload of trigger .core.st2.generic.inquiry. is not valid"):
        engine.emit(Event(trigger="core.st2.generic.inquiry", payload={"id": 5, "route": "ops"}))
    assert engine.history.instances(InstanceFilter())[1] == 0


def test_events_keep_their_order(engine: Engine) -> None:
    rule(engine, "greet")
    futures = [engine.triggers.submit(hook(str(number))) for number in range(200)]
    ids = [future.result().instance.id for future in futures]
    found, _ = engine.history.instances(InstanceFilter(limit=None, oldest_first=True))
    assert [one.id for one in found] == ids


def test_more_than_may_wait_is_refused_and_nothing_accepted_is_lost(engine: Engine) -> None:
    rule(engine, "greet")
    engine.triggers._queue_limit = 3
    release = threading.Event()
    blocked = engine.database.submit(lambda _connection: release.wait(90))
    accepted = [engine.triggers.submit(hook(str(number))) for number in range(3)]
    with pytest.raises(Busy):
        engine.triggers.submit(hook("too many"))
    release.set()
    blocked.result()
    assert [future.result().is_duplicate for future in accepted] == [False] * 3
    wait_until(lambda: engine.triggers.waiting == 0)
    engine.emit(hook("again"))
    assert len(started(engine)) == 4


def test_an_event_can_be_part_of_another_transaction(engine: Engine) -> None:
    rule(engine, "greet")
    prepared = engine.triggers.prepare(hook())

    def fails(connection: Any) -> None:
        prepared.insert(connection)
        raise BadInput("the rest of the transaction failed")

    with pytest.raises(BadInput):
        engine.database.write(fails)
    assert (engine.history.instances(InstanceFilter())[1], started(engine)) == (0, [])
    made: Emitted = engine.database.write(prepared.insert)
    assert len(made.enforcements) == len(started(engine)) == 1


def test_a_loop_of_rules_is_stopped_and_told(engine: Engine) -> None:
    rule(engine, "greet")
    emitted = engine.emit(hook(depth=engine.settings.events.depth_limit))
    assert emitted.instance.status is InstanceStatus.PROCESSING_FAILED
    assert "10 rules led one to the other" in emitted.instance.reason
    assert started(engine) == []
    with engine.database.read() as connection:
        notices = journal.entries_after(connection, 0, kinds=("notice",))
    assert notices[0].data["title"] == "A loop of rules was stopped"


def test_executions_know_how_many_rules_lie_behind_them(engine: Engine) -> None:
    rule(engine, "greet")
    engine.emit(hook(depth=4))
    assert started(engine)[0].context["rule_depth"] == 5


def test_what_an_event_starts_belongs_to_its_trace(engine: Engine) -> None:
    rule(engine, "greet")
    emitted = engine.emit(hook(trace_tag="deploy-7"))
    trace = started(engine)[0].context["trace_context"]
    assert trace == {"id_": emitted.instance.trace_id, "trace_tag": "deploy-7"}


def test_a_stopped_engine_takes_no_event(engine: Engine) -> None:
    futures = [engine.triggers.submit(hook()) for _ in range(20)]
    engine.triggers.stop()
    assert [future.result().is_duplicate for future in futures] == [False] * 20
    with pytest.raises(StoreFailure):
        engine.triggers.submit(hook())
