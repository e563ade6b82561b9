"""Cron times in a time zone. APScheduler reads the fields; which moments they are is decided here.

A time of the clock that is skipped in spring comes later by as much, one that comes twice in autumn
counts once, the first time. Fields that hold for every hour follow real time instead: they are due
in both of the hours that look the same, and not in the one that is skipped.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from apscheduler.triggers.cron import CronTrigger

from engine.errors import BadInput
from engine.timing import zones

FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")

_TICK = timedelta(microseconds=1)
# Clocks are changed by less than this (but for islands that changed the side of the date line).
_SHIFT = timedelta(hours=3)


class Cron:
    """Fields as APScheduler 3 takes them: a field less significant than the least one given is at its
    minimum, every other field that is left out is `*`; day_of_week 0 is Monday."""

    def __init__(self, fields: Mapping[str, Any], where: tzinfo) -> None:
        """Raises BadInput for a field that cannot be understood."""
        self._where = where
        for name, value in fields.items():
            _check(name, value)
        # In UTC, because this works on the times that clocks show, whatever the zone does.
        self._trigger = CronTrigger(timezone=UTC, **fields)
        hours = next(field for field in self._trigger.fields if field.name == "hour")
        self._is_hourly = all(
            hours.get_next_value(datetime(2000, 1, 1, hour, tzinfo=UTC)) == hour for hour in range(24)
        )

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None when there is none any more."""
        try:
            return self._next_after(moment)
        except OverflowError:
            # Past the year 9999.
            return None

    def _next_after(self, moment: datetime) -> datetime | None:
        clock = zones.local(moment, self._where)
        if self._is_hourly:
            ahead = self._next_clock(clock + _TICK)
            found = None if ahead is None else moment + (ahead - clock)
            if found is None or zones.local(found, self._where) == ahead:
                return found
        shift = zones.shift_near(moment, self._where, within=_SHIFT)
        if not shift:
            ahead = self._next_clock(clock + _TICK)
            if ahead is None:
                return None
            found = zones.resolved(ahead, self._where)
            shift = zones.shift_near(found, self._where, within=_SHIFT)
            if not shift:
                return found
            clock = ahead
        return self._next_near_a_change(moment, clock, shift)

    def _next_near_a_change(self, moment: datetime, clock: datetime, shift: timedelta) -> datetime | None:
        """Where the order of clock times is not the order of moments: look at all that may be meant."""
        best: datetime | None = None
        for ahead in self._clocks_from(clock - shift):
            # No later clock time can come before this moment.
            earliest = zones.resolved(ahead, self._where) - shift
            if best is not None and earliest > best:
                break
            for found in self._moments(ahead):
                if found > moment and (best is None or found < best):
                    best = found
        return best

    def _moments(self, clock: datetime) -> tuple[datetime, ...]:
        if self._is_hourly:
            return zones.instants(clock, self._where)
        return (zones.resolved(clock, self._where),)

    def _clocks_from(self, clock: datetime) -> Iterator[datetime]:
        ahead = self._next_clock(clock)
        while ahead is not None:
            yield ahead
            ahead = self._next_clock(ahead + _TICK)

    def _next_clock(self, clock: datetime) -> datetime | None:
        """The first clock time that fits, `clock` itself included."""
        try:
            found = self._trigger.get_next_fire_time(None, clock.replace(tzinfo=UTC))
        except ValueError:
            # How APScheduler says that the year would be 10000.
            return None
        return None if found is None else found.replace(tzinfo=None)


def _check(name: str, value: Any) -> None:
    """Raises BadInput for a value that cannot be understood."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadInput(f"{value!r} is neither a text nor a whole number", where=name)
    try:
        CronTrigger(timezone=UTC, **{name: value})
    except ValueError as error:
        raise BadInput(
            str(error), hint="The fields of a cron timer: docs/reference/timers.md", where=name
        ) from error
