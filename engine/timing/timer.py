"""StackStorm's three kinds of timers: their parameters, checked, and when they are due."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from dateutil import parser

from engine.errors import BadInput, nearest
from engine.timing import zones
from engine.timing.cron import FIELDS, Cron

INTERVAL = "core.st2.IntervalTimer"
DATE = "core.st2.DateTimer"
CRON = "core.st2.CronTimer"

UNITS: Mapping[str, timedelta] = MappingProxyType(
    {
        "weeks": timedelta(weeks=1),
        "days": timedelta(days=1),
        "hours": timedelta(hours=1),
        "minutes": timedelta(minutes=1),
        "seconds": timedelta(seconds=1),
    }
)
# A longer interval would leave the years that a date can have.
_LONGEST = timedelta(days=36_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalTimer:
    """Due every `span` after the timer's anchor; elapsed time, so no time zone changes it."""

    span: timedelta

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:
        return anchor + ((moment - anchor) // self.span + 1) * self.span

    def count(self, first: datetime, last: datetime) -> int:
        """How often it is due from `first`, which is one of its times, up to `last`."""
        return max(0, math.floor((last - first) / self.span) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTimer:
    """Due once."""

    at: datetime

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:  # noqa: ARG002 - see Timer
        return self.at if self.at > moment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTimer:
    """Due when the clocks of its zone show what the fields say."""

    cron: Cron

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:  # noqa: ARG002 - see Timer
        return self.cron.next_after(moment)


Timer = IntervalTimer | DateTimer | CronTimer
"""`next_after(moment, anchor)` is the first time after `moment`, in UTC; None: never again. Only an
interval needs to know where it began: its anchor."""


def timer_of(type_ref: str, parameters: Mapping[str, Any]) -> Timer:
    """Raises BadInput; its `where` is the parameter that is wrong."""
    kind = _KINDS[type_ref]
    unknown = [name for name in parameters if name not in kind.known]
    if unknown:
        raise BadInput(
            f"Additional properties are not allowed ({unknown[0]!r} was unexpected)",
            hint=nearest(str(unknown[0]), kind.known) or f"{type_ref} takes: {', '.join(kind.known)}.",
            where=str(unknown[0]),
        )
    for name in kind.required:
        if parameters.get(name) is None:
            raise BadInput(f"{name!r} is a required property")
    given = {name: value for name, value in parameters.items() if value is not None}
    where = given.get("timezone", "")
    if not isinstance(where, str):
        raise BadInput(f"{where!r} is not of type 'string'", where="timezone")
    return kind.make(given)


def _interval(parameters: Mapping[str, Any]) -> Timer:
    unit, delta = parameters["unit"], parameters["delta"]
    if not isinstance(unit, str) or unit not in UNITS:
        raise BadInput(f"{unit!r} is not one of {list(UNITS)}", hint=nearest(str(unit), UNITS), where="unit")
    if isinstance(delta, bool) or not isinstance(delta, int):
        raise BadInput(f"{delta!r} is not of type 'integer'", where="delta")
    if not 0 < delta <= _LONGEST // UNITS[unit]:
        raise BadInput(f"delta: an interval of {delta} {unit} is not possible.", hint="Write 1 or more.")
    _zone(parameters)
    return IntervalTimer(span=UNITS[unit] * delta)


def _date(parameters: Mapping[str, Any]) -> Timer:
    text = parameters["date"]
    if not isinstance(text, str):
        raise BadInput(f"{text!r} is not of type 'string'", hint="Quote it.", where="date")
    where = zones.zone(_zone(parameters))
    try:
        given = parser.parse(text)
        at = given.astimezone(UTC) if given.tzinfo is not None else zones.resolved(given, where)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text!r} is not a date that can come", hint="Write it like 2030-01-31 09:00:00.", where="date"
        ) from error
    return DateTimer(at=at)


def _cron(parameters: Mapping[str, Any]) -> Timer:
    fields = {name: value for name, value in parameters.items() if name != "timezone"}
    return CronTimer(cron=Cron(fields, zones.zone(_zone(parameters))))


def _zone(parameters: Mapping[str, Any]) -> str:
    name: str = parameters.get("timezone", "")
    zones.zone(name)
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    known: tuple[str, ...]
    required: tuple[str, ...]
    make: Callable[[Mapping[str, Any]], Timer]


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        INTERVAL: _Kind(known=("unit", "delta", "timezone"), required=("unit", "delta"), make=_interval),
        DATE: _Kind(known=("date", "timezone"), required=("date",), make=_date),
        CRON: _Kind(known=("timezone", *FIELDS), required=(), make=_cron),
    }
)
TIMER_TYPES = tuple(_KINDS)
