"""Workflows as JSON: the runs of their tasks, and how far they have come."""

from typing import Any

from engine.clock import isoformat
from engine.records.progress import Part, Progress
from engine.workflows.conducting import TaskView


def task_document(task: TaskView) -> dict[str, Any]:
    return {
        "entry": task.entry,
        "task": task.task,
        "route": task.route,
        "status": task.status,
        "action": task.action,
        "execution_ids": list(task.execution_ids),
        "items_done": task.items_done,
        "items_total": task.items_total,
        "attempt": task.attempt,
        "undo": task.undo,
        "started_at": isoformat(task.started_at) if task.started_at else None,
        "ended_at": isoformat(task.ended_at) if task.ended_at else None,
    }


def progress_document(progress: Progress, *, seen: str) -> dict[str, Any]:
    return {"status": progress.status, "seen": seen, "parts": [_part(part) for part in progress.parts]}


def _part(part: Part) -> dict[str, Any]:
    took = part.ended_at - part.started_at if part.ended_at and part.started_at else None
    return {
        "id": part.id,
        "parent": part.parent_id,
        "task": part.task,
        "item": part.item,
        "action": part.action,
        "runner": part.runner,
        "status": part.status,
        "start_timestamp": isoformat(part.started_at) if part.started_at else None,
        "end_timestamp": isoformat(part.ended_at) if part.ended_at else None,
        "elapsed_seconds": took.total_seconds() if took is not None else None,
    }
