"""How long a silence lasts, as people write it."""

import re
from datetime import timedelta

from engine.errors import BadInput

_PART = re.compile(r"(\d{1,6})\s*(s|sec|m|min|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def duration_of(text: str) -> timedelta:
    """`1h`, `90m`, `1h30m`, `2d`. Raises BadInput."""
    compact = text.strip().replace(" ", "")
    parts = _PART.findall(compact)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != compact:
        raise BadInput(f'"{text}" is not a duration.', hint="Write 30m, 1h or 2d.")
    return timedelta(seconds=sum(int(number) * _SECONDS[unit.lower()] for number, unit in parts))
