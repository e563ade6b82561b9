"""The texts of a chain that hold templates: compiled to the names they use, and rendered.

What comes out of a template is data: it is never rendered again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine.errors import BadTemplate
from engine.expressions.jinja import Templates, undeclared
from engine.workflows.chain import Chain, Node

EVERYTHING = "__context"
Layers = Sequence[Mapping[str, Any]]
"""Where names are looked up: the first layer that has one counts."""


class Unrendered(BadTemplate):
    """A text that does not render; `name` is the parameter or variable, `text` what stands there."""

    def __init__(self, name: str, text: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Named values of a chain's file."""

    values: Mapping[str, Any] = field(default_factory=dict)
    rendered: frozenset[str] = frozenset()
    """Those that rendering could change."""
    uses: frozenset[str] = frozenset()
    """The names that their templates take from what surrounds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    node: Node
    parameters: Texts
    publish: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlan:
    """A chain made ready; worked out once for each text."""

    chain: Chain
    vars: Texts
    nodes: Mapping[str, NodePlan]


def plan_of(chain: Chain) -> ChainPlan:
    nodes = {
        name: NodePlan(node=node, parameters=_compiled(node.parameters), publish=_compiled(node.publish))
        for name, node in chain.nodes.items()
    }
    return ChainPlan(chain=chain, vars=_compiled(chain.vars), nodes=nodes)


def render(texts: Texts, layers: Layers, templates: Templates, *, decrypted: list[str]) -> dict[str, Any]:
    """The values with their templates rendered: a text stays text, members of lists and dicts too.

    `decrypted` is given every value that a template has read in clear. Raises Unrendered.
    """
    context = _context(texts.uses, layers) if texts.rendered else {}
    made: dict[str, Any] = {}
    for name, value in texts.values.items():
        if name not in texts.rendered:
            made[name] = value
            continue
        try:
            made.update(templates.render_values({name: value}, context, decrypted=decrypted))
        except BadTemplate as error:
            raise Unrendered(name, _shown(value), error.message) from error
    return made


def _compiled(values: Mapping[str, Any]) -> Texts:
    rendered = {name for name, value in values.items() if _may_change(value)}
    uses: set[str] = set()
    for name in rendered:
        uses |= _uses(values[name])
    return Texts(values=values, rendered=frozenset(rendered), uses=frozenset(uses))


def _may_change(value: Any) -> bool:
    if isinstance(value, str):
        # Jinja takes the newline at the end of a text away.
        return "{" in value or value.endswith(("\n", "\r"))
    return isinstance(value, list | dict) and any("{" in text for text in _texts(value))


def _uses(value: Any) -> set[str]:
    found: set[str] = set()
    for text in _texts(value):
        try:
            found |= undeclared(text)
        except BadTemplate:
            # Said when it is rendered: the chain may never come there.
            continue
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return []


def _context(names: Collection[str], layers: Layers) -> dict[str, Any]:
    if EVERYTHING in names:
        names = {name for layer in layers for name in layer}
    context = {}
    for name in names:
        layer = next((layer for layer in layers if name in layer), None)
        if layer is not None:
            context[name] = layer[name]
    # With an empty context nothing at all would be rendered.
    return context or {EVERYTHING: {}}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
