"""Workflows as JSON: the runs of their tasks."""

from typing import Any

from engine.clock import isoformat
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
