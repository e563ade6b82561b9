"""What the three timer types take, and what they refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import BadInput
from engine.timing.timer import CRON, DATE, INTERVAL, timer_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def next_of(kind: str, parameters: dict[str, Any], *, after: datetime = NOON) -> datetime | None:
    return timer_of(kind, parameters).next_after(after, anchor=after)


@pytest.mark.parametrize(
    ("unit", "span"),
    [
        ("weeks", timedelta(weeks=3)),
        ("days", timedelta(days=3)),
        ("hours", timedelta(hours=3)),
        ("minutes", timedelta(minutes=3)),
        ("seconds", timedelta(seconds=3)),
    ],
)
def test_an_interval_counts_in_its_unit(unit: str, span: timedelta) -> None:
    assert next_of(INTERVAL, {"unit": unit, "delta": 3}) == NOON + span


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2030-01-31 09:00:00", "Europe/Zurich", datetime(2030, 1, 31, 8, tzinfo=UTC)),
        ("2030-01-31T09:00:00+05:30", "Europe/Zurich", datetime(2030, 1, 31, 3, 30, tzinfo=UTC)),
        ("Jan 31 2030 9:00 PM", "UTC", datetime(2030, 1, 31, 21, tzinfo=UTC)),
        ("2030-01-31", "Asia/Kolkata", datetime(2030, 1, 30, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_as_dateutil_does(text: str, zone: str, moment: datetime) -> None:
    assert next_of(DATE, {"date": text, "timezone": zone}) == moment


def test_a_date_that_is_past_is_never_due() -> None:
    assert next_of(DATE, {"date": "2020-01-01", "timezone": "UTC"}) is None


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({"day_of_week": 0}, datetime(2026, 3, 9, tzinfo=UTC)),
        ({"hour": "01"}, datetime(2026, 3, 3, 1, tzinfo=UTC)),
        ({"minute": "*/5"}, datetime(2026, 3, 2, 12, 5, tzinfo=UTC)),
        ({"second": 30}, datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)),
        ({"day": "2nd tue", "hour": 3}, datetime(2026, 3, 10, 3, tzinfo=UTC)),
        ({"day_of_week": "mon,tue,wed", "hour": "9"}, datetime(2026, 3, 3, 9, tzinfo=UTC)),
        ({"day_of_week": "mon-sun", "hour": 9}, datetime(2026, 3, 3, 9, tzinfo=UTC)),
        ({"month": 12}, datetime(2026, 12, 1, tzinfo=UTC)),
        ({"week": 53}, datetime(2026, 12, 28, tzinfo=UTC)),
        (
            {"year": "*", "month": "*", "day": "*", "week": "*", "hour": "*", "minute": "0", "second": "0"},
            datetime(2026, 3, 2, 13, tzinfo=UTC),
        ),
        ({"year": 2025}, None),
        ({"month": 2, "day": 30}, None),
    ],
)
def test_cron_fields_left_out_are_at_their_minimum_below_the_last_one_given(
    fields: dict[str, Any], moment: datetime | None
) -> None:
    assert next_of(CRON, {**fields, "timezone": "UTC"}) == moment


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        (INTERVAL, {"unit": "minutes"}, "'delta' is a required property"),
        (INTERVAL, {"delta": 5}, "'unit' is a required property"),
        (INTERVAL, {"unit": "minute", "delta": 5}, "Did you mean minutes?"),
        (INTERVAL, {"unit": "minutes", "delta": "5"}, "'5' is not of type 'integer'"),
        (INTERVAL, {"unit": "minutes", "delta": True}, "not of type 'integer'"),
        (INTERVAL, {"unit": "minutes", "delta": 0}, "not possible"),
        (INTERVAL, {"unit": "weeks", "delta": 10**9}, "not possible"),
        (INTERVAL, {"unit": "days", "delta": 1, "jitter": 1}, "'jitter' was unexpected"),
        (DATE, {}, "'date' is a required property"),
        (DATE, {"date": "soon"}, "is not a date"),
        (DATE, {"date": "9999-12-31 23:59", "timezone": "US/Pacific"}, "is not a date that can come"),
        (INTERVAL, {"unit": ["days"], "delta": 1}, "is not one of"),
        (DATE, {"date": 5}, "not of type 'string'"),
        (CRON, {"hour": 25}, "higher than the maximum value"),
        (CRON, {"minute": "*/0"}, "Increment must be higher than 0"),
        (CRON, {"hour": True}, "neither a text nor a whole number"),
        (CRON, {"hour": [1, 2]}, "neither a text nor a whole number"),
        (CRON, {"hours": 5}, "Did you mean hour?"),
        (CRON, {"hour": 5, "timezone": "Europe/Zurch"}, "Did you mean Europe/Zurich?"),
        (CRON, {"hour": 5, "timezone": "../../etc/passwd"}, "There is no time zone"),
        (CRON, {"hour": 5, "timezone": 2}, "not of type 'string'"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind: str, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        timer_of(kind, parameters)
    assert said in str(caught.value)
