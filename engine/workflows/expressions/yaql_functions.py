"""YAQL's functions on the values that workflows use; what is not certain is the package's."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_methods import METHODS, Method, maximum, minimum
from engine.workflows.expressions.yaql_texts import checked, text_of, whole
from engine.workflows.expressions.yaql_values import (
    DICTS,
    NUMBERS,
    SCALARS,
    SEQUENCES,
    TUPLES,
    Elsewhere,
    Stream,
    is_true,
    made,
    made_dict,
    walked,
)

_MOST_DIGITS = 400


def _str(_run: Run, value: Any) -> str:
    return text_of(value)


def _int(_run: Run, value: Any) -> int:
    if type(value) not in SCALARS:
        raise Elsewhere
    return 0 if value is None else int(value)


def _float(_run: Run, value: Any) -> float:
    if type(value) not in SCALARS:
        raise Elsewhere
    return 0.0 if value is None else float(value)


def _bool(_run: Run, value: Any) -> bool:
    return is_true(value)


def _list(run: Run, *parts: Any) -> Any:
    """Iterators among the parts are gone through; lists stay what they are."""
    found: list[Any] = []
    for part in parts:
        found.extend(walked(run, part) if type(part) is Stream else [part])
    return made(found)


def _dict_of_pairs(run: Run, pairs: Any) -> Any:
    found: dict[Any, Any] = {}
    for pair in walked(run, pairs):
        if type(pair) not in TUPLES or len(pair) < 2 or type(pair[0]) not in SCALARS:
            raise Elsewhere
        found[pair[0]] = pair[1]
    return made_dict(found)


def _range(run: Run, *bounds: Any) -> Stream:
    whole(*bounds)
    wanted = range(*bounds)
    # Longer ones are the package's, which makes no list of them.
    if wanted[run.settings.range_limit : run.settings.range_limit + 1]:
        raise Elsewhere
    run.spend(len(wanted))
    return Stream(wanted)


def _abs(run: Run, value: Any) -> Any:
    if type(value) not in NUMBERS:
        raise Elsewhere
    run.number(value)
    return abs(value)


def _round(_run: Run, value: Any, digits: Any = 0) -> Any:
    whole(digits)
    if type(value) not in NUMBERS or abs(digits) > _MOST_DIGITS:
        raise Elsewhere
    return round(value, digits)


def _concat(run: Run, *texts: Any) -> str:
    checked(run, *texts)
    run.characters(sum(map(len, texts)))
    return "".join(texts)


def _is(kinds: frozenset[type]) -> Callable[[Run, Any], bool]:
    return lambda _run, value: type(value) in kinds


_NAMED: Mapping[str, tuple[Callable[..., Any], int, int]] = MappingProxyType(
    {
        "str": (_str, 1, 1),
        "int": (_int, 1, 1),
        "float": (_float, 1, 1),
        "bool": (_bool, 1, 1),
        "list": (_list, 0, 99),
        "dict": (_dict_of_pairs, 1, 1),
        "range": (_range, 1, 3),
        "abs": (_abs, 1, 1),
        "round": (_round, 1, 2),
        "max": (maximum, 2, 2),
        "min": (minimum, 2, 2),
        "concat": (_concat, 1, 99),
        "isString": (_is(frozenset({str})), 1, 1),
        "isInteger": (_is(frozenset({int})), 1, 1),
        "isNumber": (_is(NUMBERS), 1, 1),
        "isBoolean": (_is(frozenset({bool})), 1, 1),
        "isList": (_is(SEQUENCES), 1, 1),
        "isDict": (_is(DICTS), 1, 1),
    }
)

# These are methods and functions at once.
_BOTH = ("len", "any", "all", "distinct", "norm", "isEmpty", "enumerate")

FUNCTIONS: Mapping[str, Method] = MappingProxyType({name: Method(*entry) for name, entry in _NAMED.items()})
"""Functions of their arguments' values."""

METHODS_AS_FUNCTIONS: Mapping[str, Method] = MappingProxyType({name: METHODS[name] for name in _BOTH})
"""Functions whose first argument is the owner of a method."""
