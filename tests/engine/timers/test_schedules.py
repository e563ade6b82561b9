"""Schedules on both databases: stored with their rule and timer, and over when they have run."""

from datetime import timedelta

import pytest

from engine.errors import BadInput
from engine.notices import NOTICE
from engine.records.execution import ExecutionFilter
from engine.schedules.book import NewSchedule
from engine.schedules.views import ScheduleView
from engine.store import journal
from engine.timing.misfire import Misfire
from tests.engine.timers.conftest import BEGIN, Held


def schedule(held: Held, when: str, *, misfire: Misfire = Misfire.ONE) -> ScheduleView:
    wanted = NewSchedule(
        when=when,
        action="probe.nothing",
        parameters={"word": "{{ 1 + 1 }}"},
        user="ann",
        zone="UTC",
        misfire=misfire,
        context={"chat": {"adapter": "", "channel": "ops"}},
    )
    return held.engine.schedules.add(wanted)


def words(held: Held) -> list[str]:
    found, _ = held.engine.executions(ExecutionFilter(limit=None))
    return [one.parameters["word"] for one in found]


def test_one_that_runs_once_runs_after_a_restart_and_leaves_no_rule(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    made = schedule(held, "at 14:00")
    assert made.next_times == (BEGIN + timedelta(hours=2),)
    held.restart(at=timedelta(hours=3))
    assert words(held) == ["{{ 1 + 1 }}"]
    view = held.engine.schedules.get(made.schedule.number)
    assert (view.state, view.schedule.last_due_at) == ("done", BEGIN + timedelta(hours=2))
    assert made.schedule.rule_ref not in held.engine.registry.rules
    held.restart(at=timedelta(days=1))
    assert len(words(held)) == 1
    execution = held.engine.execution("last")
    assert execution.user == "ann"
    assert execution.context["schedule"]["late_s"] == 3600
    assert execution.context["schedule"]["source"].startswith("timer:core.")


def test_its_time_comes_even_when_its_rule_was_never_seen(held: Held) -> None:
    schedule(held, "at 12:01")
    held.restart(at=timedelta(minutes=5))
    assert len(words(held)) == 1


def test_what_was_to_be_skipped_and_was_missed_is_told_and_over(held: Held) -> None:
    made = schedule(held, "at 14:00", misfire=Misfire.SKIP)
    held.restart(at=timedelta(hours=3))
    assert words(held) == []
    assert held.engine.schedules.get(made.schedule.number).state == "missed"
    with held.engine.database.read() as connection:
        (entry,) = journal.entries_after(connection, 0, kinds=[NOTICE])
    assert "was missed while the server was down" in entry.data["text"]
    assert entry.data["channel"] == "ops"


def test_two_at_the_same_moment_both_run(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    schedule(held, "at 14:00")
    schedule(held, "at 14:00")
    held.pass_time(timedelta(hours=2))
    assert len(words(held)) == 2
    assert held.engine.schedules.list() == []


def test_one_that_runs_again_and_again_stays(held_on_each_kind: Held) -> None:
    held = held_on_each_kind
    made = schedule(held, "every 10 minutes")
    for _ in range(3):
        held.pass_time(timedelta(minutes=10))
    assert len(words(held)) == 3
    (view,) = held.engine.schedules.list()
    assert view.state == "active"
    assert view.next_times == (BEGIN + timedelta(minutes=40),)
    held.engine.schedules.cancel(made.schedule.number, user="bob")
    assert held.pass_time(timedelta(minutes=10)) == []
    over = held.engine.schedules.get(made.schedule.number)
    assert (over.state, over.schedule.ended_by) == ("cancelled", "bob")


def test_a_paused_one_that_was_to_run_once_never_runs_when_its_time_is_past(held: Held) -> None:
    made = schedule(held, "at 14:00")
    held.engine.schedules.set_enabled(made.schedule.number, enabled=False, user="ann")
    held.pass_time(timedelta(hours=3))
    view = held.engine.schedules.set_enabled(made.schedule.number, enabled=True, user="ann")
    assert view.next_times == ()
    held.pass_time(timedelta(minutes=1))
    assert words(held) == []


def test_numbers_are_not_given_twice(held: Held) -> None:
    first = schedule(held, "at 14:00").schedule.number
    held.engine.schedules.cancel(first, user="ann")
    assert schedule(held, "at 14:00").schedule.number == first + 1


def test_a_rule_that_only_says_it_is_a_schedule_runs_nothing(held: Held) -> None:
    made = schedule(held, "every 10 minutes")
    held.rule("forged", "IntervalTimer", unit="minutes", delta=1, x_schedule=made.schedule.number)
    held.pass_time(timedelta(minutes=1))
    assert words(held) == []


def test_an_action_that_is_not_there_is_refused(held: Held) -> None:
    with pytest.raises(BadInput, match="disabled"):
        held.engine.schedules.add(NewSchedule(when="at 14:00", action="probe.off", user="ann", zone="UTC"))
