"""The most frequent YAQL of all, compiled without the package: `ctx().a.b`, `succeeded()`, `item(x)`.

A workflow that needs no more never imports the package, which takes as long as starting the engine.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.workflows.expressions.functions import Signature, call_data, signature_of
from engine.workflows.expressions.running import Run, is_private
from engine.workflows.expressions.yaql_operators import property_of
from engine.workflows.expressions.yaql_values import Elsewhere, settled

Node = Callable[[Run, Any], Any]
"""Takes the run and what `$` stands for."""

_NAME = r"(?!__)[^\W\d]\w*"
_PATH = re.compile(
    rf"(?P<function>{_NAME})\((?:(?P<bare>{_NAME})|'(?P<single>{_NAME})'|\"(?P<double>{_NAME})\")?\)"
    rf"(?P<properties>(?:\.{_NAME})*)"
)
_ONE_NAME = frozenset({"ctx", "item", "task", "task_status"})
_NO_NAME = frozenset({"ctx", "item", "task", "result", "succeeded", "failed", "completed", "timedout"})
_WORDS = frozenset({"true", "false", "null", "and", "or", "not", "in", "mod"})
_KEPT = 4096


@functools.lru_cache(maxsize=_KEPT)
def path(expression: str) -> Node | None:
    """None: it is more than a path."""
    match = _PATH.fullmatch(expression)
    if match is None:
        return None
    properties = match["properties"].split(".")[1:]
    argument = match["bare"] or match["single"] or match["double"]
    function = match["function"]
    known = _NO_NAME if argument is None else _ONE_NAME
    if function not in known or match["bare"] in _WORDS or not _WORDS.isdisjoint(properties):
        return None
    node = _head(function, argument, properties)
    for name in properties:
        node = _property(node, name)
    return settling(node)


def _head(function: str, argument: str | None, properties: list[str]) -> Node:
    if function == "ctx" and argument is not None:
        return variable(argument)
    if function == "ctx" and properties:
        return variable(properties.pop(0))
    signature = signature_of(function)
    assert signature is not None  # noqa: S101  the names above are functions of ours
    constants: list[Node] = [] if argument is None else [lambda _run, _it: argument]
    return calling(signature, constants, {})


def _property(owner: Node, name: str) -> Node:
    return lambda run, it: property_of(run, owner(run, it), name)


def variable(name: str) -> Node:
    """`ctx().name` and `ctx(name)`: one look, where the package would make a dict of all variables."""

    def read(run: Run, _it: Any) -> Any:
        if is_private(name):
            raise Elsewhere
        return run.scope.variables[name]

    return read


def calling(signature: Signature, positional: list[Node], named: Mapping[str, Node]) -> Node:
    """A call of one of the functions that Orquesta and StackStorm add."""
    function = signature.function
    if signature.looks and not positional and not named:
        return lambda run, _it: function(run)

    def call(run: Run, it: Any) -> Any:
        values = [settled(run, value(run, it)) for value in positional]
        options = {name: settled(run, value(run, it)) for name, value in named.items()}
        return (
            function(run, *values, **options)
            if signature.looks
            else call_data(run, function, values, options)
        )

    return call


def settling(node: Node) -> Node:
    """A whole expression, which gives plain values."""
    return lambda run, it: settled(run, node(run, it))
