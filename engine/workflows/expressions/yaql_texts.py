"""YAQL's methods of texts; what is not certain is the package's."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from engine.expressions.guards import check_method
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_operators import matches
from engine.workflows.expressions.yaql_values import SCALARS, Elsewhere, Listed, Made, walked


def checked(run: Run, *texts: Any) -> None:
    """Pay for reading them. Raises Elsewhere where one is no text."""
    for text in texts:
        if type(text) is not str:
            raise Elsewhere
        run.look(text)


def whole(*numbers: Any) -> None:
    """Raises Elsewhere where one is no integer."""
    if any(type(number) is not int for number in numbers):
        raise Elsewhere


def text_of(value: Any) -> str:
    """`str()`; Raises Elsewhere for what is not a scalar."""
    if type(value) not in SCALARS:
        raise Elsewhere
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_upper(run: Run, text: Any) -> str:
    checked(run, text)
    run.characters(len(text))
    return str(text.upper())


def to_lower(run: Run, text: Any) -> str:
    checked(run, text)
    run.characters(len(text))
    return str(text.lower())


def _stripped(strip: Callable[[str, str | None], str]) -> Callable[..., str]:
    def apply(run: Run, text: Any, chars: Any = None) -> str:
        checked(run, text, "" if chars is None else chars)
        return strip(text, chars)

    return apply


def norm(run: Run, text: Any, chars: Any = None) -> str | None:
    """Without white space around; null where nothing is left."""
    if text is None:
        return None
    checked(run, text, "" if chars is None else chars)
    return text.strip(chars) or None


def is_empty(run: Run, text: Any) -> bool:
    if text is None:
        return True
    checked(run, text)
    return not text.strip()


def starts_with(run: Run, text: Any, *starts: Any) -> bool:
    checked(run, text, *starts)
    return bool(text.startswith(starts))


def ends_with(run: Run, text: Any, *ends: Any) -> bool:
    checked(run, text, *ends)
    return bool(text.endswith(ends))


def split(run: Run, text: Any, separator: Any = None, most: Any = -1) -> Listed:
    checked(run, text, "" if separator is None else separator)
    whole(most)
    parts = text.split(separator, most)
    run.spend(len(parts))
    return Listed(parts)


def replace(run: Run, text: Any, old: Any, new: Any, count: Any = -1) -> str:
    checked(run, text, old, new)
    whole(count)
    check_method(run, text, "replace", (old, new), {})
    return str(text.replace(old, new, count))


def substring(run: Run, text: Any, start: Any, length: Any = -1) -> str:
    checked(run, text)
    whole(start, length)
    length = len(text) if length < 0 else length
    start = start + len(text) if start < 0 else start
    return str(text[start : start + length])


def to_characters(run: Run, text: Any) -> Made:
    checked(run, text)
    run.spend(len(text))
    return Made(text)


def joined(run: Run, value: Any, other: Any) -> str:
    """`list.join(separator)`, or the other way round."""
    parts, separator = (other, value) if type(value) is str else (value, other)
    checked(run, separator)
    texts = [part if type(part) is str else text_of(part) for part in walked(run, parts)]
    run.characters(sum(map(len, texts)) + len(separator) * len(texts))
    return str(separator.join(texts))


TEXT_METHODS: Mapping[str, tuple[Callable[..., Any], int, int]] = MappingProxyType(
    {
        "toUpper": (to_upper, 0, 0),
        "toLower": (to_lower, 0, 0),
        "trim": (_stripped(str.strip), 0, 1),
        "trimLeft": (_stripped(str.lstrip), 0, 1),
        "trimRight": (_stripped(str.rstrip), 0, 1),
        "norm": (norm, 0, 1),
        "isEmpty": (is_empty, 0, 0),
        "startsWith": (starts_with, 1, 9),
        "endsWith": (ends_with, 1, 9),
        "split": (split, 0, 2),
        "replace": (replace, 2, 3),
        "substring": (substring, 1, 2),
        "toCharArray": (to_characters, 0, 0),
        "join": (joined, 1, 1),
        "matches": (matches, 1, 1),
    }
)
"""Name: (what does it, fewest and most arguments)."""
