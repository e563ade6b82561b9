"""Parameters written behind an action's name, and variables written as one line: `name=VALUE name=VALUE`.

What is no such pair is passed over in silence, as Orquesta does: `message=hello` without quotes is none.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(r"[-]?\d*\.\d+|[-]?\d+|(?i:true|false)|null")
# What a value that begins so ends with.
_CLOSED_BY = (("[", "]"), ('"', '"'), ("'", "'"), ("<%", "%>"), ("{{", "}}"))


@dataclass(frozen=True, slots=True)
class _Pair:
    start: int
    name: str
    value: str


def pairs_of(text: str) -> tuple[tuple[str, Any], ...]:
    """(name, value), in order. Values in quotes are text, unless they are JSON objects."""
    return tuple((pair.name, _value(pair.value)) for pair in _pairs(text))


def _pairs(text: str) -> Iterator[_Pair]:
    """In one pass: no part of the text is looked at more than a few times, whatever stands in it."""
    position, missing = 0, set[str]()
    while (equals := text.find("=", position)) >= 0:
        start = equals
        while start > position and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        end = _end_of_value(text, equals + 1, missing) if start < equals else -1
        if end < 0:
            position = equals + 1
            continue
        yield _Pair(start, text[start:equals], text[equals + 1 : end])
        position = end


def _end_of_value(text: str, start: int, missing: set[str]) -> int:
    """-1: no value stands there. `missing` gathers what closes nothing in the rest of the text."""
    for opened, closed in _CLOSED_BY:
        if text.startswith(opened, start):
            end = -1 if closed in missing else text.find(closed, start + len(opened))
            if end < 0:
                missing.add(closed)
                return -1
            return end + len(closed)
    word = _WORD.match(text, start)
    return word.end() if word else -1


def action_of(text: str) -> tuple[str, dict[str, Any]]:
    """The action and its inline parameters; without any, the whole text is the action."""
    pairs = list(_pairs(text)) if "=" in text else []
    if not pairs:
        return text, {}
    return text[: pairs[0].start].strip(), {pair.name: _value(pair.value) for pair in pairs}


def _value(text: str) -> Any:
    if text[0] in "\"'":
        inner = text[1:-1]
        return _json(inner) if inner.startswith("{") and inner.endswith("}") else inner
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return _json(text)


def _json(text: str) -> Any:
    """As JSON where it is; what is none stays text (`.5`, an expression)."""
    try:
        return json.loads(text)
    except ValueError:
        return text
