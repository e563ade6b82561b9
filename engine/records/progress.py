"""How far a workflow has come: the executions below it, as who follows it needs them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One execution somewhere below a workflow."""

    id: str
    parent_id: str
    task: str
    """The task of its parent that it is for; the action where that is not known."""
    item: int | None
    """Which item of the task, from 0; None: it has none."""
    action: str
    runner: str
    status: str
    rejected_by: str
    """The inquiry whose "no" is why it failed."""
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    status: str
    """Of the workflow itself."""
    parts: tuple[Part, ...]
    """In the order in which they were requested."""
