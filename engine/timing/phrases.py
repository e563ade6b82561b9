"""The times that people write in front of a command: `at 22:00`, `every weekday at 9 in Europe/Zurich`.

    in SPAN                                  10 minutes, 2 hours, 90s
    [today|tomorrow|DAY|DATE] at TIME [ZONE] DAY: monday ...; DATE: 2026-12-24
    every SPAN                               15 minutes, hour, 2 days
    every DAYS at TIME [ZONE]                day, weekday, weekend, monday, mon,wed,fri
    every month on the N at TIME [ZONE]      N: 1 to 31, 1st ..., last
    CRON [ZONE]                              "0 9 * * MON" in quotes, or cron and five fields

TIME is 9, 9:30, 22:00:15 or 9am; ZONE is `in Europe/Zurich`. What follows is the command.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.errors import BadInput, nearest
from engine.timing import zones
from engine.timing.crontab import cron_parameters
from engine.timing.timer import CRON, DATE, INTERVAL, UNITS

FIRST_WORDS = ("in", "at", "on", "today", "tomorrow", "every", "cron")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = {name[:3]: number for number, name in enumerate(_DAYS)}
_UNITS = {
    **{word: unit for unit in UNITS for word in (unit, unit[:-1])},
    "s": "seconds",
    "sec": "seconds",
    "secs": "seconds",
    "m": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "d": "days",
    "w": "weeks",
}
_TIME = re.compile(r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?(?P<half>am|pm)?")
_SPAN = re.compile(r"(?P<count>\d{1,6})(?P<unit>[a-z]*)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ORDINAL = re.compile(r"(?P<number>\d{1,2})(?:st|nd|rd|th)?|last")
_LONGEST = timedelta(days=3_660)
_HINT = (
    "Begin with a time: at 22:00, in 10 minutes, tomorrow at 9, every 15 minutes, "
    'every weekday at 9 in Europe/Zurich, or "0 9 * * MON".'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A time as it was understood, and the timer that it is."""

    trigger_type: str
    parameters: Mapping[str, Any]
    text: str
    """In our own words, for people: every weekday at 09:00 Europe/Zurich."""
    zone: str
    rest: str
    """What stands behind it: the command."""

    @property
    def is_once(self) -> bool:
        return self.trigger_type == DATE


def understand(text: str, *, now: datetime, zone: str) -> Understood:
    """`zone`: that of times that name none. Raises BadInput with what may be written instead."""
    words = _Words(text.strip())
    reader = _Reader(words, now=now, zone=zone)
    first = words.take()
    if first == "in":
        return reader.after_span()
    if first == "every":
        return reader.every()
    if first == "cron":
        return reader.cron(" ".join(words.raw() for _ in range(5)))
    if first.startswith(('"', "'")):
        return reader.cron(words.quoted())
    return reader.once(first)


class _Words:
    """The text, word by word; what is left over stays as it was written."""

    def __init__(self, text: str) -> None:
        self._left = text
        self._last = ""

    def peek(self) -> str:
        parts = self._left.split(maxsplit=1)
        return parts[0].lower().rstrip(":,") if parts else ""

    def raw(self) -> str:
        """The next word as it stands; empty at the end."""
        parts = self._left.split(maxsplit=1)
        self._last = parts[0] if parts else ""
        self._left = parts[1] if len(parts) > 1 else ""
        return self._last

    def take(self) -> str:
        return self.raw().lower().rstrip(":,")

    def quoted(self) -> str:
        """What stands in quotes, the word before being the first of it."""
        whole = f"{self._last} {self._left}"
        mark = whole[0]
        end = whole.find(mark, 1)
        if end < 0:
            raise BadInput(f"The quote {mark} is never closed.", hint=_HINT)
        self._left = whole[end + 1 :].strip()
        return whole[1:end]

    @property
    def left(self) -> str:
        return self._left.strip()


