"""An action chain as it is written: frozen shapes; only these texts may hold templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One task of a chain."""

    name: str
    ref: str
    """The action; never a template."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """`parameters`, or `params` as they were called once."""
    on_success: str = ""
    """A task; empty: the chain ends. Taken literally, also where it looks like a template."""
    on_failure: str = ""
    publish: Mapping[str, Any] = field(default_factory=dict)
    notify: Mapping[str, Any] | None = None

    def as_context(self) -> dict[str, Any]:
        """`context.chain` of the execution that the task makes, in StackStorm's spelling."""
        return {
            "name": self.name,
            "ref": self.ref,
            "params": None,
            "parameters": dict(self.parameters),
            "on_success": self.on_success,
            "on_failure": self.on_failure,
            "publish": dict(self.publish),
            "notify": None if self.notify is None else dict(self.notify),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    digest: str
    """Of the text: the same digest is the same chain."""
    nodes: Mapping[str, Node]
    """By name, in the order of the file; of two with one name the first counts."""
    default: str
    """Where it starts. A name that looks like a template is no task: such a chain does nothing."""
    vars: Mapping[str, Any] = field(default_factory=dict)
