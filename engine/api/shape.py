"""How JSON, bodies and parameters are described, so that a description of the whole API can be made of it.

What is described stands in `wire_shapes`, `wire_*_shapes` and `parameters`, beside the routes; `openapi` puts
it together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
"""A JSON schema, in which a Shape may stand wherever a schema may."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object with a name. `required`: what is always there, and what a caller must give."""

    name: str
    properties: Mapping[str, "Schema | Shape"]
    required: tuple[str, ...] = ()

    def grown(
        self, name: str, more: Mapping[str, "Schema | Shape"], required: tuple[str, ...] = ()
    ) -> "Shape":
        """The same with more in it."""
        return Shape(name, {**self.properties, **more}, (*self.required, *required))


@dataclass(frozen=True, slots=True)
class Listed:
    """A JSON list of `items`. `is_counted`: with X-Total-Count, and X-Limit unless all is asked for."""

    items: Schema | Shape
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON, of one of these kinds of content."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One name of a query, which means the same wherever it stands.

    `kind`: string, integer, boolean, moment (a timestamp) or array (names between commas).
    """

    kind: str
    about: str
    choices: tuple[str, ...] = field(default=())


Given = Shape | Listed | Raw | Schema | None
"""What an endpoint answers with; None: nothing."""

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
MAPPING: Schema = {"type": "object"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
TEXTS: Schema = {"type": "array", "items": TEXT}
ANYTHING: Schema = {}


def maybe(schema: Schema) -> Schema:
    """Or null."""
    return {**schema, "type": [schema["type"], "null"]}


def list_of(items: Schema | Shape) -> Schema:
    """Inside of a shape."""
    return {"type": "array", "items": items}
