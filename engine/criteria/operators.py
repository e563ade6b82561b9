"""The operators of criteria: (value, pattern) -> bool, with StackStorm's types and refusals.

Nothing is cast: 5 does not equal "5", and comparing them raises TypeError, which makes the
criterion unanswerable. `search` is not here, because it holds criteria of its own.
"""

import fnmatch
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from types import MappingProxyType
from typing import Any

import regex
from dateutil import parser as dates

from engine.clock import utcnow

Operator = Callable[[Any, Any], bool]
"""Raises TypeError, AttributeError, ValueError ... where value and pattern do not go together."""

# A pattern that backtracks without end is given up after this time.
_REGEX_TIMEOUT_S = 0.5
# Compiling has no clock; this much takes 0.2 s at the worst. A pattern may come from the event.
_LONGEST_PATTERN = 10_000
# Literals, classes, anchors and alternatives at the top cannot backtrack, and need no clock.
_CANNOT_BACKTRACK = re.compile(r"(?:\\.|[^\\*+?{(])*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One operator, and what is special about it."""

    function: Operator
    takes_null: bool = False
    """Asked also with a pattern of null; of the others that never holds."""
    takes_bytes: bool = True
    """Bytes are read as text before it is asked."""


class TooSlow(ValueError):
    """A regular expression did not come to an end."""


@functools.lru_cache(maxsize=2_048)
def _search(pattern: str, flags: int, at_start: bool) -> Callable[[str], bool]:
    if len(pattern) > _LONGEST_PATTERN:
        raise TooSlow(f"the pattern has more than {_LONGEST_PATTERN} characters")
    # `re` has the last word on what is a pattern; `regex` runs it, because only that one can be stopped.
    simple = re.compile(pattern, flags)
    if _CANNOT_BACKTRACK.fullmatch(pattern):
        quick = simple.match if at_start else simple.search
        return lambda text: quick(text) is not None
    compiled = regex.compile(pattern, flags)
    bounded = compiled.match if at_start else compiled.search

    def search(text: str) -> bool:
        try:
            return bounded(text, timeout=_REGEX_TIMEOUT_S) is not None
        except TimeoutError as error:
            raise TooSlow(f"the search takes longer than {_REGEX_TIMEOUT_S} s") from error

    return search


def _equals(value: Any, pattern: Any) -> bool:
    return bool(value == pattern)


def _nequals(value: Any, pattern: Any) -> bool:
    return bool(value != pattern)


def _iequals(value: Any, pattern: Any) -> bool:
    return bool(value.lower() == pattern.lower())


def _contains(value: Any, pattern: Any) -> bool:
    return pattern in value


def _icontains(value: Any, pattern: Any) -> bool:
    return pattern.lower() in value.lower()


def _ncontains(value: Any, pattern: Any) -> bool:
    return pattern not in value


def _incontains(value: Any, pattern: Any) -> bool:
    return pattern.lower() not in value.lower()


def _startswith(value: Any, pattern: Any) -> bool:
    return bool(value.startswith(pattern))


def _istartswith(value: Any, pattern: Any) -> bool:
    return bool(value.lower().startswith(pattern.lower()))


def _endswith(value: Any, pattern: Any) -> bool:
    return bool(value.endswith(pattern))


def _iendswith(value: Any, pattern: Any) -> bool:
    return bool(value.lower().endswith(pattern.lower()))


def _regex(value: Any, pattern: Any) -> bool:
    return _search(pattern, 0, False)(value)


def _iregex(value: Any, pattern: Any) -> bool:
    return _search(pattern, re.IGNORECASE.value, False)(value)


def _matchregex(value: Any, pattern: Any) -> bool:
    return _search(pattern, re.DOTALL.value, True)(value)


def _matchwildcard(value: Any, pattern: Any) -> bool:
    return fnmatch.fnmatch(value, pattern)


def _lessthan(value: Any, pattern: Any) -> bool:
    return bool(value < pattern)


def _greaterthan(value: Any, pattern: Any) -> bool:
    return bool(value > pattern)


def _age_s(value: Any) -> float:
    """Seconds since the moment that `value` names; without a zone it is in UTC."""
    try:
        moment = dates.parse(value)
    except (ValueError, OverflowError) as error:
        # The message would quote the value, which may be a secret.
        raise ValueError("the value is not a time") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (utcnow() - moment).total_seconds()


def _timediff_lt(value: Any, pattern: Any) -> bool:
    return _age_s(value) < float(pattern)


def _timediff_gt(value: Any, pattern: Any) -> bool:
    return _age_s(value) > float(pattern)


def _exists(value: Any, _pattern: Any) -> bool:
    return value is not None


def _nexists(value: Any, _pattern: Any) -> bool:
    return value is None


def _inside(value: Any, pattern: Any) -> bool:
    return value in pattern


def _ninside(value: Any, pattern: Any) -> bool:
    return value not in pattern


def _named(
    function: Operator, *names: str, takes_null: bool = False, takes_bytes: bool = True
) -> dict[str, Named]:
    return dict.fromkeys(names, Named(function=function, takes_null=takes_null, takes_bytes=takes_bytes))


TABLE: Mapping[str, Named] = MappingProxyType(
    {
        **_named(_equals, "eq", "equals"),
        **_named(_nequals, "neq", "nequals", takes_null=True),
        **_named(_iequals, "ieq", "iequals"),
        **_named(_contains, "contains"),
        **_named(_icontains, "icontains"),
        **_named(_ncontains, "ncontains"),
        **_named(_incontains, "incontains"),
        **_named(_startswith, "startswith"),
        **_named(_istartswith, "istartswith"),
        **_named(_endswith, "endswith"),
        **_named(_iendswith, "iendswith"),
        **_named(_regex, "regex"),
        **_named(_iregex, "iregex"),
        **_named(_matchregex, "matchregex"),
        **_named(_matchwildcard, "matchwildcard"),
        **_named(_lessthan, "lt", "lessthan", takes_bytes=False),
        **_named(_greaterthan, "gt", "greaterthan", takes_bytes=False),
        **_named(_timediff_lt, "td_lt", "timediff_lt"),
        **_named(_timediff_gt, "td_gt", "timediff_gt"),
        **_named(_exists, "exists", takes_null=True),
        **_named(_nexists, "nexists", takes_null=True),
        **_named(_inside, "in", "inside"),
        **_named(_ninside, "nin", "ninside"),
    }
)
