"""YAQL's methods on plain values; what is not certain is the package's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.workflows.expressions.running import Run

Lambda = Callable[[Run, Any], Any]


class Elsewhere(Exception):
    """The package has to answer this."""


class Stream(list[Any]):
    """What the package gives piece by piece: it can be gone through, and is no list yet.

    It has no index, and is true also when nothing is in it.
    """


def settled(value: Any) -> Any:
    """A value that others may hold."""
    return list(value) if type(value) is Stream else value


def is_true(value: Any) -> bool:
    if type(value) is Stream:
        raise Elsewhere
    return bool(value)


@dataclass(frozen=True, slots=True)
class Method:
    """Takes the run, its owner and its arguments; of arguments with `$` the closures."""

    apply: Callable[..., Any]
    least: int = 0
    most: int = 0
    takes_lambda: bool = False


def _list_of(run: Run, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Elsewhere
    run.spend(1 + len(value))
    run.clock()
    return value


def _dict_of(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Elsewhere
    return value


def _text_of(run: Run, value: Any) -> str:
    if not isinstance(value, str):
        raise Elsewhere
    run.characters(len(value))
    return value


def _len(_run: Run, value: Any) -> int:
    if isinstance(value, list | dict | str):
        return len(value)
    raise Elsewhere


def _select(run: Run, value: Any, selector: Lambda) -> Stream:
    return Stream(settled(selector(run, one)) for one in _list_of(run, value))


def _where(run: Run, value: Any, predicate: Lambda) -> Stream:
    return Stream(one for one in _list_of(run, value) if is_true(predicate(run, one)))


def _first(_run: Run, value: Any, *default: Any) -> Any:
    if isinstance(value, list) and (value or default):
        return value[0] if value else default[0]
    raise Elsewhere


def _last(_run: Run, value: Any, *default: Any) -> Any:
    if isinstance(value, list) and (value or default):
        return value[-1] if value else default[0]
    raise Elsewhere


def _to_list(run: Run, value: Any) -> list[Any]:
    return list(_list_of(run, value))


def _get(_run: Run, value: Any, key: Any, default: Any = None) -> Any:
    if not isinstance(key, str):
        raise Elsewhere
    return _dict_of(value).get(key, default)


def _keys(run: Run, value: Any) -> Stream:
    found = Stream(_dict_of(value))
    run.spend(1 + len(found))
    return found


def _values(run: Run, value: Any) -> Stream:
    found = Stream(_dict_of(value).values())
    run.spend(1 + len(found))
    return found


def _contains_key(_run: Run, value: Any, key: Any) -> bool:
    if not isinstance(key, str):
        raise Elsewhere
    return key in _dict_of(value)


def _to_upper(run: Run, value: Any) -> str:
    return _text_of(run, value).upper()


def _to_lower(run: Run, value: Any) -> str:
    return _text_of(run, value).lower()


def _starts_with(run: Run, value: Any, start: Any) -> bool:
    return _text_of(run, value).startswith(_text_of(run, start))


def _ends_with(run: Run, value: Any, end: Any) -> bool:
    return _text_of(run, value).endswith(_text_of(run, end))


def _join(run: Run, value: Any, separator: Any) -> str:
    parts = _list_of(run, value)
    if not isinstance(separator, str) or not all(isinstance(part, str) for part in parts):
        raise Elsewhere
    run.characters(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


METHODS: Mapping[str, Method] = {
    "len": Method(_len),
    "select": Method(_select, 1, 1, takes_lambda=True),
    "where": Method(_where, 1, 1, takes_lambda=True),
    "first": Method(_first, 0, 1),
    "last": Method(_last, 0, 1),
    "toList": Method(_to_list),
    "get": Method(_get, 1, 2),
    "keys": Method(_keys),
    "values": Method(_values),
    "containsKey": Method(_contains_key, 1, 1),
    "toUpper": Method(_to_upper),
    "toLower": Method(_to_lower),
    "startsWith": Method(_starts_with, 1, 1),
    "endsWith": Method(_ends_with, 1, 1),
    "join": Method(_join, 1, 1),
}
