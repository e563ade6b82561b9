"""What Orquesta lets people write on one line: an action with its parameters, variables, names of items.

Parameters and variables are `name=VALUE name=VALUE`. What is no such pair is passed over in silence, as
there: `message=hello` without quotes is none. Each text is read once from left to right, however long.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_WORD = re.compile(r"-?\d*\.\d+|-?\d+|(?i:true|false)|null")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ITEM_NAMES = re.compile(r"\s*(?:\w+,\s*)*\w+\s+in\s+")
# What an expression begins and ends with.
_DELIMITERS = {"<%": "%>", "{{": "}}"}


def pairs_of(text: str) -> tuple[tuple[str, Any], ...]:
    """(name, value), in order. Values in quotes are text, unless they are JSON objects."""
    return tuple((name, _value(written)) for _, _, name, written in _pairs(text))


def action_of(text: str) -> tuple[str, dict[str, Any]]:
    """The action and its inline parameters; without any, the whole text is the action."""
    if "=" not in text:
        return text, {}
    action, rest = _action(text)
    given = dict(pairs_of(rest))
    return (action, given) if given else (text, {})


def passed_over(text: str) -> str:
    """What in a line of pairs is none; commas and semicolons may stand between them."""
    words, done = [], 0
    for start, end, _, _ in _pairs(text):
        words.append(text[done:start])
        done = end
    words.append(text[done:])
    return " ".join(" ".join(words).replace(",", " ").replace(";", " ").split())


def behind_action(text: str) -> str:
    """What stands behind the action's name."""
    return _action(text)[1]


def items_of(text: str) -> tuple[tuple[str, ...], str] | None:
    """Names of an item's parts, none for `with: EXPRESSION`, and the expression. None: it is neither."""
    text = text.strip()
    start = min((place for opened in _DELIMITERS if (place := text.find(opened)) >= 0), default=-1)
    head, expression = text[:start], text[start:]
    if start < 0 or len(expression) < 4 or not expression.endswith(_DELIMITERS[expression[:2]]):
        return None
    if not head:
        return (), expression
    if _ITEM_NAMES.fullmatch(head) is None:
        return None
    return tuple(name.strip() for name in head.rstrip()[: -len("in")].split(",")), expression


def _action(text: str) -> tuple[str, str]:
    """A word, or an expression, which may hold spaces; and what follows."""
    text = text.strip()
    closed = _DELIMITERS.get(text[:2])
    end = text.find(closed, 2) + 2 if closed else 0
    if end < 2 or text[end : end + 1].strip():
        end = next((place for place, character in enumerate(text) if character.isspace()), len(text))
    return text[:end], text[end:]


def _pairs(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, name and written value of each pair."""
    lists = _list_ends(text) if "=[" in text else {}
    # Closing marks that are not there behind a place are not there behind a later one.
    missing: set[str] = set()
    position = 0
    while (equals := text.find("=", position)) >= 0:
        begin, start = _word_start(text, equals, position), equals + 1
        end = _value_end(text, start, lists, missing) if begin < equals else None
        if end is not None:
            yield begin, end, text[begin:equals], text[start:end]
        position = start if end is None else end


def _word_start(text: str, end: int, floor: int) -> int:
    while end > floor and (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    return end


def _value_end(text: str, start: int, lists: dict[int, int], missing: set[str]) -> int | None:
    if (end := lists.get(start)) is not None:
        return end
    opened = text[start : start + 2]
    closed = _DELIMITERS.get(opened) or (opened[:1] if opened[:1] in ("'", '"') else None)
    if closed is None:
        word = _WORD.match(text, start)
        return word.end() if word else None
    if closed in missing:
        return None
    end = text.find(closed, start + len(closed))
    if end < 0:
        missing.add(closed)
        return None
    return end + len(closed)


def _list_ends(text: str) -> dict[int, int]:
    """Where each opening bracket's list ends: where its brackets are balanced, else at the last one."""
    ends: dict[int, int] = {}
    offset = 0
    for line in text.splitlines(keepends=True):
        last = line.rfind("]")
        ends.update(
            (offset + found.start(), offset + last + 1) for found in re.finditer(r"\[", line[: max(last, 0)])
        )
        ends.update((offset + opened, offset + closed + 1) for opened, closed in _balanced(line))
        offset += len(line)
    return ends


def _balanced(line: str) -> Iterator[tuple[int, int]]:
    """Pairs of brackets; those in quotes within brackets do not count."""
    opened: list[int] = []
    last_quote = {quote: line.rfind(quote) for quote in "\"'"}
    position = 0
    while position < len(line):
        character = line[position]
        if character == "[":
            opened.append(position)
        elif character == "]" and opened:
            yield opened.pop(), position
        elif opened and position < last_quote.get(character, -1):
            position = line.index(character, position + 1)
        position += 1


def _value(text: str) -> Any:
    if text[0] in "\"'":
        inner = text[1:-1]
        return _json(inner) if inner.startswith("{") and inner.endswith("}") else inner
    if text[0] == "[" and _QUOTED.search(text):
        # Orquesta leaves a list with quotes in it as text; an action's parameter makes a list of it.
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return _json(text)


def _json(text: str) -> Any:
    """As JSON where it is; what is none stays text (`.5`, an expression)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