class _Reader:
    def __init__(self, words: _Words, *, now: datetime, zone: str) -> None:
        self._words = words
        self._now = now
        self._zone = zone

    # once

    def after_span(self) -> Understood:
        unit, count = self._span()
        moment = (self._now + UNITS[unit] * count).astimezone(zones.zone(self._zone))
        if count == 0:
            raise BadInput("In no time at all: then simply say the command.")
        return self._date(moment)

    def once(self, first: str) -> Understood:
        day, word = self._day(first)
        if word != "at":
            raise BadInput(f'I expected "at" and a time, not "{word}".' if word else "When?", hint=_HINT)
        clock = self._time()
        where = zones.zone(self._named_zone())
        today = zones.local(self._now, where).date()
        wanted, is_fixed = _wanted_day(day, today)
        moment = _existing(datetime.combine(wanted, clock), where, self._zone)
        if moment <= self._now and is_fixed:
            raise BadInput(
                f"{day} at {_clock_text(clock)} is past: it is {_stamp(self._now.astimezone(where))} "
                f"{self._zone} now.",
                hint="Name a later day, or leave the day out for the next time.",
            )
        while moment <= self._now:
            wanted += timedelta(days=7 if day else 1)
            moment = _existing(datetime.combine(wanted, clock), where, self._zone)
        return self._date(moment.astimezone(where))

    def _day(self, first: str) -> tuple[str, str]:
        """The day that is named, or nothing, and the word after it."""
        if first == "at":
            return "", "at"
        day = self._words.take() if first == "on" else first
        if day in ("today", "tomorrow") or _DATE.fullmatch(day) or _weekday(day) is not None:
            return day, self._words.take()
        similar = nearest(first, [*FIRST_WORDS, *_DAYS])
        raise BadInput(f'I cannot read "{day or first}" as a time.', hint=f"{similar} {_HINT}".strip())

    def _date(self, moment: datetime) -> Understood:
        seconds = moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
        return Understood(
            trigger_type=DATE,
            parameters={"date": seconds.isoformat(), "timezone": self._zone},
            text=f"once, {seconds:%a %Y-%m-%d} {_clock_text(seconds.time())} {self._zone}",
            zone=self._zone,
            rest=self._words.left,
        )

    # again and again

    def every(self) -> Understood:
        word = self._words.peek()
        if word in ("other", "second", "third"):
            raise BadInput(f'"every {word}" is more than I read.', hint="Write every 2 days, or a cron time.")
        if word == "month":
            return self._monthly()
        days = _days(word)
        if days is not None:
            self._words.take()
            if self._words.peek() == "at":
                return self._weekly(days)
            if word != "day":
                raise BadInput(f"At what time, every {word}?", hint=f"For example: every {word} at 9:00")
            return self._interval("days", 1)
        unit, count = self._span()
        if self._words.peek() == "at":
            raise BadInput(
                f"every {_counted(count, unit)} begins now; it cannot have a time.",
                hint="Write every day at 9:00, or a cron time.",
            )
        return self._interval(unit, count)

    def _interval(self, unit: str, count: int) -> Understood:
        if count == 0:
            raise BadInput(f"every 0 {unit} would never end.", hint="Write 1 or more.")
        return Understood(
            trigger_type=INTERVAL,
            parameters={"unit": unit, "delta": count},
            text=f"every {_counted(count, unit)}",
            zone=self._zone,
            rest=self._words.left,
        )

    def _weekly(self, days: tuple[int, ...]) -> Understood:
        self._words.take()
        clock = self._time()
        self._named_zone()
        names = ",".join(_DAYS[number][:3] for number in days)
        fields = {} if len(days) == 7 else {"day_of_week": names}
        return self._repeated(fields, clock, f"every {_days_text(days)}")

    def _monthly(self) -> Understood:
        said = [self._words.take() for _ in range(3)]
        found = _ORDINAL.fullmatch(self._words.take())
        number = int(found["number"] or 1) if found else 0
        if said[1:] != ["on", "the"] or found is None or not 1 <= number <= 31:
            raise BadInput("On which day of the month?", hint="For example: every month on the 1st at 9:00")
        if self._words.take() != "at":
            raise BadInput("At what time?", hint="For example: every month on the 1st at 9:00")
        clock = self._time()
        self._named_zone()
        day = found["number"] or "last"
        text = "every month on the last day" if day == "last" else f"every month on day {number}"
        return self._repeated({"day": str(number) if day != "last" else "last"}, clock, text)

    def _repeated(self, fields: dict[str, Any], clock: time, text: str) -> Understood:
        at = {"hour": str(clock.hour), "minute": str(clock.minute), "second": str(clock.second)}
        return Understood(
            trigger_type=CRON,
            parameters={**fields, **at, "timezone": self._zone},
            text=f"{text} at {_clock_text(clock)} {self._zone}",
            zone=self._zone,
            rest=self._words.left,
        )

    def cron(self, text: str) -> Understood:
        fields = cron_parameters(text)
        self._named_zone()
        return Understood(
            trigger_type=CRON,
            parameters={**fields, "timezone": self._zone},
            text=f"cron {text} {self._zone}",
            zone=self._zone,
            rest=self._words.left,
        )

    # parts

    def _time(self) -> time:
        word = self._words.take()
        found = _TIME.fullmatch(word)
        if found is None:
            raise BadInput(f'I cannot read "{word}" as a time of day.', hint="Write 9, 9:30, 22:00 or 9am.")
        hour = int(found["hour"])
        if found["half"]:
            hour = hour % 12 + (12 if found["half"] == "pm" else 0) if 1 <= hour <= 12 else 99
        minute, second = int(found["minute"] or 0), int(found["second"] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise BadInput(f'There is no time of day "{word}".', hint="Times go from 0:00 to 23:59:59.")
        return time(hour, minute, second)

    def _span(self) -> tuple[str, int]:
        word = self._words.take()
        if word in _UNITS and not word[0].isdigit() and len(word) > 2:
            return _UNITS[word], 1
        found = _SPAN.fullmatch(word)
        unit = (found["unit"] or self._words.take()) if found else ""
        if found is None or unit not in _UNITS:
            raise BadInput(
                f'I cannot read "{f"{word} {unit}".strip()}" as a span of time.',
                hint=nearest(unit, _UNITS) if unit else "Write 10 minutes, 2 hours, 3 days or 90s.",
            )
        count = int(found["count"])
        if UNITS[_UNITS[unit]] * count > _LONGEST:
            raise BadInput(f"{count} {unit} is more than ten years.")
        return _UNITS[unit], count

    def _named_zone(self) -> str:
        """The zone that stands next, or the one that counts without."""
        word = self._words.peek()
        if word == "utc":
            self._words.take()
            self._zone = "UTC"
        elif word == "in":
            self._words.take()
            name = self._words.raw().rstrip(":,")
            if not name:
                raise BadInput('Which time zone? Nothing stands behind "in".', hint="For example: in UTC")
            zones.zone(name)
            self._zone = name
        return self._zone


def _wanted_day(day: str, today: date) -> tuple[date, bool]:
    """The first day meant, and whether only that one is."""
    if day in ("today", "tomorrow"):
        return today + timedelta(days=day == "tomorrow"), True
    if not day:
        return today, False
    number = _weekday(day)
    if number is not None:
        return today + timedelta(days=(number - today.weekday()) % 7), False
    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise BadInput(f"There is no day {day}.", hint="Write YYYY-MM-DD.") from error
    if not today <= wanted <= today + _LONGEST:
        raise BadInput(f"{day} is past." if wanted < today else f"{day} is more than ten years away.")
    return wanted, True


def _existing(clock: datetime, where: Any, zone: str) -> datetime:
    """Raises BadInput for a time that the clocks skip."""
    found = zones.instants(clock, where)
    if not found:
        raise BadInput(
            f"{clock:%H:%M} does not exist on {clock:%Y-%m-%d} in {zone}: the clocks are set forward then.",
            hint="Take a time before or after it.",
        )
    return found[0]


def _weekday(word: str) -> int | None:
    number = _SHORT.get(word[:3])
    return number if number is not None and word in (_DAYS[number], word[:3]) else None


def _days(word: str) -> tuple[int, ...] | None:
    """The numbers of the days that a word names, 0 for Monday; None when it names none."""
    known = {"day": range(7), "weekday": range(5), "weekdays": range(5), "weekend": range(5, 7)}
    if word in known:
        return tuple(known[word])
    numbers = [_weekday(part) for part in word.split(",")]
    return None if None in numbers else tuple(sorted({number for number in numbers if number is not None}))


def _days_text(days: tuple[int, ...]) -> str:
    named = {tuple(range(7)): "day", tuple(range(5)): "weekday", (5, 6): "weekend day"}
    return named.get(days) or ", ".join(_DAYS[number].capitalize() for number in days)


def _clock_text(clock: time) -> str:
    return f"{clock:%H:%M:%S}" if clock.second else f"{clock:%H:%M}"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count != 1 else unit[:-1]


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
