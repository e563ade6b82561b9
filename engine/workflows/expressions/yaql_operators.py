"""YAQL's operators on the values that workflows use; what is not certain is the package's."""

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from engine.workflows.expressions.patterns import pattern_of
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_values import (
    DICTS,
    NUMBERS,
    SCALARS,
    SEQUENCES,
    TUPLES,
    Elsewhere,
    Listed,
    Made,
    MadeDict,
    made,
    made_dict,
    settled,
    stream,
    walked,
)

Apply = Callable[[Run, Any, Any], Any]


def equal(run: Run, left: Any, right: Any) -> bool:
    if type(left) not in SCALARS:
        left = _comparable(run, left)
    if type(right) not in SCALARS:
        right = _comparable(run, right)
    return bool(left == right)


def _comparable(run: Run, value: Any) -> Any:
    if type(value) in (list, dict):
        return value
    if type(value) in (Made, MadeDict) and not _holds_listed(value):
        return settled(run, value)
    raise Elsewhere


def _holds_listed(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    return any(
        type(part) is Listed or (type(part) in (Made, MadeDict) and _holds_listed(part)) for part in parts
    )


def unequal(run: Run, left: Any, right: Any) -> bool:
    return not equal(run, left, right)


def _ordered(
    compare: Callable[[Any, Any], bool], *, left_is_null: bool, right_is_null: bool, both_are: bool
) -> Apply:
    """Numbers with numbers, texts with texts; null is smaller than everything."""

    def apply(_run: Run, left: Any, right: Any) -> bool:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return compare(left, right)
        if type(left) is str and type(right) is str:
            return compare(left, right)
        if left is None:
            return both_are if right is None else left_is_null
        if right is None:
            return right_is_null
        raise Elsewhere

    return apply


less = _ordered(operator.lt, left_is_null=True, right_is_null=False, both_are=False)
greater = _ordered(operator.gt, left_is_null=False, right_is_null=True, both_are=False)


def plus(run: Run, left: Any, right: Any) -> Any:
    kinds = {type(left), type(right)}
    if kinds <= NUMBERS:
        return _bounded(run, left + right)
    if kinds == {str}:
        run.characters(len(left) + len(right))
        return left + right
    if kinds <= DICTS:
        run.spend(len(left) + len(right))
        return made_dict({**left, **right})
    both = [*walked(run, left), *walked(run, right)]
    return made(both) if kinds <= TUPLES else stream(both)


def _bounded(run: Run, value: Any) -> Any:
    run.number(value)
    return value


def _arithmetic(compute: Callable[[Any, Any], Any]) -> Apply:
    def apply(run: Run, left: Any, right: Any) -> Any:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return _bounded(run, compute(left, right))
        raise Elsewhere

    return apply


def _divided(left: Any, right: Any) -> Any:
    return left // right if type(left) is int and type(right) is int else left / right


def contained(run: Run, value: Any, collection: Any) -> bool:
    """`in`: an element of a list, or a piece of a text."""
    if type(value) is str and type(collection) is str:
        return value in collection
    if type(value) not in SCALARS:
        raise Elsewhere
    return value in walked(run, collection)


def matches(_run: Run, text: Any, pattern: Any) -> bool:
    if type(text) is not str or type(pattern) is not str:
        raise Elsewhere
    return pattern_of(pattern).search(text) is not None


def _matches_not(run: Run, text: Any, pattern: Any) -> bool:
    return not matches(run, text, pattern)


def property_of(run: Run, value: Any, name: str) -> Any:
    """`value.name`: of a dict, or of each element of a list."""
    if type(value) in DICTS:
        return value[name]
    return stream([property_of(run, part, name) for part in walked(run, value)])


def indexed(value: Any, index: Any) -> Any:
    if type(value) in DICTS or (type(value) in SEQUENCES and type(index) is int):
        return value[index]
    raise Elsewhere


def signed(run: Run, sign: str, value: Any) -> Any:
    if type(value) not in NUMBERS:
        raise Elsewhere
    return _bounded(run, -value if sign == "-" else value)


OPERATORS: Mapping[str, Apply] = MappingProxyType(
    {
        "=": equal,
        "!=": unequal,
        "<": less,
        "<=": _ordered(operator.le, left_is_null=True, right_is_null=False, both_are=True),
        ">": greater,
        ">=": _ordered(operator.ge, left_is_null=False, right_is_null=True, both_are=True),
        "+": plus,
        "-": _arithmetic(operator.sub),
        "*": _arithmetic(operator.mul),
        "/": _arithmetic(_divided),
        "mod": _arithmetic(operator.mod),
        "in": contained,
        "=~": matches,
        "!~": _matches_not,
    }
)
