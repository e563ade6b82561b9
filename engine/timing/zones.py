"""Time zones by name, and clock times that a zone skips or has twice."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from tzlocal import get_localzone_name

from engine.errors import BadInput, nearest

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    return name in _names()


@cache
def zone(name: str) -> tzinfo:
    """The zone of an IANA name such as Europe/Zurich; an empty name is the machine's own.

    Raises BadInput.
    """
    wanted = name or system_zone()
    if _NAME.fullmatch(wanted) and is_zone(wanted):
        return ZoneInfo(wanted)
    raise BadInput(
        f'There is no time zone "{name}".',
        hint=f"{nearest(wanted, _names())} Write a name such as Europe/Zurich, or UTC.".strip(),
    )


@cache
def system_zone() -> str:
    """The name of the machine's zone; UTC where it has none."""
    found = get_localzone_name()
    return found if found and is_zone(found) else "UTC"


def local(moment: datetime, where: tzinfo) -> datetime:
    """The clock time of `moment` in a zone, without the zone."""
    return moment.astimezone(where).replace(tzinfo=None)


def instants(clock: datetime, where: tzinfo) -> tuple[datetime, ...]:
    """When a zone's clocks show `clock`, in UTC: once, twice (set back), or never (set forward)."""
    found = dict.fromkeys(clock.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(sorted(one for one in found if local(one, where) == clock))


def resolved(clock: datetime, where: tzinfo) -> datetime:
    """The one moment meant by `clock`: of two the first; a time that is skipped comes later by as much."""
    return clock.replace(tzinfo=where, fold=0).astimezone(UTC)


def shift_near(moment: datetime, where: tzinfo, *, within: timedelta) -> timedelta:
    """By how much the clocks are changed within that time before or after `moment`."""
    before = (moment - within).astimezone(where).utcoffset() or timedelta()
    after = (moment + within).astimezone(where).utcoffset() or timedelta()
    return abs(after - before)


def offset_text(moment: datetime) -> str:
    """+01:00"""
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"
