"""Words of the command line -> parameters of an action, by the types that the action declares."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.cli.exits import Code, CommandError

_TRUE = frozenset({"true", "1", "yes", "y", "on"})
_FALSE = frozenset({"false", "0", "no", "n", "off"})


def parameters_from(words: Sequence[str], schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`name=value` by the type of `name`; `@name=FILE` takes the value from a file.

    Words without `=` become `cmd`, joined by spaces, where the action has that parameter:
    `run core.local uptime`. Raises CommandError.
    """
    found: dict[str, Any] = {}
    loose: list[str] = []
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            loose.append(word)
        elif name.startswith("@"):
            found[name[1:]] = _cast(name[1:], _file(text), schemas)
        else:
            found[name] = _cast(name, text, schemas)
    if loose:
        if "cmd" not in schemas or "cmd" in found:
            raise CommandError(Code.WRONG, f"{loose[0]!r} is not a parameter.", hint="Write NAME=VALUE.")
        found["cmd"] = " ".join(loose)
    return found


def _file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Code.WRONG, f"{name} cannot be read: {error}") from error


def _cast(name: str, text: str, schemas: Mapping[str, Mapping[str, Any]]) -> Any:
    """A name that the action does not know stays text: the server says what is wrong with it."""
    kind = schemas.get(name, {}).get("type", "string")
    try:
        return CASTS.get(kind, str)(text)
    except ValueError as error:
        raise CommandError(Code.WRONG, f"{name}={text}: this must be {_WANTED[kind]}.") from error


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


def _array(text: str) -> list[Any]:
    """JSON, or items between commas."""
    if text.lstrip().startswith("["):
        value = json.loads(text)
        if not isinstance(value, list):
            raise ValueError(text)
        return value
    return [item.strip() for item in text.split(",")] if text.strip() else []


def _object(text: str) -> dict[str, Any]:
    """JSON, or name=value pairs between commas."""
    if text.lstrip().startswith("{"):
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(text)
        return value
    pairs = [item.partition("=") for item in text.split(",")] if text.strip() else []
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(text)
    return {name.strip(): value.strip() for name, _, value in pairs}


CASTS: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}
_WANTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a JSON array, or items between commas",
    "object": "a JSON object, or name=value pairs between commas",
}


def seconds(text: str) -> float:
    """90, 90s, 15m, 2h or 7d, in seconds. Raises CommandError."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        value = float(number) * units[unit]
    except ValueError as error:
        raise CommandError(Code.WRONG, f"{text!r} is not a time.", hint="Write 90s, 15m or 2h.") from error
    if value <= 0:
        raise CommandError(Code.WRONG, "The time must be positive.")
    return value
