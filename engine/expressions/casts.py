"""StackStorm's casts: a text becomes the type that a parameter declares."""

import ast
import json
from collections.abc import Callable
from typing import Any

# What the filter `use_none` writes, because a rendered template is always text.
NONE_MAGIC = "%*****__%NONE%__*****%"
# Parsing Python literals takes some hundred bytes of memory per character.
_LONGEST_LITERAL = 131_072


def cast(type: str | None, value: Any, *, from_alias: bool = False) -> Any:
    """`value` as the declared type wants it; the magic None becomes None, None stays.

    The cast is not a check: "[1]" as a boolean gives a list, which validation then refuses.
    With `from_alias` an array is split at its commas, whatever it looks like; otherwise it is
    JSON or a Python literal. A type that is not one of StackStorm's casts nothing.
    Raises ValueError or SyntaxError with the text of the Python function that refused.
    """
    if value is None or value == NONE_MAGIC:
        return None
    if from_alias and type == "array":
        return value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
    function = _CASTS.get(type or "")
    return value if function is None else function(value)


def _structure(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return _literal(value)


def _boolean(value: Any) -> Any:
    return _literal(value.capitalize()) if isinstance(value, str) else value


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f'Value "{value}" must either be a string or None. Got "{value.__class__.__name__}".'
        )
    return value


def _literal(text: str) -> Any:
    if len(text) > _LONGEST_LITERAL:
        raise ValueError(f"a literal of more than {_LONGEST_LITERAL} characters")
    try:
        return _plain(ast.literal_eval(text))
    except (MemoryError, RecursionError) as error:
        raise ValueError("nested too deeply") from error
    except TypeError as error:
        # {[]: 1} and the like: a key that cannot be one.
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    """Tuples become lists, as they do when the parameters are stored as JSON."""
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


_CASTS: dict[str, Callable[[Any], Any]] = {
    "array": _structure,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "object": _structure,
    "string": _string,
}


def cast_default(type: str | None, value: Any) -> Any:
    """A plain default as its declared type wants it, where that can be done.

    Published packs have defaults of another type (an integer on a string parameter);
    StackStorm refuses such an action when the parameter is omitted. What does not fit
    at all is returned as it is, and validation says so.
    """
    if value is None:
        return None
    if type == "string":
        return _as_text(value)
    if type in ("integer", "number", "boolean") and isinstance(value, list | dict):
        return value
    try:
        made = cast(type, value)
    except (ValueError, SyntaxError):
        return _second_try(type, value)
    # int(1.5) would lose what the author wrote.
    return value if type == "integer" and isinstance(value, float) and made != value else made


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict):
        return json.dumps(value, default=str)
    return str(value)


def _second_try(type: str | None, value: Any) -> Any:
    if type == "array" and isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value.strip() else []
    if type == "boolean" and isinstance(value, str):
        words = {"yes": True, "on": True, "no": False, "off": False}
        return words.get(value.strip().lower(), value)
    return value
