"""What people ask of a whole workflow: pause, resume, cancel."""

from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import ACTIVE, after_request

# What a wish makes of a workflow when it is granted.
STATUS_OF = {"pause": "paused", "resume": "resuming", "cancel": "canceled"}


def ask(run: Run, wish: str) -> None:
    """`wish`: pause, resume or cancel. Raises IllegalTransition, and has then changed nothing."""
    state = run.state
    wanted = STATUS_OF[wish]
    after_request(state.status, wanted, is_active=state.census.active > 0)
    if wanted == "resuming" and _has_nothing_left(run):
        run.set_status("succeeded")
        return
    if wanted != "resuming":
        _tell_tasks_with_items(run, wanted)
    status = after_request(state.status, wanted, is_active=state.census.active > 0)
    run.set_status(status, is_pause_wanted=wanted == "paused" and status in ("pausing", "paused"))


def _has_nothing_left(run: Run) -> bool:
    """A pause came after the last task had started, and all of them have ended."""
    census = run.state.census
    waits = census.active or census.paused or census.pending
    return run.state.status == "paused" and not waits and not run.has_ready


def _tell_tasks_with_items(run: Run, wanted: str) -> None:
    """Items that have not started are held back, so their task pauses or is cancelled too."""
    state = run.state
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
