"""YAQL's operators on plain values; what is not certain is the package's."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_methods import Elsewhere

_SCALARS = (str, int, float, bool, type(None))

Apply = Callable[[Run, Any, Any], Any]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def property_of(value: Any, name: str) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    raise Elsewhere


def indexed(value: Any, index: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(index, str) and index in value:
            return value[index]
    elif type(value) is list and _is_whole(index) and -len(value) <= index < len(value):
        return value[index]
    raise Elsewhere


def negated(value: Any) -> Any:
    if not is_number(value):
        raise Elsewhere
    return -value


def _equal(_run: Run, left: Any, right: Any) -> Any:
    if isinstance(left, _SCALARS) and isinstance(right, _SCALARS):
        return left == right
    raise Elsewhere


def _different(run: Run, left: Any, right: Any) -> Any:
    return not _equal(run, left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Apply:
    def apply(_run: Run, left: Any, right: Any) -> Any:
        if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return compare(left, right)
        raise Elsewhere

    return apply


def _plus(run: Run, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return _bounded(run, left + right)
    if isinstance(left, str) and isinstance(right, str):
        run.characters(len(left) + len(right))
        return left + right
    raise Elsewhere


def _minus(run: Run, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return _bounded(run, left - right)
    raise Elsewhere


def _times(run: Run, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > 256:
            raise Elsewhere
        return _bounded(run, left * right)
    raise Elsewhere


def _divided(run: Run, left: Any, right: Any) -> Any:
    if _is_whole(left) and _is_whole(right) and left >= 0 and right > 0:
        return _bounded(run, left // right)
    raise Elsewhere


def _rest(run: Run, left: Any, right: Any) -> Any:
    if _is_whole(left) and _is_whole(right) and left >= 0 and right > 0:
        return _bounded(run, left % right)
    raise Elsewhere


def _bounded(run: Run, value: Any) -> Any:
    run.number(value)
    return value


def _within(run: Run, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left in right
    if isinstance(left, _SCALARS) and type(right) is list:
        run.spend(1 + len(right))
        return left in right
    raise Elsewhere


OPERATORS: Mapping[str, Apply] = {
    "=": _equal,
    "!=": _different,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
    "mod": _rest,
    "in": _within,
}
