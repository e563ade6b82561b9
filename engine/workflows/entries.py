"""What a workflow's state is made of: tasks that ran, that are about to, and actions asked for."""

from dataclasses import dataclass, field

from engine.workflows.calls import Purpose
from engine.workflows.contexts import Context
from engine.workflows.items import Items
from engine.workflows.joins import Passed
from engine.workflows.values import Sealed


@dataclass(slots=True)
class Entry:
    """One run of a task, or an engine command: a line of the sequence."""

    number: int
    task: str
    route: int
    context: Context
    previous: tuple[int, ...] = ()
    """Entries that led here."""
    task_execution_id: str = ""
    generation: int | None = None
    """Of a join."""
    passed: Passed = field(default_factory=dict)
    status: str = ""
    """Empty: not started, after a rerun was asked for."""
    counted_as: str = ""
    """In the census."""
    started_ms: int | None = None
    ended_ms: int | None = None
    execution_id: str = ""
    """The newest, of a task without items."""
    items: Items | None = None
    delay_s: int = 0
    retries: int | None = None
    """How many it may have; None: it has no `retry`."""
    retry_delay_s: int = 0
    tally: int = 0
    """Retries so far."""
    went_on: bool = False
    """A transition was taken."""
    is_terminal: bool = False
    """Its variables are part of the output."""
    left: list[Context] = field(default_factory=list)
    """Variables of what led on from here but was not continued; part of the output too."""
    is_on_fail: bool = False
    """It runs although the workflow has failed: clean-up beside or after the command `fail`."""
    is_final: bool = False
    """It runs after the end: x-finally."""
    is_timed_out: bool = False
    was_undone: bool = False
    """All of it, by its `x-undo`."""
    has_undo_failed: bool = False
    prepared: Sealed | None = None
    """`{action, input, timeout_s}` as rendered, while it waits for its approval."""
    approved: str = ""
    """Digest of what was approved."""
    edited: Sealed | None = None
    """Parameters that somebody changed after a failure."""


@dataclass(slots=True)
class Staged:
    """A task that is to be started."""

    task: str
    route: int
    slot: int
    """Tells apart what is staged for the same task and route: a join's generation, a retry."""
    contexts: list[int] = field(default_factory=list)
    previous: list[int] = field(default_factory=list)
    generation: int | None = None
    entry: int | None = None
    """The entry that runs again: a retry or a rerun."""
    delay_s: int | None = None
    """Of a retry, in place of the task's own delay."""
    is_on_fail: bool = False


@dataclass(slots=True)
class Call:
    """An action that was requested and has not ended."""

    entry: int
    item: int | None
    purpose: Purpose
    status: str = "running"


@dataclass(frozen=True, slots=True)
class Route:
    marks: tuple[str, ...]
    """Which forks led here."""
