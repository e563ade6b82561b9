"""What a conductor of any workflow language is to its host.

A conductor is pure: events go in through `take`, what the host has to do comes out of `work`, and
`delta` is what must be stored with it. The host gives a conductor up when that was not committed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from engine.errors import BadContent
from engine.specs.action import ActionSpec
from engine.workflows.calls import Delta, Event, Host, Work

UndoState = Literal["", "undoing", "undone", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One run of a task, for people."""

    entry: int
    """Its number in the sequence, from 0."""
    task: str
    route: int = 0
    status: str
    action: str = ""
    """Empty: the task has none."""
    execution_ids: Sequence[str] = ()
    """The newest attempt's executions; with items: those that were requested, in item order."""
    items_done: int | None = None
    items_total: int | None = None
    """None: no with-items task."""
    attempt: int = 1
    is_terminal: bool = False
    """Nothing came after it. What has failed like this is what the workflow failed at."""
    undo: UndoState = ""
    """What its `x-undo` has come to; empty: nothing of it was undone."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Unplannable(BadContent):
    """A workflow that cannot be run as it is written."""

    def __init__(self, message: str, *, errors: Sequence[Mapping[str, Any]], where: str = "") -> None:
        super().__init__(message, where=where, hint="See: stormcrow workflow inspect")
        self.errors = list(errors)
        """As a workflow's own errors: what its execution's result holds."""


class Conductor(Protocol):
    @property
    def status(self) -> str:
        """The workflow's status, in StackStorm's word."""
        ...

    @property
    def is_ended(self) -> bool: ...

    @property
    def is_broken(self) -> bool:
        """The definition itself is at fault, not only what it runs: an expression of it has failed."""
        ...

    @property
    def result(self) -> Any:
        """The execution's result, once it has ended."""
        ...

    def take(self, event: Event) -> None:
        """Raises IllegalTransition or BadInput for commands that make no sense now."""
        ...

    def work(self) -> Work:
        """What is to be done now; what it names counts as done."""
        ...

    def delta(self) -> Delta:
        """What has changed since the last call."""
        ...

    def snapshot(self) -> Delta:
        """Everything; with it, earlier deltas are not needed to load."""
        ...

    def awaited(self) -> Collection[str]:
        """The executions whose end it waits for."""
        ...

    def awaits(self, execution_id: str) -> bool: ...

    def tree(self) -> Sequence[TaskView]: ...


class Language(Protocol):
    """How workflows of one runner are made from their text. A plan is worked out once per text."""

    def plan(self, text: str) -> Any:
        """Raises Unplannable."""
        ...

    def amiss(self, text: str, actions: Mapping[str, ActionSpec]) -> Sequence[Mapping[str, Any]]:
        """What a plannable workflow asks of actions that is not so, as errors; nothing: it may begin."""
        ...

    def refusal(self, errors: Sequence[Mapping[str, Any]]) -> Any:
        """The result of an execution whose workflow is unplannable."""
        ...

    def begin(
        self, plan: Any, *, context: Mapping[str, Any], inputs: Mapping[str, Any], host: Host
    ) -> Conductor:
        """`context`: what the host says of itself, as `ctx().st2` and `ctx().parent`."""
        ...

    def load(
        self,
        plan: Any,
        *,
        context: Mapping[str, Any],
        snapshot: bytes | None,
        deltas: Sequence[bytes],
        host: Host,
    ) -> Conductor: ...
