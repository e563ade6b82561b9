"""Clocks that are set forward and back, in zones of whole hours and of half ones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.timing.timer import CRON, timer_of

ZURICH, PACIFIC, LORD_HOWE = "Europe/Zurich", "US/Pacific", "Australia/Lord_Howe"


def clocks(zone: str, begin: str, count: int, **fields: Any) -> list[str]:
    """What clocks in the zone show at the next `count` fires after `begin` (UTC)."""
    timer = timer_of(CRON, {"timezone": zone, **fields})
    moment: datetime | None = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = timer.next_after(moment, anchor=moment)
        assert moment is not None
        found.append(f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}")
    return found


@pytest.mark.parametrize(
    ("zone", "begin", "hour", "expected"),
    [
        (ZURICH, "2026-03-28T00:00", 2, ["28 02:30 +0100", "29 03:30 +0200", "30 02:30 +0200"]),
        (PACIFIC, "2026-03-07T00:00", 2, ["07 02:30 -0800", "08 03:30 -0700", "09 02:30 -0700"]),
        (LORD_HOWE, "2026-10-02T20:00", 2, ["04 02:30 +1100", "05 02:30 +1100", "06 02:30 +1100"]),
    ],
)
def test_a_time_that_is_skipped_in_spring_comes_later_by_as_much(
    zone: str, begin: str, hour: int, expected: list[str]
) -> None:
    assert clocks(zone, begin, 3, hour=hour, minute=30) == expected


def test_a_skipped_time_in_a_zone_of_half_an_hour() -> None:
    expected = ["04 02:45 +1100", "05 02:15 +1100"]
    assert clocks(LORD_HOWE, "2026-10-03T00:00", 2, hour=2, minute=15) == expected


@pytest.mark.parametrize(
    ("zone", "begin", "hour", "expected"),
    [
        (ZURICH, "2026-10-24T00:00", 2, ["24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100"]),
        (PACIFIC, "2026-10-31T00:00", 1, ["31 01:30 -0700", "01 01:30 -0700", "02 01:30 -0800"]),
        (LORD_HOWE, "2026-04-03T00:00", 1, ["04 01:30 +1100", "05 01:30 +1100", "06 01:30 +1030"]),
    ],
)
def test_a_time_that_comes_twice_in_autumn_counts_once(
    zone: str, begin: str, hour: int, expected: list[str]
) -> None:
    assert clocks(zone, begin, 3, hour=hour, minute=30) == expected


def test_every_half_hour_goes_on_in_real_time_when_clocks_are_set() -> None:
    spring = ["29 01:30 +0100", "29 03:00 +0200", "29 03:30 +0200"]
    assert clocks(ZURICH, "2026-03-29T00:20", 3, minute="*/30") == spring
    autumn = ["25 02:00 +0200", "25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100", "25 03:00 +0100"]
    assert clocks(ZURICH, "2026-10-24T23:50", 5, minute="*/30") == autumn
    half = ["05 01:30 +1100", "05 01:45 +1100", "05 01:30 +1030", "05 01:45 +1030", "05 02:00 +1030"]
    assert clocks(LORD_HOWE, "2026-04-04T14:20", 5, minute="*/15") == half


def test_zones_without_summer_time_and_with_odd_offsets() -> None:
    assert clocks("Asia/Kolkata", "2026-03-28T00:00", 1, hour=9) == ["28 09:00 +0530"]
    assert clocks("Asia/Kathmandu", "2026-03-28T00:00", 1, hour=9) == ["28 09:00 +0545"]
    assert clocks("America/St_Johns", "2026-03-07T00:00", 2, hour=0, minute=1) == [
        "07 00:01 -0330",
        "08 00:01 -0330",
    ]


@pytest.mark.parametrize("zone", [ZURICH, PACIFIC, LORD_HOWE, "America/St_Johns"])
def test_through_a_whole_year_each_day_has_its_time_once(zone: str) -> None:
    timer = timer_of(CRON, {"timezone": zone, "hour": 2, "minute": 10})
    moment: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
    days = []
    while moment is not None and moment.year == 2026:
        moment = timer.next_after(moment, anchor=moment)
        assert moment is not None
        days.append(moment.astimezone(ZoneInfo(zone)).date())
    assert {(after - before).days for before, after in pairwise(days)} == {1}


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from([ZURICH, PACIFIC, LORD_HOWE, "Africa/Cairo"]),
    minute=st.sampled_from(["0", "*/20", "7,52"]),
    hour=st.sampled_from(["*", "1-3", "2", "*/2"]),
    begin=st.integers(0, 2 * 365 * 24 * 60),
)
def test_times_only_go_forward_and_fit_their_fields(zone: str, minute: str, hour: str, begin: int) -> None:
    timer = timer_of(CRON, {"timezone": zone, "hour": hour, "minute": minute})
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=begin)
    for _ in range(12):
        ahead = timer.next_after(moment, anchor=moment)
        assert ahead is not None
        assert moment < ahead <= moment + timedelta(hours=26)
        # What comes next does not depend on where in the gap one stood.
        between = moment + (ahead - moment) / 2
        assert timer.next_after(between, anchor=between) == ahead
        moment = ahead
