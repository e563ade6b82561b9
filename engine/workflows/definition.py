"""A workflow as it is written: frozen shapes, still with expressions as text.

Texts here come from the definition alone; they are the only ones that may hold expressions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A declared input; without a default it is null when it is not given."""

    name: str
    default: Any = None
    has_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """`with`: one action for each item of a list."""

    names: tuple[str, ...] = ()
    """`a, b in <% ... %>`: names of an item's parts; empty: items have none."""
    expression: str
    """What gives the list."""
    concurrency: Any = None
    """An integer, an expression that gives one, or None: all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`retry`: `count` and `delay` (seconds) are integers or expressions."""

    when: str | None = None
    """None: when the task has failed, timed out or was abandoned."""
    count: Any
    delay: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One entry of `next`."""

    number: int
    """Its place in the list, from 0."""
    when: str | None = None
    publish: tuple[tuple[str, Any], ...] = ()
    """(name, value), in order; names may be expressions."""
    do: tuple[str, ...] = ("continue",)
    is_else: bool = False
    """`x-else: true`: taken when none of the others was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    name: str
    action: str | None = None
    """A ref or an expression, without inline parameters; None: it succeeds at once."""
    input: Mapping[str, Any] | str | None = None
    """Parameters (inline ones are here too), or one expression that gives them."""
    delay: Any = None
    """Seconds: an integer or an expression."""
    join: Literal["all"] | int | None = None
    items: Items | None = None
    retry: Retry | None = None
    next: tuple[Transition, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """Our own keys, x-...: see docs/reference/workflows.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    digest: str
    """Of the text: the same digest is the same workflow."""
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    input: tuple[Input, ...] = ()
    vars: tuple[tuple[str, Any], ...] = ()
    tasks: Mapping[str, Task]
    output: tuple[tuple[str, Any], ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
