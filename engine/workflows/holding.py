"""Items that have not started are held back in a workflow that pauses or is cancelled.

Their task pauses or is cancelled too, at once or when the items that run have ended.
"""

from engine.workflows.entries import Entry
from engine.workflows.state import State
from engine.workflows.statuses import ACTIVE


def hold_items(state: State, wanted: str) -> None:
    """`wanted`: paused or canceled."""
    holding = [
        state.sequence[number] for number in dict.fromkeys(call.entry for call in state.calls.values())
    ]
    started = {entry.number for entry in holding}
    holding += [state.sequence[number] for number in state.hungry if number not in started]
    for entry in holding:
        status = _held(entry, wanted)
        if status is not None:
            state.apply("task", entry.number, status, None)


def _held(entry: Entry, wanted: str) -> str | None:
    items = entry.items
    if items is None or items.done == items.total:
        return None
    if wanted == "paused" and entry.status == "running":
        return "pausing" if items.active else "paused"
    if wanted == "canceled" and entry.status in ACTIVE and entry.status != "canceling":
        return "canceling" if items.active else "canceled"
    return None
