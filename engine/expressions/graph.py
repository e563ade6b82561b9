"""Parameters that refer to each other: in which order their templates are rendered."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import BadParameter, BadTemplate, EngineError
from engine.expressions.jinja import Templates, contains_template, is_template, undeclared

# A member of a list or object that is nothing but a variable keeps the variable's type.
# The range A-z is StackStorm's, and so is that blanks inside the braces end the magic.
_ONLY_A_VARIABLE = re.compile(r"{{([A-z0-9_-]+)}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A parameter's value that holds templates."""

    value: Any
    variables: frozenset[str]


def node_of(value: Any) -> Node | None:
    """The node of a value with templates in it; None for plain values.

    A template that does not parse is a plain value too, as in StackStorm.
    """
    if not isinstance(value, str | list | dict) or not contains_template(value):
        return None
    try:
        return Node(value=value, variables=frozenset().union(*map(undeclared, _texts(value))))
    except BadTemplate:
        return None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if is_template(value) else []
    if isinstance(value, Mapping):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _texts(part)]
    return []


def in_order(nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The names so that each comes after those that it refers to. Raises BadTemplate on a circle."""
    waiting = {name: node.variables & nodes.keys() for name, node in nodes.items()}
    done: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            names = ", ".join(sorted(_circle(waiting)))
            raise BadTemplate(
                f"Cyclic dependency found in the following variables: {names}. "
                "Likely the variable is referencing itself"
            )
        done.extend(ready)
        for name in ready:
            del waiting[name]
    return tuple(done)


def _circle(waiting: Mapping[str, frozenset[str]]) -> set[str]:
    """The names on a circle: what waits only because it refers to one is left out."""
    left = set(waiting)
    while True:
        unused = {name for name in left if not any(name in waiting[other] for other in left)}
        if not unused:
            return left
        left -= unused


def resolve(
    nodes: Mapping[str, Node],
    known: Callable[[str], Any],
    *,
    templates: Templates,
    order: tuple[str, ...] | None = None,
    decrypted: list[str] | None = None,
) -> dict[str, Any]:
    """Every node rendered. `known(name)` gives what is no node and raises KeyError where there is nothing.

    Raises BadParameter for a variable that nobody knows, and BadTemplate.
    """
    made: dict[str, Any] = {}
    for name in order or in_order(nodes):
        node = nodes[name]
        context = {}
        for variable in node.variables:
            if variable in made:
                context[variable] = made[variable]
                continue
            try:
                context[variable] = known(variable)
            except KeyError as error:
                raise BadParameter(
                    f'Dependency unsatisfied in variable "{variable}"',
                    hint=f'The template of parameter "{name}" refers to it.',
                ) from error
        try:
            made[name] = _render(node.value, context, templates, decrypted)
        except (BadTemplate, ValueError) as error:
            words = error.message if isinstance(error, EngineError) else str(error)
            raise BadTemplate(f'Failed to render parameter "{name}": {words}') from error
    return made


def _render(value: Any, context: Mapping[str, Any], templates: Templates, decrypted: list[str] | None) -> Any:
    if isinstance(value, str):
        return templates.render(value, context, decrypted=decrypted)
    if isinstance(value, Mapping):
        return {
            _member(key, context, templates, decrypted): _member(inner, context, templates, decrypted)
            for key, inner in value.items()
        }
    return [_member(inner, context, templates, decrypted) for inner in value]


def _member(value: Any, context: Mapping[str, Any], templates: Templates, decrypted: list[str] | None) -> Any:
    """A member of a list or object."""
    if isinstance(value, Mapping | list | tuple):
        return _render(value, context, templates, decrypted)
    if not isinstance(value, str) or not is_template(value):
        return value
    only = _ONLY_A_VARIABLE.fullmatch(value)
    if only is None:
        return templates.render(value, context, exact=True, decrypted=decrypted)
    text = templates.render(f"{{{{{only[1]} | to_complex}}}}", context, decrypted=decrypted)
    return json.loads(text)
