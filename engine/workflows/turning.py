"""What a change of a requested action means, by what it was requested for."""

from collections.abc import Callable
from typing import Any

from engine.workflows import approvals, item_failures, questions, undoing
from engine.workflows.ending import FAILED, moved
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import COMPLETED, after_action, after_item

_MESSAGES = {
    "failed": FAILED,
    "timeout": "Execution timed out. See result for details.",
    "abandoned": "Execution was abandoned. See result for details.",
}


_OTHERS: dict[str, Callable[[Run, Entry, str, Any], None]] = {
    "approve": approvals.answered,
    "ask": questions.answered,
    "undo": undoing.undone,
}


def turned(run: Run, execution_id: str, status: str, result: Any) -> None:
    """A requested action is in this status now."""
    state = run.state
    call = state.calls[execution_id]
    entry = state.sequence[call.entry]
    if call.purpose != "run":
        state.apply("turn", execution_id, status)
        if status in COMPLETED:
            run.results.hold(execution_id, result)
        _OTHERS[call.purpose](run, entry, status, result)
        return
    others = entry.items.others(call.item) if entry.items is not None and call.item is not None else None
    state.apply("turn", execution_id, status)
    if status in COMPLETED:
        run.results.hold(execution_id, result)
    if status in _MESSAGES:
        run.log(_MESSAGES[status], task_id=entry.task, result=result)
    if status == "timeout":
        state.apply("mark", entry.number, "is_timed_out", True)
    before = entry.status
    if others is None or call.item is None:
        moved(run, entry, after_action(before, status))
    elif item_failures.is_tried_again(run, entry, call.item, status):
        state.apply("item", entry.number, call.item)
        moved(run, entry, before)
    else:
        after = after_item(before, status, others)
        moved(run, entry, item_failures.decided(run, entry, status, others, after))
