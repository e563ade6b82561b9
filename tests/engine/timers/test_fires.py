"""Each time fires once: rows, restarts, missed times, rules that come and go, two servers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.records.execution import ExecutionFilter
from engine.service import Engine
from engine.store import contents
from tests.engine import world
from tests.engine.timers.conftest import BEGIN, Clock, Held

MINUTE = timedelta(minutes=1)


def test_an_interval_timer_starts_its_action_with_stackstorms_payload(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    held.rule("tick", "IntervalTimer", unit="minutes", delta=1)
    assert held.pass_time(timedelta(seconds=59)) == []
    (fired,) = held.pass_time(timedelta(seconds=1, milliseconds=250))
    assert fired.payload == {
        "executed_at": "2026-03-02 12:01:00.250000+00:00",
        "schedule": None,
        "due_at": "2026-03-02T12:01:00.000000Z",
        "late_s": 0.25,
        "missed": 0,
    }
    assert fired.trace_tag == f"st2.IntervalTimer-{fired.trigger.removeprefix('core.')}"
    assert fired.source == f"timer:{fired.trigger}"
    (execution,) = held.engine.executions(ExecutionFilter())[0]
    assert execution.parameters["word"] == "2026-03-02T12:01:00.000000Z"
    assert execution.user == "ann"
    assert execution.context["trace_context"]["trace_tag"] == fired.trace_tag


def test_an_interval_keeps_its_phase_over_restarts(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    held.rule("tick", "IntervalTimer", unit="minutes", delta=10)
    held.pass_time(timedelta(minutes=10, seconds=3))
    held.restart(at=timedelta(minutes=3))
    assert len(held.fired()) == 1
    assert held.pass_time(timedelta(minutes=6)) == []
    held.pass_time(timedelta(minutes=1))
    assert held.due_times() == ["2026-03-02T12:10:00.000000Z", "2026-03-02T12:20:00.000000Z"]


def test_a_cron_timer_fires_in_its_zone(held: Held) -> None:
    held.rule("daily", "CronTimer", hour=14, timezone="Europe/Zurich")
    assert held.pass_time(timedelta(minutes=59)) == []
    assert len(held.pass_time(MINUTE)) == 1
    assert held.pass_time(timedelta(hours=23)) == []
    assert len(held.pass_time(timedelta(hours=1))) == 1


def test_a_date_fires_once_and_never_again(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    held.rule("once", "DateTimer", date="2026-03-02 12:30", timezone="UTC")
    held.rule("past", "DateTimer", date="2026-03-01 12:30", timezone="UTC")
    assert len(held.pass_time(timedelta(minutes=31))) == 1
    held.restart(at=timedelta(days=1))
    assert len(held.fired()) == 1
    assert {state.next_fire_at for state in held.engine.timers.states().values()} == {None}


@pytest.mark.parametrize(
    ("policy", "due", "late_s", "missed"),
    [
        ("skip", [], [], []),
        (None, ["12:15"], [300], [2]),
        ("one", ["12:15"], [300], [2]),
        ("all", ["12:05", "12:10", "12:15"], [900, 600, 300], [0, 0, 0]),
    ],
)
def test_what_was_missed_while_down_follows_the_policy(
    held: Held, policy: str | None, due: list[str], late_s: list[int], missed: list[int]
) -> None:
    more = {"x_misfire": policy} if policy else {}
    held.rule("tick", "IntervalTimer", unit="minutes", delta=5, **more)
    held.restart(at=timedelta(minutes=20) - timedelta(microseconds=1))
    fired = held.fired()
    assert [one.payload["due_at"][11:16] for one in fired] == due
    assert [round(one.payload["late_s"]) for one in fired] == late_s
    assert [one.payload["missed"] for one in fired] == missed
    assert len(held.pass_time(timedelta(seconds=1))) == 1


def test_rules_that_share_a_timer_get_what_the_most_demanding_asks_for(held: Held) -> None:
    held.rule("meek", "IntervalTimer", unit="minutes", delta=5, x_misfire="skip")
    held.rule("eager", "IntervalTimer", unit="minutes", delta=5, x_misfire="all")
    assert len(held.pass_time(timedelta(minutes=11))) == 2
    assert held.engine.executions(ExecutionFilter())[1] == 4


def test_five_hundred_timers_that_were_due_while_down_fire_once_each(held: Held) -> None:
    for number in range(500):
        rule = {
            "name": f"r{number}",
            "pack": "default",
            "enabled": True,
            "trigger": {
                "type": "core.st2.DateTimer",
                "parameters": {"date": (BEGIN + MINUTE + timedelta(milliseconds=number)).isoformat()},
            },
            "action": {"ref": "probe.nothing"},
        }
        held.engine.database.submit(
            lambda connection, rule=rule: contents.put(  # type: ignore[misc]  # mypy and defaults
                connection, "rule", f"default.{rule['name']}", rule, user="ann"
            )
        )
    held.engine.stored.write(lambda _connection: None)
    held.engine.timers.look(rules_changed=True)
    held.restart(at=timedelta(minutes=10))
    assert len(held.fired()) == 500
    held.restart(at=timedelta(minutes=10))
    assert len(held.fired()) == 500


def test_a_disabled_rule_does_not_fire_and_what_it_missed_is_not_made_up(held: Held) -> None:
    held.rule("tick", "IntervalTimer", unit="minutes", delta=5)
    held.engine.stored.set_enabled("rule", "default.tick", enabled=False, user="ann")
    assert held.pass_time(timedelta(minutes=13)) == []
    held.engine.stored.set_enabled("rule", "default.tick", enabled=True, user="ann")
    assert held.pass_time(MINUTE) == []
    (fired,) = held.pass_time(MINUTE)
    assert fired.payload["due_at"] == "2026-03-02T12:15:00.000000Z"


def test_a_timer_that_nobody_wants_any_more_goes_away_after_a_while(held: Held) -> None:
    held.rule("tick", "IntervalTimer", unit="minutes", delta=5)
    held.rule("once", "DateTimer", date="2027-01-01", timezone="UTC")
    held.engine.stored.remove("rule", "default.tick")
    held.engine.stored.remove("rule", "default.once")
    held.pass_time(MINUTE)
    (state,) = held.engine.timers.states().values()
    assert (state.next_fire_at, state.resting_since) == (None, BEGIN + MINUTE)
    held.pass_time(timedelta(days=31))
    assert held.engine.timers.states() == {}


def test_a_rule_with_parameters_that_make_no_sense_is_refused(held: Held) -> None:
    with pytest.raises(BadInput, match=r"trigger\.parameters\.unit: .*Did you mean minutes"):
        held.rule("bad", "IntervalTimer", unit="minute", delta=5)
    with pytest.raises(BadInput, match="x-misfire: 'sometimes' is not one of skip, one, all"):
        held.rule("bad", "IntervalTimer", unit="minutes", delta=5, x_misfire="sometimes")


def test_a_file_with_such_parameters_is_unavailable_with_its_line(tmp_path: Path) -> None:
    settings = world.settings(tmp_path)
    path = tmp_path / "packs" / "probe" / "rules" / "bad.yaml"
    path.parent.mkdir()
    path.write_text(
        "name: bad\ntrigger:\n  type: core.st2.CronTimer\n  parameters:\n    minute: 0\n    hour: 25\n"
        "action: {ref: probe.nothing}\n"
    )
    engine = Engine(settings)
    engine.start()
    try:
        (broken,) = [one for one in engine.registry.unavailable if one.name == "bad"]
    finally:
        engine.stop()
    assert broken.where.endswith("rules/bad.yaml:6")
    assert "higher than the maximum value" in broken.reason


# clocks that jump


def test_a_clock_that_is_set_forward_fires_once_and_not_in_a_storm(held: Held) -> None:
    held.rule("tick", "IntervalTimer", unit="seconds", delta=15)
    held.rule("hourly", "CronTimer", minute=0, timezone="UTC")
    fired = held.pass_time(timedelta(hours=5, seconds=12))
    assert sorted(one.trigger_type for one in fired) == ["core.st2.CronTimer", "core.st2.IntervalTimer"]


def test_an_interval_goes_on_when_the_clock_is_set_back(held: Held) -> None:
    held.rule("tick", "IntervalTimer", unit="seconds", delta=15)
    held.pass_time(timedelta(minutes=30))
    assert held.set(BEGIN - timedelta(hours=1)) == []
    assert len(held.pass_time(timedelta(seconds=15))) == 1
    assert len(held.pass_time(timedelta(seconds=15))) == 1


def test_a_cron_time_that_comes_again_because_the_clock_was_set_back_is_not_fired_again(held: Held) -> None:
    held.rule("hourly", "CronTimer", minute=0, timezone="UTC")
    assert len(held.pass_time(timedelta(hours=1))) == 1
    held.set(BEGIN + timedelta(minutes=30))
    assert held.set(BEGIN + timedelta(hours=1)) == []
    assert len(held.set(BEGIN + timedelta(hours=2))) == 1


def test_a_clock_that_was_wrong_by_a_year_does_not_stall_timers_for_a_year(held: Held) -> None:
    held.rule("hourly", "CronTimer", minute=0, timezone="UTC")
    held.rule("once", "DateTimer", date="2026-03-02 12:30", timezone="UTC")
    held.pass_time(timedelta(days=365))
    before = len(held.fired())
    held.set(BEGIN + timedelta(minutes=1))
    (fired,) = held.set(BEGIN + timedelta(hours=1))
    assert fired.trigger_type == "core.st2.CronTimer"
    assert before == 2


def test_a_clock_that_was_set_back_while_we_were_down_is_noticed(held: Held) -> None:
    held.rule("tick", "IntervalTimer", unit="seconds", delta=15)
    held.pass_time(timedelta(days=3))
    held.restart(at=-timedelta(days=3))
    assert len(held.pass_time(timedelta(seconds=15))) == 1


# several servers


two_servers = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def second(tmp_path: Path, held_on_each_kind: Held) -> Iterator[Held]:
    """Another server on the same PostgreSQL."""
    url = held_on_each_kind.engine.settings.store.url

    def make() -> Engine:
        folder = tmp_path / "second"
        folder.mkdir(exist_ok=True)
        settings = world.settings(folder)
        return Engine(replace(settings, store=replace(settings.store, url=url)))

    made = Held(make)
    yield made
    made.engine.stop()


@two_servers
def test_of_two_servers_one_fires(held_on_each_kind: Held, second: Held) -> None:
    first = held_on_each_kind
    first.rule("tick", "IntervalTimer", unit="minutes", delta=1)
    for _ in range(3):
        first.clock.now += MINUTE
        second.clock.now = first.clock.now
        with ThreadPoolExecutor(2) as both:
            list(both.map(lambda one: one.engine.timers.look(), (first, second)))
    assert len(first.fired()) == 3
    assert first.engine.executions(ExecutionFilter())[1] == 3


@two_servers
def test_a_server_fires_what_the_other_one_stored(held_on_each_kind: Held, second: Held) -> None:
    second.rule("theirs", "IntervalTimer", unit="minutes", delta=1)
    held_on_each_kind.clock.now += MINUTE
    held_on_each_kind.engine.timers.look()
    assert second.engine.executions(ExecutionFilter())[1] == 1


# the thread


def test_the_thread_wakes_up_for_a_rule_that_is_new(engine: Engine) -> None:
    rule = {
        "name": "soon",
        "enabled": True,
        "trigger": {"type": "core.st2.IntervalTimer", "parameters": {"unit": "seconds", "delta": 1}},
        "action": {"ref": "probe.nothing"},
    }
    engine.stored.put("rule", rule, user="ann")
    world.wait_until(lambda: engine.executions(ExecutionFilter())[1] >= 2)


def test_the_thread_goes_on_after_a_failure(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> datetime:
        raise RuntimeError("no time today")

    clock = Clock()
    engine.timers.clock = broken
    engine.timers.wake()
    world.wait_until(lambda: "trying again" in caplog.text)
    engine.timers.clock = clock
    rule = {
        "name": "later",
        "enabled": True,
        "trigger": {"type": "core.st2.IntervalTimer", "parameters": {"unit": "hours", "delta": 1}},
        "action": {"ref": "probe.nothing"},
    }
    engine.stored.put("rule", rule, user="ann")
    world.wait_until(lambda: bool(engine.timers.states()))
    clock.now += timedelta(hours=1)
    engine.timers.wake()
    world.wait_until(lambda: engine.executions(ExecutionFilter())[1] == 1)
