"""A scope to evaluate in, and short ways to do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.errors import BadTemplate, ExpressionFailure
from engine.workflows.expressions.compile import compile_value

_NO_ITEM = object()


@dataclass(kw_only=True)
class World:
    """What a conductor's scope would say."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    current_item: Any = _NO_ITEM
    status: str = ""
    is_timed_out: bool = False
    outcome: Any = None
    statuses: dict[tuple[str, int], str] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def item(self) -> Any:
        if self.current_item is _NO_ITEM:
            raise LookupError("no item")
        return self.current_item

    def result(self) -> Any:
        return self.outcome

    def task_status(self, name: str, route: int | None) -> str | None:
        return self.statuses.get((name, route or 0))

    def task(self, name: str | None, route: int | None) -> Mapping[str, Any] | None:
        found = self.records.get(name or "current")
        return found if found is None or route in (None, found["route"]) else None

    def key(self, name: str, *, decrypt: bool) -> str | None:
        if name in self.secrets:
            return self.secrets[name] if decrypt else "ciphertext"
        if name == "broken":
            raise BadTemplate("The key cannot be read.")
        return self.keys.get(name)


def evaluate(value: Any, world: World | None = None, **variables: Any) -> Any:
    return compile_value(value).evaluate(world or World(variables=variables))


def refusal(value: Any, world: World | None = None, **variables: Any) -> str:
    """The message of the failure."""
    with pytest.raises(ExpressionFailure) as caught:
        evaluate(value, world, **variables)
    return caught.value.message
