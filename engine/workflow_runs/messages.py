"""What can happen to a workflow that runs, on its way to the conductor."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.records.execution import Execution, OutputChunk
from engine.runners.base import RunResult
from engine.status import Status
from engine.workflow_runs.head import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A new workflow, of an execution that was claimed."""

    head: Head
    attempt: int
    text: str
    digest: str
    """Of language and text."""
    plan: Any
    inputs: dict[str, Any]
    done: "Future[None]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """An ended workflow goes on from some of its tasks, for another execution."""

    head: Head
    attempt: int
    tasks: Sequence[str]
    reset: Sequence[str]
    done: "Future[None]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """A worker has run a child; its end is written together with what follows from it."""

    execution: Execution
    outcome: RunResult
    chunks: Sequence[OutputChunk]
    status: Status
    """What the end will be; CANCELED when it was cancelled meanwhile."""
    done: "Future[Status]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildChanged:
    """A child has another status, written by somebody else."""

    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """The row of the workflow's execution says what somebody wants."""

    wanted: Literal["pause", "resume", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAround:
    """Compare with the database: after a start, after a failure, and when a moment has come."""


Message = Begin | RunAgain | ChildEnded | ChildChanged | Wished | LookAround
