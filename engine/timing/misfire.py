"""Which times of a timer are acted on, and which are passed over, when it looks at the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.timing.timer import IntervalTimer, Timer

# The key of a rule that says which.
MISFIRE_KEY = "x-misfire"
# What is acted on so soon is on time: a busy moment is no downtime.
GRACE = timedelta(seconds=10)
# The most events for one timer at once, the newest; what is over it is counted only.
MOST = 100
# Missed times are counted up to this number.
COUNTED = 10_000


class Misfire(StrEnum):
    """What becomes of times that were missed; each word says more than the one before it."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    due_at: datetime
    missed: int = 0
    """How many earlier times this one stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    fires: tuple[Fire, ...]
    """In their order; empty when all were skipped."""
    passed: int
    """How many times were passed over, those included that a fire stands for."""
    next_at: datetime | None
    """None: never again."""


def due(timer: Timer, *, first: datetime, anchor: datetime, now: datetime, misfire: Misfire) -> Due:
    """What to do at `now` about a timer that was to fire at `first`, which is not after `now`."""
    times, older = _times(timer, first=first, anchor=anchor, now=now)
    on_time = [one for one in times if now - one <= GRACE]
    late = times[: len(times) - len(on_time)]
    if misfire is Misfire.ALL:
        chosen = times[-MOST:]
    elif misfire is Misfire.ONE and late and not on_time:
        chosen = late[-1:]
    else:
        chosen = on_time[-MOST:]
    passed = older + len(times) - len(chosen)
    # With `skip` nothing stands for what was missed; else the first event says how much it was.
    counted = 0 if misfire is Misfire.SKIP else passed
    fires = tuple(Fire(due_at=one, missed=counted if number == 0 else 0) for number, one in enumerate(chosen))
    return Due(fires=fires, passed=passed, next_at=timer.next_after(now, anchor=anchor))


def _times(timer: Timer, *, first: datetime, anchor: datetime, now: datetime) -> tuple[list[datetime], int]:
    """The newest times up to `now`, and how many there were before them."""
    if isinstance(timer, IntervalTimer):
        count = timer.count(first, now)
        kept = min(count, MOST)
        newest = first + (count - 1) * timer.span
        return [newest - step * timer.span for step in reversed(range(kept))], count - kept
    times = [first]
    older = 0
    while len(times) + older < COUNTED:
        ahead = timer.next_after(times[-1], anchor=anchor)
        if ahead is None or ahead > now:
            return times, older
        times.append(ahead)
        if len(times) > MOST:
            times.pop(0)
            older += 1
    return _newest(timer, anchor=anchor, now=now), COUNTED


def _newest(timer: Timer, *, anchor: datetime, now: datetime) -> list[datetime]:
    """The last times up to `now` of a timer that has had very many: found by looking back."""
    span = timedelta(minutes=2)
    while True:
        times: list[datetime] = []
        ahead = timer.next_after(now - span, anchor=anchor)
        while ahead is not None and ahead <= now:
            times.append(ahead)
            ahead = timer.next_after(ahead, anchor=anchor)
        if times:
            return times[-MOST:]
        span *= 4
