"""YAQL as Python closures: the part of the language that workflows really use.

The package parses; what is made from its tree here takes a microsecond where the package takes
hundreds. A closure answers only what is certain: plain values of the usual types. For everything else
(another type, a missing key, a division by zero) it raises Elsewhere, and the package evaluates the
whole expression: its answer and its errors are the language. Expressions have no effects, so asking
twice does no harm.
"""

from collections.abc import Callable, Mapping
from typing import Any

from yaql.language.expressions import (
    BinaryOperator,
    Constant,
    Function,
    GetContextValue,
    IndexExpression,
    KeywordConstant,
    ListExpression,
    MapExpression,
    MappingRuleExpression,
    Statement,
    UnaryOperator,
    Wrap,
)

from engine.workflows.expressions.functions import DATA, LOOKING
from engine.workflows.expressions.running import Run, is_private
from engine.workflows.expressions.yaql_methods import METHODS, Elsewhere, is_true, settled
from engine.workflows.expressions.yaql_operators import OPERATORS, indexed, negated, property_of

Made = Callable[[Run, Any], Any]
"""Takes the run and what `$` stands for."""

_NAMES = KeywordConstant | Constant


def compiled(statement: Statement) -> Made | None:
    """None: the package has to do it."""
    try:
        made = _made(statement.expression)
    except _NotHere:
        return None
    if not _has(statement.expression, _builds):
        return lambda run, it: settled(made(run, it))

    def weighed(run: Run, it: Any) -> Any:
        # A list that holds one large value many times over is small here, and huge as JSON.
        value = settled(made(run, it))
        run.weigh(value)
        return value

    return weighed


class _NotHere(Exception):
    """A part of the language that is not compiled."""


def _made(node: Any) -> Made:
    maker = _MAKERS.get(type(node))
    if maker is None:
        raise _NotHere
    return maker(node)


def _constant(node: Any) -> Made:
    value = node.value
    if isinstance(value, int) and value.bit_length() > 64:
        raise _NotHere
    return lambda _run, _it: value


def _wrap(node: Any) -> Made:
    return _made(node.expr)


def _current(node: Any) -> Made:
    if node.path.value not in ("$", "$1", ""):
        raise _NotHere
    return lambda _run, it: it


def _list(node: Any) -> Made:
    parts = [_made(part) for part in node.args]
    return lambda run, it: [settled(part(run, it)) for part in parts]


def _map(node: Any) -> Made:
    pairs = []
    for rule in node.args:
        if not isinstance(rule, MappingRuleExpression):
            raise _NotHere
        pairs.append((_made(rule.source), _made(rule.destination)))

    def make(run: Run, it: Any) -> Any:
        made = {}
        for name, value in pairs:
            key = name(run, it)
            if not isinstance(key, str):
                raise Elsewhere
            made[key] = settled(value(run, it))
        return made

    return make


def _unary(node: Any) -> Made:
    inner = _made(node.args[0])
    if node.operator == "not":
        return lambda run, it: not is_true(inner(run, it))
    if node.operator == "-":
        return lambda run, it: negated(inner(run, it))
    raise _NotHere


def _binary(node: Any) -> Made:
    operator = node.operator
    left, right = node.args
    if operator in (".", "?."):
        return _dot(left, right, is_safe=operator == "?.")
    first, second = _made(left), _made(right)
    if operator == "and":
        return _and(first, second)
    if operator == "or":
        return _or(first, second)
    apply = OPERATORS.get(operator)
    if apply is None:
        raise _NotHere
    return lambda run, it: apply(run, first(run, it), second(run, it))


def _and(first: Made, second: Made) -> Made:
    def both(run: Run, it: Any) -> Any:
        value = first(run, it)
        return second(run, it) if is_true(value) else value

    return both


def _or(first: Made, second: Made) -> Made:
    def either(run: Run, it: Any) -> Any:
        value = first(run, it)
        return value if is_true(value) else second(run, it)

    return either


def _dot(left: Any, right: Any, *, is_safe: bool) -> Made:
    if isinstance(right, Function):
        return _method(left, right, is_safe=is_safe)
    if not isinstance(right, KeywordConstant):
        raise _NotHere
    name = right.value
    if isinstance(left, Function) and left.name == "ctx" and not left.args:
        return _variable(name)
    owner = _made(left)
    if is_safe:

        def read_if_there(run: Run, it: Any) -> Any:
            value = owner(run, it)
            return None if value is None else property_of(value, name)

        return read_if_there
    return lambda run, it: property_of(owner(run, it), name)


