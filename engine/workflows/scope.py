"""What an expression of a workflow sees: read when it asks, by reference, nothing copied."""

from collections.abc import Mapping
from typing import Any, Protocol


class Scope(Protocol):
    """The conductor makes one for each rendering."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """`ctx()`; a lookup walks to the variable, and the values are shared: never change them."""
        ...

    @property
    def item(self) -> Any:
        """The item of a with-items task. Raises LookupError where there is none."""
        ...

    @property
    def status(self) -> str:
        """Of the current task: `null` while it is rendered before it ran; empty where there is no task."""
        ...

    @property
    def is_timed_out(self) -> bool:
        """Whether the task that has just ended was out of time."""
        ...

    def result(self) -> Any:
        """Of the action that has just ended; with items: a list, null for those not run."""
        ...

    def task_status(self, name: str, route: int | None) -> str | None:
        """On this route, else on the longest earlier one that leads here; None: not run."""
        ...

    def task(self, name: str | None, route: int | None) -> Mapping[str, Any] | None:
        """The record that `task()` gives; None: there is none."""
        ...

    def key(self, name: str, *, decrypt: bool) -> str | None:
        """A datastore key as `st2kv()` names it; None: there is none. Raises BadTemplate."""
        ...
