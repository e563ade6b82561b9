"""`x-items`: what a failed item means for the others, and how often it is tried again."""

from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import ABENDED, COMPLETED, Others


def is_tried_again(run: Run, entry: Entry, item: int, status: str) -> bool:
    items = entry.items
    if items is None or status not in ABENDED or entry.status != "running":
        return False
    return items.tries.get(item, 0) < items.retry_count and run.may_retry


def decided(run: Run, entry: Entry, item: str, others: Others, otherwise: str) -> str:
    """The task's status after an item is in the status `item`; `otherwise`: by StackStorm's rule."""
    word = run.plan.tasks[entry.task].extensions.item_failure
    if word == "fast" and item in ABENDED and otherwise not in COMPLETED:
        run.stop(entry, "canceled")
        return "failed"
    has_rest = others.unset > 0 and not others.active and not others.paused
    if word == "all" and has_rest and item in COMPLETED and otherwise == "failed":
        # While it pauses the rest waits until the workflow goes on.
        return "running" if entry.status == "running" else "paused"
    return otherwise
