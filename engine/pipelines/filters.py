"""The built-in filters of pipelines: lists of values in, lists of values out. Pure, and no shell."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.errors import BadInput

Items = Sequence[Any]

# More than this nobody reads, and no action takes.
MOST_ITEMS = 10_000
SHAPES: Mapping[str, re.Pattern[str]] = {
    "grep": re.compile(r"grep\s+(?P<not>-v\s+)?(?P<text>\S.*)", re.DOTALL),
    "first": re.compile(r"first(?:\s+(?P<count>\d{1,5}))?"),
    "last": re.compile(r"last(?:\s+(?P<count>\d{1,5}))?"),
    "count": re.compile(r"count"),
    "sort": re.compile(r"sort(?:\s+(?!desc$)(?P<field>[\w.-]+))?(?:\s+(?P<desc>desc))?"),
    "unique": re.compile(r"unique"),
    "field": re.compile(r"field\s+(?P<field>[\w.-]+)"),
    "join": re.compile(r"join(?:\s+(?P<with>\S{1,10}))?"),
}


def filter_in(text: str) -> tuple[str, re.Match[str]] | None:
    """The filter that a stage is; None: it is none."""
    for name, shape in SHAPES.items():
        fits = shape.fullmatch(text.strip())
        if fits:
            return name, fits
    return None


def filtered(text: str, items: Items) -> list[Any]:
    """What the filter makes of them. Raises BadInput for values that it cannot work on."""
    found = filter_in(text)
    if found is None:
        raise BadInput(f"There is no filter {text!r}.", hint=f"There are: {', '.join(SHAPES)}.")
    name, fits = found
    return _FILTERS[name](fits, list(items))


def _grep(fits: re.Match[str], items: list[Any]) -> list[Any]:
    """Those in whose text it stands, whatever the case; it is plain text and no expression."""
    wanted, is_wanted = _unquoted(fits["text"]).casefold(), not fits["not"]
    return [one for one in items if (wanted in text_of(one).casefold()) is is_wanted]


def _first(fits: re.Match[str], items: list[Any]) -> list[Any]:
    return items[: int(fits["count"] or 1)]


def _last(fits: re.Match[str], items: list[Any]) -> list[Any]:
    count = int(fits["count"] or 1)
    return items[-count:] if count else []


def _count(_fits: re.Match[str], items: list[Any]) -> list[Any]:
    return [len(items)]


def _sort(fits: re.Match[str], items: list[Any]) -> list[Any]:
    """Numbers by their size, before texts by their letters; what has no such field comes last."""
    field = fits["field"]
    keyed = [(_of(one, field) if field else one, one) for one in items]
    known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: _rank(pair[0]))
    if fits["desc"]:
        known.reverse()
    return [one for _, one in (*known, *(pair for pair in keyed if pair[0] is None))]


def _unique(_fits: re.Match[str], items: list[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for one in items:
        found.setdefault(text_of(one), one)
    return list(found.values())


def _field(fits: re.Match[str], items: list[Any]) -> list[Any]:
    field = fits["field"]
    found = [_of(one, field) for one in items]
    if items and all(one is None for one in found):
        known = sorted({str(name) for one in items if isinstance(one, Mapping) for name in one})
        raise BadInput(f"None of them has a field {field!r}.", hint=f"They have: {', '.join(known[:20])}.")
    return [one for one in found if one is not None]


def _join(fits: re.Match[str], items: list[Any]) -> list[Any]:
    return [(fits["with"] or ",").join(text_of(scalar(one)) for one in items)]


_FILTERS: Mapping[str, Callable[[re.Match[str], list[Any]], list[Any]]] = {
    "grep": _grep,
    "first": _first,
    "last": _last,
    "count": _count,
    "sort": _sort,
    "unique": _unique,
    "field": _field,
    "join": _join,
}

# The members by which an object is known, where one value is wanted of it.
_NAMES = ("name", "value", "host", "hostname", "id")


def scalar(item: Any, *, wanted: str = "") -> Any:
    """One plain value for an item: itself, or of an object the member `wanted`, or its name.

    Raises BadInput for an object or list that has none.
    """
    if isinstance(item, Mapping):
        for name in (wanted, *_NAMES) if wanted else _NAMES:
            if isinstance(item.get(name), str | int | float):
                return item[name]
        known = ", ".join(map(str, list(item)[:20]))
        raise BadInput("One value is wanted of each object.", hint=f"Choose one: | field NAME ({known})")
    if isinstance(item, list):
        raise BadInput("One value is wanted of each item, and this is a list of lists.")
    return item


def text_of(item: Any) -> str:
    """An item as people read it."""
    if isinstance(item, str):
        return item
    return json.dumps(item, ensure_ascii=False, sort_keys=True, default=str)


def _of(item: Any, field: str) -> Any:
    for name in field.split("."):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def _rank(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, float(value), ""
    text = text_of(value)
    # What a program printed as a number is one.
    if re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return 0, float(text), ""
    return 1, 0.0, text.casefold()


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