def _variable(name: str) -> Made:
    """`ctx().name` and `ctx(name)`: one lookup, where the package would make a copy of all variables."""
    if not isinstance(name, str) or is_private(name):
        raise _NotHere

    def read(run: Run, _it: Any) -> Any:
        try:
            return run.scope.variables[name]
        except KeyError:
            raise Elsewhere from None

    return read


def _method(left: Any, call: Any, *, is_safe: bool) -> Made:
    method = METHODS.get(call.name)
    if method is None or any(isinstance(arg, MappingRuleExpression) for arg in call.args):
        raise _NotHere
    owner = _made(left)
    parts = [_made(arg) for arg in call.args]
    if not method.least <= len(parts) <= method.most:
        raise _NotHere
    apply = method.apply
    if method.takes_lambda:

        def with_lambda(run: Run, it: Any) -> Any:
            value = owner(run, it)
            return None if is_safe and value is None else apply(run, value, *parts)

        return with_lambda

    def with_values(run: Run, it: Any) -> Any:
        value = owner(run, it)
        if is_safe and value is None:
            return None
        return apply(run, value, *[settled(part(run, it)) for part in parts])

    return with_values


def _call(node: Any) -> Made:
    name, args = node.name, node.args
    if name == "ctx" and len(args) == 1 and isinstance(args[0], _NAMES):
        return _variable(args[0].value)
    if name == "len" and len(args) == 1:
        return _length(_made(args[0]))
    function = LOOKING.get(name)
    positional, named = _arguments(args)
    if function is not None:
        if name == "ctx" and positional:
            raise _NotHere
        return _looking(function, positional, named)
    data = DATA.get(name)
    if data is None:
        raise _NotHere
    return lambda run, it: data(
        *[settled(part(run, it)) for part in positional],
        **{key: settled(part(run, it)) for key, part in named.items()},
    )


def _looking(function: Callable[..., Any], positional: list[Made], named: Mapping[str, Made]) -> Made:
    if not positional and not named:
        return lambda run, _it: function(run)
    return lambda run, it: function(
        run,
        *[settled(part(run, it)) for part in positional],
        **{key: settled(part(run, it)) for key, part in named.items()},
    )


def _arguments(args: Any) -> tuple[list[Made], dict[str, Made]]:
    positional: list[Made] = []
    named: dict[str, Made] = {}
    for arg in args:
        if not isinstance(arg, MappingRuleExpression):
            positional.append(_made(arg))
        elif isinstance(arg.source, KeywordConstant):
            named[arg.source.value] = _made(arg.destination)
        else:
            raise _NotHere
    return positional, named


def _length(inner: Made) -> Made:
    length = METHODS["len"].apply
    return lambda run, it: length(run, inner(run, it))


def _index(node: Any) -> Made:
    owner = _made(node.args[0])
    if len(node.args) != 2 or _has(node.args[1], _is_current):
        # With `$` in it the index is a condition: a filter.
        raise _NotHere
    index = _made(node.args[1])
    return lambda run, it: indexed(owner(run, it), index(run, it))


def _is_current(node: Any) -> bool:
    return isinstance(node, GetContextValue)


def _builds(node: Any) -> bool:
    return isinstance(node, ListExpression | MapExpression) or getattr(node, "name", "") == "select"


def _has(node: Any, fits: Callable[[Any], bool]) -> bool:
    """Whether it, or anything below it, fits."""
    if fits(node):
        return True
    inner = list(getattr(node, "args", ()) or ())
    inner += [getattr(node, name) for name in ("expr", "source", "destination") if hasattr(node, name)]
    return any(_has(part, fits) for part in inner)


_MAKERS: Mapping[type, Callable[[Any], Made]] = {
    Constant: _constant,
    KeywordConstant: _constant,
    Wrap: _wrap,
    GetContextValue: _current,
    ListExpression: _list,
    MapExpression: _map,
    UnaryOperator: _unary,
    BinaryOperator: _binary,
    Function: _call,
    IndexExpression: _index,
}
