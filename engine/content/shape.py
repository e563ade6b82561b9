"""Checking what a content file says against a table of fields, with StackStorm's strictness.

Hand-written instead of a JSON schema validator: thousands of actions are checked at every start,
and an error must name the key, so that its line can be found.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.errors import BadContent, nearest

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file to a value."""


class WrongShape(BadContent):
    """A value is not what its key takes; `path` leads to it, and the loader finds the line."""

    def __init__(self, message: str, *, path: Path = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


@dataclass(frozen=True, slots=True)
class Field:
    """One key: the JSON type of its value, and what else must hold."""

    kind: str
    """string, boolean, integer, number, object, array or any"""
    required: bool = False
    check: Callable[[Any, Path], None] | None = None
    """Called with the value and its path; raises WrongShape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A mapping sorted into what we know and what we do not."""

    values: Mapping[str, Any]
    """Known keys; null counts as left out."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """Keys written x-..."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Unknown keys, where they are tolerated."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_KINDS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "boolean": lambda value: isinstance(value, bool),
        "integer": _is_integer,
        "number": _is_number,
        "object": lambda value: isinstance(value, dict),
        "array": lambda value: isinstance(value, list),
        "any": lambda _value: True,
    }
)


def shown(value: Any) -> str:
    """`value` for an error text, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def expect(value: Any, kind: str, path: Path) -> None:
    """Raises WrongShape when `value` is not of the JSON type `kind`."""
    if _KINDS[kind](value):
        return
    hint = ""
    if kind == "string" and not isinstance(value, dict | list):
        hint = "Quote it."
    elif kind == "boolean":
        hint = "Write true or false, without quotes."
    name = f"{path[-1]}: " if path else ""
    raise WrongShape(f"{name}{shown(value)} is not of type '{kind}'", path=path, hint=hint)


def take(
    value: Any,
    table: Mapping[str, Field],
    *,
    path: Path = (),
    is_open: bool = False,
    null_is_absent: bool = True,
) -> Taken:
    """Check a mapping against `table`; unknown keys are an error unless `is_open`.

    Keys written x-... are ours or somebody's own and always welcome. Raises WrongShape.
    """
    expect(value, "object", path)
    values: dict[str, Any] = {}
    extensions: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, item in value.items():
        known = table.get(key)
        if known is not None:
            # StackStorm takes null for "left out", except where a value is a must.
            if item is None and null_is_absent and not known.required:
                continue
            _check(known, item, (*path, key))
            values[key] = item
        elif isinstance(key, str) and key.startswith("x-"):
            extensions[key] = item
        elif is_open:
            others[str(key)] = item
        else:
            raise WrongShape(
                f"Additional properties are not allowed ({key!r} was unexpected)",
                path=(*path, key),
                hint=nearest(str(key), table) or f"Known: {', '.join(table)}.",
            )
    for key, known in table.items():
        if known.required and key not in values:
            raise WrongShape(f"{key!r} is a required property", path=path)
    return Taken(values=values, extensions=extensions, others=others)


def _check(known: Field, item: Any, path: Path) -> None:
    if not _KINDS[known.kind](item):
        expect(item, known.kind, path)
    if known.check is not None:
        known.check(item, path)


def each(check: Callable[[Any, Path], None]) -> Callable[[Any, Path], None]:
    """A check of every item of a list."""

    def check_items(items: Any, path: Path) -> None:
        for index, item in enumerate(items):
            check(item, (*path, index))

    return check_items


def of_kind(kind: str) -> Callable[[Any, Path], None]:
    """A check of a value's JSON type, for use with `each`."""

    def check_kind(item: Any, path: Path) -> None:
        expect(item, kind, path)

    return check_kind


def is_table(table: Mapping[str, Field], *, is_open: bool = False) -> Callable[[Any, Path], None]:
    """A check of a nested mapping."""

    def check_table(item: Any, path: Path) -> None:
        take(item, table, path=path, is_open=is_open)

    return check_table


def filled(value: Any, path: Path) -> None:
    """A text that may not be empty."""
    if not value:
        raise WrongShape(f"{path[-1]} is empty", path=path)


TEXTS = each(of_kind("string"))
OBJECTS = each(of_kind("object"))
