"""What people ask of a whole workflow: pause, resume, cancel."""

from engine.workflows.holding import hold_items
from engine.workflows.run import Run
from engine.workflows.statuses import after_request

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
        hold_items(state, wanted)
    status = after_request(state.status, wanted, is_active=state.census.active > 0)
    run.set_status(status, is_pause_wanted=wanted == "paused" and status in ("pausing", "paused"))


def _has_nothing_left(run: Run) -> bool:
    """A pause came after the last task had started, and all of them have ended."""
    census = run.state.census
    waits = census.active or census.paused or census.pending
    return run.state.status == "paused" and not waits and not run.has_ready
