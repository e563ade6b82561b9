"""What goes into a conductor and what comes out: the words that it shares with its host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from engine.errors import EngineError

# What a call is made for: the task's own action, or one that an extension adds around it.
Purpose = Literal["run", "approve", "ask", "undo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """An action that is to be requested."""

    execution_id: str
    """Made by the host's `new_id`; what happens to the action is told under this id."""
    task_execution_id: str
    task: str
    route: int
    entry: int
    """The task's number in the sequence of all that ran, from 0."""
    item: int | None = None
    action: str
    input: Mapping[str, Any] = field(default_factory=dict)
    delay_s: int = 0
    purpose: Purpose = "run"
    note: Mapping[str, Any] = field(default_factory=dict)
    """What a chain's child is told of its node."""
    notify: Mapping[str, Any] | None = None
    """Who is told of its end, where the task says so itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChanged:
    """A requested action has another status; the conductor ignores what it does not wait for."""

    execution_id: str
    status: str
    """succeeded failed timeout abandoned canceled · pending pausing paused running canceling"""
    result: Any = None
    refused: EngineError | None = None
    """Why the action could not be requested: there is no such execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Somebody's wish for the whole workflow. Raises IllegalTransition where it makes no sense."""

    wanted: Literal["pause", "resume", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """Run an ended workflow again from these tasks. Raises BadInput, IllegalTransition."""

    tasks: Sequence[str] = ()
    """Empty: from those that failed."""
    reset: Sequence[str] = ()
    """Those of them whose items all run again, not only the ones that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCame:
    """The moment that `Work.wake_at` named has come."""


Event = ActionChanged | Command | Rerun | TimeCame


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the host has to do after events were taken; all of it in one transaction."""

    calls: tuple[ActionCall, ...] = ()
    cancel: tuple[str, ...] = ()
    """Executions to be really stopped: actions out of time, items that are not wanted any more."""
    wind_down: tuple[str, ...] = ()
    """All that is active in a cancelled workflow: what has not started, questions and sub-workflows
    are cancelled; actions that run go on to their end, as in StackStorm."""
    pause: tuple[str, ...] = ()
    """Executions to be paused when they are workflows themselves."""
    resume: tuple[str, ...] = ()
    wake_at: datetime | None = None
    """When to send TimeCame; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What has changed since the last one: its size does not grow with the workflow's age."""

    data: bytes
    values: Mapping[str, bytes] = field(default_factory=dict)
    """Large values by their hash, stored once; `data` refers to them."""


class Host(Protocol):
    """What a conductor needs of the world outside."""

    def new_id(self) -> str:
        """24 hexadecimal characters, never the same."""
        ...

    def now(self) -> datetime: ...

    def key(self, name: str, *, user: str, decrypt: bool) -> str | None:
        """A datastore key; None: there is none. Raises BadTemplate."""
        ...

    def learn(self, secrets: Sequence[str]) -> None:
        """Templates have read these in clear: they must not be seen."""
        ...

    def results(self, execution_ids: Sequence[str]) -> Sequence[Any]:
        """Results of actions that have ended, for a conductor that was loaded from its rows."""
        ...

    def value(self, digest: str) -> bytes:
        """A large value that an earlier Delta held."""
        ...
