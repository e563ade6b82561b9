"""The operators of criteria: (value, pattern) -> bool, with StackStorm's types and refusals.

Nothing is cast: 5 does not equal "5", and comparing them raises TypeError, which makes the
criterion unanswerable. `search` is not here, because it holds criteria of its own.
"""

import fnmatch
import functools
import re
from collections.abc import Callable, Mapping
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
# Literals, classes, anchors and alternatives at the top cannot backtrack, and need no clock.
_CANNOT_BACKTRACK = re.compile(r"(?:\\.|[^\\*+?{(])*", re.DOTALL)


class TooSlow(ValueError):
    """A regular expression did not come to an end."""


def _text(value: Any) -> Any:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _guarded(function: Operator) -> Operator:
    """A pattern of null never holds; bytes are read as text."""

    @functools.wraps(function)
    def guarded(value: Any, pattern: Any) -> bool:
        if pattern is None:
            return False
        if type(value) is bytes:
            value = value.decode("utf-8")
        return function(value, pattern)

    return guarded


@functools.lru_cache(maxsize=2_048)
def _search(pattern: str, flags: int, at_start: bool) -> Callable[[str], bool]:
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
    return bool(_text(value) != pattern)


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
    return pattern is not None and bool(value < pattern)


def _greaterthan(value: Any, pattern: Any) -> bool:
    return pattern is not None and bool(value > pattern)


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


def _named(*names: str, function: Operator) -> dict[str, Operator]:
    return dict.fromkeys(names, function)


TABLE: Mapping[str, Operator] = MappingProxyType(
    {
        **_named("eq", "equals", function=_guarded(_equals)),
        **_named("neq", "nequals", function=_nequals),
        **_named("ieq", "iequals", function=_guarded(_iequals)),
        **_named("contains", function=_guarded(_contains)),
        **_named("icontains", function=_guarded(_icontains)),
        **_named("ncontains", function=_guarded(_ncontains)),
        **_named("incontains", function=_guarded(_incontains)),
        **_named("startswith", function=_guarded(_startswith)),
        **_named("istartswith", function=_guarded(_istartswith)),
        **_named("endswith", function=_guarded(_endswith)),
        **_named("iendswith", function=_guarded(_iendswith)),
        **_named("regex", function=_guarded(_regex)),
        **_named("iregex", function=_guarded(_iregex)),
        **_named("matchregex", function=_guarded(_matchregex)),
        **_named("matchwildcard", function=_guarded(_matchwildcard)),
        **_named("lt", "lessthan", function=_lessthan),
        **_named("gt", "greaterthan", function=_greaterthan),
        **_named("td_lt", "timediff_lt", function=_guarded(_timediff_lt)),
        **_named("td_gt", "timediff_gt", function=_guarded(_timediff_gt)),
        **_named("exists", function=_exists),
        **_named("nexists", function=_nexists),
        **_named("in", "inside", function=_guarded(_inside)),
        **_named("nin", "ninside", function=_guarded(_ninside)),
    }
)
