"""YAQL as Python closures: the part of the language that workflows really use.

The package parses; what is made from its tree here takes a microsecond where the package takes
hundreds. A closure answers only what is certain. For everything else (another type, a missing key,
a division by zero) it raises Elsewhere or what Python raises, and the package evaluates the whole
expression: its answers and its errors are the language. Expressions have no effects, so asking twice
does no harm.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
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
from yaql.language.utils import NO_VALUE

from engine.workflows.expressions.functions import signature_of
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_functions import FUNCTIONS, METHODS_AS_FUNCTIONS
from engine.workflows.expressions.yaql_methods import METHODS, Method
from engine.workflows.expressions.yaql_operators import OPERATORS, indexed, property_of, signed
from engine.workflows.expressions.yaql_paths import Node, calling, settling, variable
from engine.workflows.expressions.yaql_values import SCALARS, Elsewhere, is_true, made, made_dict

UNCERTAIN = (Elsewhere, ArithmeticError, LookupError, RecursionError, TypeError, ValueError, re.error)
"""What sends an expression to the package."""

_WIDEST = 64
"""Bits of an integer that is written down."""


def compiled(statement: Statement) -> Node | None:
    """None: the package has to do it."""
    try:
        return settling(_node(statement.expression))
    except (_NotHere, RecursionError):
        return None


class _NotHere(Exception):
    """A part of the language that is not compiled."""


def _node(tree: Any) -> Node:
    maker = _MAKERS.get(type(tree))
    if maker is None:
        raise _NotHere
    return maker(tree)


def _constant(tree: Any) -> Node:
    value = tree.value
    if isinstance(value, int) and value.bit_length() > _WIDEST:
        raise _NotHere
    return lambda _run, _it: value


def _wrap(tree: Any) -> Node:
    return _node(tree.expr)


def _current(tree: Any) -> Node:
    if tree.path.value not in ("$", "$1"):
        raise _NotHere
    return lambda _run, it: it


def _list(tree: Any) -> Node:
    parts = [_node(part) for part in tree.args]

    def make(run: Run, it: Any) -> Any:
        run.spend(1 + len(parts))
        return made([part(run, it) for part in parts])

    return make


def _map(tree: Any) -> Node:
    if not all(isinstance(rule, MappingRuleExpression) for rule in tree.args):
        raise _NotHere
    pairs = [(_node(rule.source), _node(rule.destination)) for rule in tree.args]

    def make(run: Run, it: Any) -> Any:
        run.spend(1 + len(pairs))
        found: dict[Any, Any] = {}
        for key_of, value_of in pairs:
            key = key_of(run, it)
            if type(key) not in SCALARS:
                raise Elsewhere
            found[key] = value_of(run, it)
        return made_dict(found)

    return make


def _unary(tree: Any) -> Node:
    inner = _node(tree.args[0])
    if tree.operator == "not":
        return lambda run, it: not is_true(inner(run, it))
    sign = tree.operator
    return lambda run, it: signed(run, sign, inner(run, it))


def _binary(tree: Any) -> Node:
    operator = tree.operator
    left, right = tree.args
    if operator in (".", "?."):
        return _dot(left, right, is_safe=operator == "?.")
    apply = OPERATORS.get(operator)
    if apply is None and operator not in ("and", "or"):
        raise _NotHere
    first, second = _node(left), _node(right)
    if apply is not None:
        return lambda run, it: apply(run, first(run, it), second(run, it))
    goes_on = operator == "and"

    def decide(run: Run, it: Any) -> Any:
        value = first(run, it)
        return second(run, it) if is_true(value) is goes_on else value

    return decide


def _dot(left: Any, right: Any, *, is_safe: bool) -> Node:
    if isinstance(right, KeywordConstant):
        name = right.value
        if isinstance(left, Function) and left.name == "ctx" and not left.args:
            return variable(name)
        owner = _node(left)
        get: Node = lambda run, value: property_of(run, value, name)  # noqa: E731  the same shape as a method
    elif isinstance(right, Function):
        method = METHODS.get(right.name)
        if method is None:
            raise _NotHere
        owner = _node(left)
        return _applied(method, owner, _values(right.args, method), is_safe=is_safe)
    else:
        raise _NotHere
    if not is_safe:
        return lambda run, it: get(run, owner(run, it))

    def get_if_there(run: Run, it: Any) -> Any:
        value = owner(run, it)
        return None if value is None else get(run, value)

    return get_if_there


def _values(args: Any, method: Method) -> list[Node]:
    if not method.least <= len(args) <= method.most:
        raise _NotHere
    return _positional(args)


def _positional(args: Any) -> list[Node]:
    if any(arg is NO_VALUE or isinstance(arg, MappingRuleExpression) for arg in args):
        raise _NotHere
    return [_node(arg) for arg in args]


def _applied(method: Method, owner: Node, args: list[Node], *, is_safe: bool = False) -> Node:
    apply = method.apply
    takes_lambdas = method.takes_lambdas

    def call(run: Run, it: Any) -> Any:
        value = owner(run, it)
        if is_safe and value is None:
            return None
        if takes_lambdas:
            return apply(run, value, *args)
        return apply(run, value, *[arg(run, it) for arg in args])

    return call


def _function(tree: Any) -> Node:
    name, args = tree.name, tree.args
    signature = signature_of(name)
    if signature is not None:
        return _of_workflow(name, args)
    if name in _LAZY:
        return _LAZY[name](args)
    if name == "dict" and args and all(isinstance(arg, MappingRuleExpression) for arg in args):
        return _map(tree)
    method = METHODS_AS_FUNCTIONS.get(name)
    if method is not None and args:
        return _applied(method, _positional(args[:1])[0], _values(args[1:], method))
    function = FUNCTIONS.get(name)
    if function is None:
        raise _NotHere
    values = _values(args, function)
    apply = function.apply
    return lambda run, it: apply(run, *[value(run, it) for value in values])


def _of_workflow(name: str, args: Any) -> Node:
    """One of the functions that Orquesta and StackStorm add."""
    named: dict[str, Node] = {}
    plain = []
    for arg in args:
        if not isinstance(arg, MappingRuleExpression):
            plain.append(arg)
        elif isinstance(arg.source, KeywordConstant) and arg.source.value not in named:
            named[arg.source.value] = _node(arg.destination)
        else:
            raise _NotHere
    if name == "ctx" and len(plain) == 1 and not named and isinstance(plain[0], Constant):
        if not isinstance(plain[0].value, str):
            raise _NotHere
        return variable(plain[0].value)
    signature = signature_of(name)
    if signature is None or not signature.accepts(len(plain), named):
        raise _NotHere
    return calling(signature, _positional(plain), named)


def _switch(args: Any) -> Node:
    if not args or not all(isinstance(rule, MappingRuleExpression) for rule in args):
        raise _NotHere
    cases = [(_node(rule.source), _node(rule.destination)) for rule in args]

    def decide(run: Run, it: Any) -> Any:
        for condition, value in cases:
            if is_true(condition(run, it)):
                return value(run, it)
        return None

    return decide


def _coalesce(args: Any) -> Node:
    parts = _positional(args)

    def decide(run: Run, it: Any) -> Any:
        for part in parts:
            value = part(run, it)
            if value is not None:
                return value
        return None

    return decide


def _index(tree: Any) -> Node:
    owner, *rest = _positional(tree.args)
    if len(rest) != 1:
        raise _NotHere
    index = rest[0]
    return lambda run, it: indexed(owner(run, it), index(run, it))


_LAZY: Mapping[str, Callable[[Any], Node]] = MappingProxyType({"switch": _switch, "coalesce": _coalesce})

_MAKERS: Mapping[type, Callable[[Any], Node]] = MappingProxyType(
    {
        Constant: _constant,
        KeywordConstant: _constant,
        Wrap: _wrap,
        GetContextValue: _current,
        ListExpression: _list,
        MapExpression: _map,
        UnaryOperator: _unary,
        BinaryOperator: _binary,
        Function: _function,
        IndexExpression: _index,
    }
)
