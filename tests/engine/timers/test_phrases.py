"""The times that people write."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.timing.crontab import cron_parameters
from engine.timing.phrases import understand
from engine.timing.timer import timer_of

# A Friday, 19:00 in Zurich.
NOW = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
ZURICH = "Europe/Zurich"


@pytest.mark.parametrize(
    ("text", "said", "first"),
    [
        ("in 10 minutes say hi", "once, Fri 2026-11-27 19:10 Europe/Zurich", "2026-11-27T18:10"),
        ("in 90s x", "once, Fri 2026-11-27 19:01:30 Europe/Zurich", "2026-11-27T18:01:30"),
        ("IN 2 Hours x", "once, Fri 2026-11-27 21:00 Europe/Zurich", "2026-11-27T20:00"),
        ("at 22:00 x", "once, Fri 2026-11-27 22:00 Europe/Zurich", "2026-11-27T21:00"),
        ("at 18:30: x", "once, Sat 2026-11-28 18:30 Europe/Zurich", "2026-11-28T17:30"),
        ("at 22:00 UTC x", "once, Fri 2026-11-27 22:00 UTC", "2026-11-27T22:00"),
        ("at 9pm in US/Pacific x", "once, Fri 2026-11-27 21:00 US/Pacific", "2026-11-28T05:00"),
        ("today at 20 x", "once, Fri 2026-11-27 20:00 Europe/Zurich", "2026-11-27T19:00"),
        ("tomorrow at 9am x", "once, Sat 2026-11-28 09:00 Europe/Zurich", "2026-11-28T08:00"),
        ("friday at 7 x", "once, Fri 2026-12-04 07:00 Europe/Zurich", "2026-12-04T06:00"),
        ("on mon at 0:05 x", "once, Mon 2026-11-30 00:05 Europe/Zurich", "2026-11-29T23:05"),
        ("on 2026-12-24 at 12am x", "once, Thu 2026-12-24 00:00 Europe/Zurich", "2026-12-23T23:00"),
        ("every 15 minutes x", "every 15 minutes", "2026-11-27T18:15"),
        ("every hour x", "every hour", "2026-11-27T19:00"),
        ("every day x", "every day", "2026-11-28T18:00"),
        ("every day at 9 x", "every day at 09:00 Europe/Zurich", "2026-11-28T08:00"),
        ("every weekday at 9 in Asia/Kolkata x", "every weekday at 09:00 Asia/Kolkata", "2026-11-30T03:30"),
        ("every weekend at 11 x", "every weekend day at 11:00 Europe/Zurich", "2026-11-28T10:00"),
        ("every sun,mon at 8 x", "every Monday, Sunday at 08:00 Europe/Zurich", "2026-11-29T07:00"),
        ("every month on the 1st at 9 x", "every month on day 1 at 09:00 Europe/Zurich", "2026-12-01T08:00"),
        (
            "every month on the last at 18 x",
            "every month on the last day at 18:00 Europe/Zurich",
            "2026-11-30T17:00",
        ),
        ('"0 9 * * MON" x', "cron 0 9 * * MON Europe/Zurich", "2026-11-30T08:00"),
        ("cron 30 6 1 * * in UTC x", "cron 30 6 1 * * UTC", "2026-12-01T06:30"),
    ],
)
def test_what_is_understood(text: str, said: str, first: str) -> None:
    meant = understand(text, now=NOW, zone=ZURICH)
    assert meant.text == said
    assert meant.rest in ("x", "say hi")
    timer = timer_of(meant.trigger_type, meant.parameters)
    assert timer.next_after(NOW, anchor=NOW) == datetime.fromisoformat(first).replace(tzinfo=UTC)


def test_the_command_stays_as_it_was_written() -> None:
    meant = understand('at 22:00   say  "Hi  There"  {{ x }}', now=NOW, zone=ZURICH)
    assert meant.rest == 'say  "Hi  There"  {{ x }}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evry day at 9 x", "Did you mean every?"),
        ("at 25:00 x", 'There is no time of day "25:00"'),
        ("at 13pm x", 'There is no time of day "13pm"'),
        ("at noon x", 'I cannot read "noon" as a time of day'),
        ("today at 9 x", "today at 09:00 is past: it is 2026-11-27 19:00 Europe/Zurich now."),
        ("on 2020-01-01 at 9 x", "is past"),
        ("on 9999-12-31 at 23:59 in US/Pacific x", "more than ten years away"),
        ("on 0001-01-01 at 9 x", "is past"),
        ("on 2026-02-30 at 9 x", "There is no day 2026-02-30"),
        ("on 2027-03-28 at 2:30 x", "02:30 does not exist on 2027-03-28 in Europe/Zurich"),
        ("tomorrow x", 'I expected "at" and a time, not "x".'),
        ("in 5 parsecs x", 'I cannot read "5 parsecs" as a span of time.'),
        ("in 0 minutes x", "simply say the command"),
        ("in 900000 weeks x", "more than ten years"),
        ("every 0 minutes x", "would never end"),
        ("every weekday x", "At what time, every weekday?"),
        ("every 2 days at 9 x", "cannot have a time"),
        ("every other day at 9 x", "more than I read"),
        ("every month on the 32nd at 9 x", "On which day of the month?"),
        ("every month x", "On which day of the month?"),
        ("at 9 in Europe/Zurch x", "Did you mean Europe/Zurich?"),
        ("at 9 in", "Which time zone?"),
        ('"0 9 * *', "is never closed"),
        ("cron 0 9 x", "cron times have 5"),
        ("", "as a time"),
        ("every", "as a span of time"),
    ],
)
def test_what_is_not_understood_says_why(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        understand(text, now=NOW, zone=ZURICH)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("*/5 * * * *", {"minute": "*/5", "hour": "*", "day": "*", "month": "*", "day_of_week": "*"}),
        ("0 9 * * 1-5", {"day_of_week": "mon,tue,wed,thu,fri"}),
        ("0 9 * * 0", {"day_of_week": "sun"}),
        ("0 9 * * 7", {"day_of_week": "sun"}),
        ("0 9 * * 5-7", {"day_of_week": "sun,fri,sat"}),
        ("0 9 * * */2", {"day_of_week": "sun,tue,thu,sat"}),
        ("0 9 * * tue,Friday", {"day_of_week": "tue,fri"}),
        ("0 9 1,15 JAN-MAR *", {"day": "1,15", "month": "1-3"}),
        ("10/20 0-6/2 * * *", {"minute": "10-59/20", "hour": "0-6/2"}),
    ],
)
def test_a_crontab_counts_weekdays_from_sunday(text: str, fields: dict[str, Any]) -> None:
    found = cron_parameters(text)
    assert {name: found[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 9 * *", "has 4 fields"),
        ("60 9 * * *", 'minute: "60" is not between 0 and 59'),
        ("0 9 * * 8", 'day_of_week: "8" is not between 0 and 7'),
        ("0 9 * * moon,x", "day_of_week"),
        ("0 17-9 * * *", 'the range "17-9" runs backwards'),
        ("*/0 9 * * *", "a step that is not possible"),
        ("0 9 1 * MON", "either of them"),
        ("0 9 L * *", "is not between"),
        ("0 9 ? * *", "is not understood"),
        ("@daily", "has 1 fields"),
    ],
)
def test_a_crontab_that_is_wrong_says_where(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        cron_parameters(text)
    assert said in str(caught.value)


_WORDS = (
    *("in", "at", "on", "today", "tomorrow", "every", "cron", "day", "weekday", "month", "monday", "mon,tue"),
    *(
        "the",
        "1st",
        "last",
        "9",
        "9:30",
        "25:61",
        "9am",
        "13pm",
        "10",
        "minutes",
        "m",
        "90s",
        "UTC",
        "*",
        "*/5",
    ),
    *(
        "Europe/Zurich",
        "9999-12-31",
        "0001-01-01",
        "2026-11-28",
        '"',
        '"0 9 * * MON"',
        "999999",
        "weeks",
        "x",
    ),
)


@settings(max_examples=400, deadline=None)
@given(
    words=st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=6)), max_size=9),
    zone=st.sampled_from([ZURICH, "Pacific/Kiritimati", "US/Pacific", "UTC"]),
)
def test_any_text_is_understood_or_refused(words: list[str], zone: str) -> None:
    try:
        meant = understand(" ".join(words), now=NOW, zone=zone)
    except BadInput:
        return
    timer_of(meant.trigger_type, meant.parameters).next_after(NOW, anchor=NOW)
