"""The five fields of a crontab line, as a cron timer takes them.

A crontab counts weekdays from Sunday (0 and 7), a cron timer from Monday; so days go over by name.
"""

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import BadInput

_ORDER = ("minute", "hour", "day", "month", "day_of_week")
_RANGES: Mapping[str, tuple[int, int]] = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "day_of_week": (0, 7),
}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES: Mapping[str, Mapping[str, int]] = {
    "month": {name: number for number, name in enumerate(_MONTHS, start=1)},
    "day_of_week": {name: number for number, name in enumerate(_DAYS)},
}
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,2}))?")
_HINT = "Five fields: minute hour day month weekday, for example 0 9 * * MON."


def cron_parameters(text: str) -> dict[str, Any]:
    """Raises BadInput, naming the field."""
    fields = text.lower().split()
    if len(fields) != len(_ORDER):
        raise BadInput(f'"{text}" has {len(fields)} fields; cron times have 5.', hint=_HINT)
    found = {name: _field(name, field) for name, field in zip(_ORDER, fields, strict=True)}
    if found["day"] != "*" and found["day_of_week"] != "*":
        raise BadInput(
            f'"{text}" names days of the month and of the week; cron means "either of them" by that.',
            hint="Make two schedules, one for each.",
        )
    return found


def _field(name: str, text: str) -> str:
    parts = [_part(name, part) for part in text.split(",")]
    if "*" in parts:
        return "*"
    if name == "day_of_week":
        numbers = sorted({number % 7 for part in parts for number in _numbers(name, part)})
        return "*" if len(numbers) == 7 else ",".join(_DAYS[number] for number in numbers)
    return ",".join(parts)


def _part(name: str, text: str) -> str:
    """The part with numbers for names. Raises BadInput."""
    found = _PART.fullmatch(text)
    if found is None:
        raise BadInput(f'{name}: "{text}" is not understood.', hint=_HINT)
    low, high = _RANGES[name]
    step = found["step"]
    if step is not None and not 0 < int(step) <= high:
        raise BadInput(f'{name}: "{text}" has a step that is not possible.', hint=_HINT)
    suffix = f"/{step}" if step else ""
    if found["all"]:
        return f"*{suffix}"
    first = _number(name, found["first"], text)
    if found["last"] is None:
        return f"{first}-{high}{suffix}" if step else str(first)
    last = _number(name, found["last"], text)
    if not low <= first <= last <= high:
        raise BadInput(f'{name}: the range "{text}" runs backwards.', hint=_HINT)
    return f"{first}-{last}{suffix}"


def _number(name: str, word: str, text: str) -> int:
    low, high = _RANGES[name]
    number = _NAMES.get(name, {}).get(word[:3] if word.isalpha() else word)
    if number is None and word.isascii() and word.isdigit():
        number = int(word)
    if number is None or not low <= number <= high:
        raise BadInput(f'{name}: "{text}" is not between {low} and {high}.', hint=_HINT)
    return number


def _numbers(name: str, part: str) -> range:
    body, _, step = part.partition("/")
    low, high = _RANGES[name]
    if body != "*":
        first, _, last = body.partition("-")
        low, high = int(first), int(last or first)
    elif name == "day_of_week":
        high = 6
    return range(low, high + 1, int(step or 1))
