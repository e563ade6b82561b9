"""Which of the times that were missed are acted on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.timing.misfire import COUNTED, MOST, Due, Misfire, due
from engine.timing.timer import CRON, DATE, INTERVAL, timer_of

FIRST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOURLY: tuple[str, dict[str, Any]] = (INTERVAL, {"unit": "hours", "delta": 1})
ON_THE_HOUR: tuple[str, dict[str, Any]] = (CRON, {"minute": 0, "timezone": "UTC"})


def look(kind: tuple[str, dict[str, Any]], misfire: Misfire, *, after: timedelta) -> Due:
    timer = timer_of(*kind)
    return due(timer, first=FIRST, anchor=FIRST, now=FIRST + after, misfire=misfire)


def offsets(found: Due) -> list[float]:
    """The hours after the first time."""
    return [(fire.due_at - FIRST) / timedelta(hours=1) for fire in found.fires]


@pytest.mark.parametrize("kind", [HOURLY, ON_THE_HOUR])
@pytest.mark.parametrize("misfire", list(Misfire))
def test_a_time_that_has_just_come_fires(kind: tuple[str, dict[str, Any]], misfire: Misfire) -> None:
    found = look(kind, misfire, after=timedelta(milliseconds=3))
    assert offsets(found) == [0]
    assert found.passed == 0
    assert found.next_at == FIRST + timedelta(hours=1)


@pytest.mark.parametrize("kind", [HOURLY, ON_THE_HOUR])
@pytest.mark.parametrize(
    ("misfire", "fires", "missed"),
    [(Misfire.SKIP, [], []), (Misfire.ONE, [3], [3]), (Misfire.ALL, [0, 1, 2, 3], [0, 0, 0, 0])],
)
def test_after_three_and_a_half_hours_the_policy_decides(
    kind: tuple[str, dict[str, Any]], misfire: Misfire, fires: list[int], missed: list[int]
) -> None:
    found = look(kind, misfire, after=timedelta(hours=3.5))
    assert offsets(found) == fires
    assert [fire.missed for fire in found.fires] == missed
    assert found.next_at == FIRST + timedelta(hours=4)


@pytest.mark.parametrize("kind", [HOURLY, ON_THE_HOUR])
def test_a_time_that_comes_right_after_the_downtime_is_on_time(kind: tuple[str, dict[str, Any]]) -> None:
    after = timedelta(hours=3, seconds=2)
    assert offsets(look(kind, Misfire.SKIP, after=after)) == [3]
    one = look(kind, Misfire.ONE, after=after)
    assert offsets(one) == [3]
    assert one.fires[0].missed == 3
    assert offsets(look(kind, Misfire.ALL, after=after)) == [0, 1, 2, 3]


def test_ticks_of_a_busy_moment_are_all_fired() -> None:
    seconds = (INTERVAL, {"unit": "seconds", "delta": 1})
    assert len(look(seconds, Misfire.SKIP, after=timedelta(seconds=4)).fires) == 5


@pytest.mark.parametrize("kind", [HOURLY, ON_THE_HOUR])
def test_all_is_bounded_and_says_what_it_left_out(kind: tuple[str, dict[str, Any]]) -> None:
    found = look(kind, Misfire.ALL, after=timedelta(hours=250))
    assert offsets(found) == list(range(151, 251))
    assert [fire.missed for fire in found.fires] == [151, *[0] * (MOST - 1)]


def test_a_month_of_seconds_is_not_walked_through() -> None:
    after = timedelta(days=30, seconds=15)
    found = look((CRON, {"second": "*/20", "timezone": "UTC"}), Misfire.ONE, after=after)
    assert offsets(found) == [30 * 24]
    assert found.fires[0].missed >= COUNTED
    exact = look((INTERVAL, {"unit": "seconds", "delta": 1}), Misfire.ONE, after=timedelta(days=30))
    assert exact.passed + len(exact.fires) == 30 * 86_400 + 1


def test_a_missed_date_fires_late_unless_it_is_to_be_skipped() -> None:
    date = (DATE, {"date": FIRST.isoformat()})
    assert offsets(look(date, Misfire.ONE, after=timedelta(days=2))) == [0]
    skipped = look(date, Misfire.SKIP, after=timedelta(days=2))
    assert (skipped.fires, skipped.passed, skipped.next_at) == ((), 1, None)
