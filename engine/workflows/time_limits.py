"""`x-timeout` of tasks and of the whole workflow: what happens when the time is over."""

from engine.workflows.ending import finish
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import ACTIVE, COMPLETED
from engine.workflows.tables import WORKFLOW


def limit_workflow(run: Run, timeout_s: int) -> None:
    """From now on it has so long."""
    run.state.apply("deadline", WORKFLOW, run.now_ms() + timeout_s * 1000)


def time_came(run: Run) -> None:
    """Ends everything whose time is over."""
    now_ms = run.now_ms()
    while (due := run.state.next_deadline) is not None and due[0] <= now_ms:
        run.state.apply("deadline", due[1], None)
        if due[1] == WORKFLOW:
            _workflow_is_late(run)
        else:
            _task_is_late(run, run.state.sequence[due[1]])


def _task_is_late(run: Run, entry: Entry) -> None:
    if entry.status in COMPLETED:
        return
    run.stop(entry, "timeout")
    run.state.apply("mark", entry.number, "is_timed_out", True)
    run.log("Execution timed out. See result for details.", task_id=entry.task)
    finish(run, entry, "failed")


def _workflow_is_late(run: Run) -> None:
    state = run.state
    if state.status in COMPLETED:
        return
    run.log("TimeoutError: The workflow is out of time.")
    for entry in state.sequence:
        if entry.status in ACTIVE or entry.status in ("pending", "paused", "retrying"):
            run.stop(entry, "timeout")
            state.apply("task", entry.number, "canceled", run.now_ms())
            state.apply("mark", entry.number, "is_terminal", True)
    run.set_status("timeout")
