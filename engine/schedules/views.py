"""Schedules as they are now: with their rule, and the next times of their timer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.content.registry import Content
from engine.errors import NotFound
from engine.records.schedule import Schedule
from engine.records.timer import TimerState
from engine.rules.identity import Trigger, trigger_of
from engine.store import schedules as store
from engine.store.database import Database
from engine.timers import Timers
from engine.timing.misfire import MISFIRE_KEY, Misfire
from engine.timing.timer import timer_of

# More of them there cannot be.
MOST_ACTIVE = 1_000
LIVING = ("active", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule with its rule and its timer, as they are now."""

    schedule: Schedule
    state: str
    """active, paused, done, missed, cancelled, or removed (its rule was deleted)."""
    misfire: str = ""
    trigger: Trigger | None = None
    next_times: tuple[datetime, ...] = ()
    """UTC; empty when it will not run."""
    seen_at: datetime
    """What the clock showed."""


class ScheduleViews:
    def __init__(self, database: Database, content: Content, timers: Timers) -> None:
        self._database = database
        self._content = content
        self._timers = timers

    def get(self, number: int) -> ScheduleView:
        """Raises NotFound."""
        with self._database.read() as connection:
            found = store.get(connection, number)
        if found is None:
            raise NotFound(f"There is no schedule {number}.", hint="List them: schedule list")
        return self._view(found, self._timers.states(), count=3)

    def list(self, *, with_ended: bool = False, limit: int = MOST_ACTIVE) -> Sequence[ScheduleView]:
        """The newest first; without `with_ended` those that may run again."""
        with self._database.read() as connection:
            found = store.page(connection, with_ended=with_ended, limit=limit)
        states = self._timers.states()
        views = [self._view(one, states, count=1) for one in found]
        return views if with_ended else [view for view in views if view.state in LIVING]

    def _view(self, schedule: Schedule, states: Mapping[str, TimerState], *, count: int) -> ScheduleView:
        rule = self._content.current.rules.get(schedule.rule_ref)
        if schedule.ended_at is not None or rule is None:
            return ScheduleView(
                schedule=schedule, state=schedule.outcome or "removed", seen_at=self._timers.clock()
            )
        trigger = trigger_of(rule.trigger["type"], rule.trigger["parameters"])
        times = self._next_times(trigger, states.get(trigger.ref), count) if rule.enabled else ()
        return ScheduleView(
            schedule=schedule,
            state="active" if rule.enabled else "paused",
            misfire=str(rule.extensions.get(MISFIRE_KEY, Misfire.ONE)),
            trigger=trigger,
            next_times=times,
            seen_at=self._timers.clock(),
        )

    def _next_times(self, trigger: Trigger, state: TimerState | None, count: int) -> tuple[datetime, ...]:
        now = self._timers.clock()
        timer = timer_of(trigger.type_ref, trigger.parameters)
        anchor = state.anchor_at if state else now
        ahead = state.next_fire_at if state else None
        ahead = ahead or timer.next_after(now, anchor=anchor)
        times: list[datetime] = []
        while ahead is not None and len(times) < count:
            times.append(ahead)
            ahead = timer.next_after(ahead, anchor=anchor)
        return tuple(times)
