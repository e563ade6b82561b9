"""What an execution gives to the next stage, and how the next stage takes it."""

from collections.abc import Mapping
from typing import Any

from engine.errors import BadInput
from engine.pipelines.filters import MOST_ITEMS, scalar
from engine.specs.parameter import ParameterSpec

# Where runners put what an action gave, in the order in which it is looked for.
_PLACES = ("result", "output", "stdout", "body")


def items_of(result: Any) -> list[Any]:
    """A list as it is, a text line by line, anything else as the one item.

    Raises BadInput for more than a pipeline carries.
    """
    value = _value(result)
    if isinstance(value, str):
        items: list[Any] = [line for line in value.splitlines() if line.strip()]
    elif value is None:
        items = []
    else:
        items = value if isinstance(value, list) else [value]
    if len(items) > MOST_ITEMS:
        raise BadInput(f"It gave {len(items):,} items; a pipeline carries {MOST_ITEMS:,}.")
    return items


def _value(result: Any) -> Any:
    if isinstance(result, Mapping):
        for place in _PLACES:
            if place in result:
                inner = result[place]
                # A workflow's output with one member is that member.
                if place == "output" and isinstance(inner, Mapping) and len(inner) == 1:
                    return next(iter(inner.values()))
                return inner
    return result


def taken(items: list[Any], name: str, spec: ParameterSpec | None) -> Any:
    """The value of the parameter `name`. A list is taken whole; any other type takes exactly one item.

    Raises BadInput.
    """
    kind = spec.type if spec is not None else "string"
    if kind == "array":
        inner = spec.schema_.get("items") if spec is not None else None
        wants_objects = isinstance(inner, Mapping) and inner.get("type") in ("object", "array")
        return items if wants_objects else [scalar(one, wanted=name) for one in items]
    if len(items) != 1:
        raise BadInput(
            f"{name} takes one value, and {len(items)} come.",
            hint="Choose with `| first`, or make one text of all with `| join`.",
        )
    if kind == "object":
        return items[0]
    value = scalar(items[0], wanted=name)
    return str(value) if kind in (None, "string") and not isinstance(value, bool) else value
