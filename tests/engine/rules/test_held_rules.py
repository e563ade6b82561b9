"""Rules that fire later, or because a person says so: once, and over restarts."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Conflict, NotFound
from engine.records.execution import ExecutionFilter
from engine.records.trigger import Emitted, EnforcementFilter, EnforcementStatus, Event
from engine.service import Engine
from tests.engine import world
from tests.engine.world import wait_until

WEBHOOK = "core.st2.webhook"


def put(engine: Engine, name: str = "r", **changed: Any) -> None:
    document = {
        "name": name,
        "enabled": True,
        "trigger": {"type": WEBHOOK, "parameters": {"url": "alert"}},
        "action": {"ref": "probe.nothing", "parameters": {"word": "{{ trigger.n }}"}},
    }
    engine.stored.put("rule", {**document, **changed}, user="alice")


def emit(engine: Engine, n: int, url: str = "alert", **payload: Any) -> Emitted:
    payload = {"n": n, "host": "db", **payload}
    return engine.emit(Event(trigger=WEBHOOK, parameters={"url": url}, payload=payload))


def words(engine: Engine) -> list[str]:
    found = engine.executions(ExecutionFilter())[0]
    return sorted(str(one.parameters["word"]) for one in found)


def held(engine: Engine, emitted: Emitted) -> list[EnforcementStatus]:
    found, _ = engine.history.enforcements(EnforcementFilter(instance_id=emitted.instance.id))
    return [one.status for one in found]


def test_once_after_fires_on_the_last_event_and_once(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    put(engine, **{"x-throttle": {"once_after": 1}})
    first, *_, last = [emit(engine, number) for number in range(3)]
    assert words(engine) == []
    wait_until(lambda: words(engine) != [])
    assert words(engine) == ["2"]
    assert held(engine, first) == [EnforcementStatus.HELD]
    assert held(engine, last) == [EnforcementStatus.SUCCEEDED]
    assert engine.held.due() == []


def test_what_fires_late_knows_how_many_events_stand_behind_it(engine: Engine) -> None:
    action = {
        "ref": "probe.nothing",
        "parameters": {"word": "{{ action_context.gathered.count }} events"},
    }
    put(engine, action=action, **{"x-throttle": {"once_after": 1}})
    for number in range(3):
        emit(engine, number)
    wait_until(lambda: words(engine) == ["3 events"])


def test_what_is_due_fires_after_a_restart(tmp_path: Path) -> None:
    settings = world.settings(tmp_path)
    engine = Engine(settings)
    engine.start()
    put(engine, **{"x-throttle": {"once_after": 2}})
    emit(engine, 7)
    engine.stop()
    engine = Engine(settings)
    engine.start()
    try:
        wait_until(lambda: words(engine) == ["7"])
    finally:
        engine.stop()


def test_a_rule_that_was_switched_off_is_not_fired_late(engine: Engine) -> None:
    put(engine, **{"x-throttle": {"once_after": 1}})
    emitted = emit(engine, 1)
    engine.stored.set_enabled("rule", "default.r", enabled=False, user="alice")
    wait_until(lambda: engine.held.due() == [])
    found, _ = engine.history.enforcements(EnforcementFilter(instance_id=emitted.instance.id))
    assert "switched off" in found[0].failure_reason
    assert words(engine) == []


def test_a_later_gate_is_asked_when_it_is_due(engine: Engine) -> None:
    gates = {
        "x-throttle": {"once_after": 1, "by": "trigger.n"},
        "x-budget": {"at_most": 1, "within": "1h", "on_exceed": "drop"},
    }
    put(engine, **gates)
    one, other = emit(engine, 1), emit(engine, 2)
    wait_until(lambda: engine.held.due() == [])
    assert len(words(engine)) == 1
    both = sorted([*held(engine, one), *held(engine, other)])
    assert both == [EnforcementStatus.HELD, EnforcementStatus.SUCCEEDED]


def test_a_threshold_starts_the_action_at_the_nth_event(engine: Engine) -> None:
    put(engine, **{"x-threshold": {"count": 3, "within": "1h"}})
    statuses = [emit(engine, number).enforcements[0].status for number in range(4)]
    assert [status == EnforcementStatus.SUCCEEDED for status in statuses] == [False, False, True, False]
    assert words(engine) == ["2"]


CORRELATE = {
    "within": "1h",
    "by": "trigger.host",
    "with": {
        "deploy": {
            "trigger": {"type": WEBHOOK, "parameters": {"url": "deploy"}},
            "criteria": {"trigger.n": {"type": "gt", "pattern": 0}},
        },
        "login": {
            "trigger": {"type": WEBHOOK, "parameters": {"url": "login"}},
            "by": "trigger.place",
        },
    },
}


@pytest.mark.parametrize("order", [("alert", "deploy", "login"), ("deploy", "login", "alert")])
def test_events_that_belong_together_fire_the_rule_once_in_any_order(
    engine_of_each_kind: Engine, order: tuple[str, ...]
) -> None:
    engine = engine_of_each_kind
    put(engine, **{"x-correlate": CORRELATE})
    for url in order:
        assert words(engine) == []
        emit(engine, 5, url, place="db")
    wait_until(lambda: words(engine) == ["5"])
    emit(engine, 6, "login", place="db")
    emit(engine, 6)
    assert words(engine) == ["5"]


def test_an_event_of_another_key_or_that_fails_its_criteria_does_not_count(engine: Engine) -> None:
    put(engine, **{"x-correlate": CORRELATE})
    emit(engine, 1)
    emit(engine, 1, "login", place="db")
    emit(engine, 0, "deploy")
    emit(engine, 1, "deploy", host="web")
    assert engine.held.due() == []
    assert words(engine) == []
    assert engine.triggers.listens(WEBHOOK)
    assert len(engine.rules.table.triggers_of(WEBHOOK)) == 3


def test_a_person_can_fire_what_is_held_and_only_once(engine: Engine) -> None:
    put(engine, **{"x-budget": {"at_most": 1, "within": "1h", "on_exceed": "ask"}})
    emit(engine, 1)
    second = emit(engine, 2)
    made = engine.held.release("default.r", second.instance.id, user="bob")
    assert [one.status for one in made] == [EnforcementStatus.SUCCEEDED]
    assert words(engine) == ["1", "2"]
    execution = engine.execution(made[0].execution_id or "")
    assert execution.context["released_by"] == "bob"
    with pytest.raises(Conflict):
        engine.held.release("default.r", second.instance.id, user="carol")
    assert words(engine) == ["1", "2"]


def test_what_a_person_fired_is_not_due_any_more(engine: Engine) -> None:
    put(engine, **{"x-throttle": {"once_after": "1h"}})
    emitted = emit(engine, 1)
    engine.held.release("default.r", emitted.instance.id, user="bob")
    assert engine.held.due() == []
    assert held(engine, emitted) == [EnforcementStatus.SUCCEEDED]


def test_what_is_not_there_cannot_be_fired(engine: Engine) -> None:
    put(engine)
    emitted = emit(engine, 1)
    with pytest.raises(NotFound):
        engine.held.release("default.none", emitted.instance.id, user="bob")
    with pytest.raises(NotFound):
        engine.held.release("default.r", "0" * 24, user="bob")
    with pytest.raises(Conflict):
        engine.held.release("default.r", emitted.instance.id, user="bob")


def test_a_freeze_is_lifted_by_its_key_in_the_datastore(engine: Engine) -> None:
    freeze = {"windows": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}], "override": "lift"}
    put(engine, **{"x-freeze": freeze})
    assert emit(engine, 1).enforcements[0].status is EnforcementStatus.HELD
    engine.datastore.put("system", "lift", "true")
    assert emit(engine, 2).enforcements[0].status is EnforcementStatus.SUCCEEDED
    engine.datastore.put("system", "lift", "false")
    assert emit(engine, 3).enforcements[0].status is EnforcementStatus.HELD
    assert words(engine) == ["2"]


def test_several_actions_start_with_one_event(engine: Engine) -> None:
    more = [{"ref": "probe.nothing", "parameters": {"word": "more"}}]
    put(engine, **{"x-actions": more})
    emitted = emit(engine, 1)
    assert [one.number for one in emitted.enforcements] == [0, 1]
    assert words(engine) == ["1", "more"]


def test_all_actions_of_a_held_rule_start_when_it_is_fired(engine: Engine) -> None:
    more = [{"ref": "probe.nothing", "parameters": {"word": "more"}}]
    put(engine, **{"x-actions": more, "x-throttle": {"once_after": 1}})
    emit(engine, 1)
    wait_until(lambda: words(engine) == ["1", "more"])


def test_groups_of_criteria_decide_too(engine: Engine) -> None:
    match = {
        "any": [{"trigger.n": {"type": "gt", "pattern": 10}}, {"trigger.n": {"type": "eq", "pattern": 1}}]
    }
    put(engine, **{"x-match": match})
    for number in (1, 5, 11):
        emit(engine, number)
    assert words(engine) == ["1", "11"]
