"""Calls that a task still has to make after it has started: a question after a failure, the action
after its approval."""

from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows import approvals, questions
from engine.workflows.calls import ActionCall, Purpose
from engine.workflows.ending import finish, moved
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import STARTING


def owed_calls(run: Run) -> list[ActionCall]:
    """What is owed can be made now, as tasks can start."""
    state = run.state
    if not state.owed or state.phase == "cut":
        return []
    entries = [state.sequence[number] for number in state.owed]
    if state.status not in STARTING:
        entries = [
            entry for entry in entries if entry.is_on_fail and (state.status == "failed" or state.phase)
        ]
    calls = []
    for entry in entries:
        purpose = state.owed[entry.number]
        state.apply("owe", entry.number, None)
        try:
            calls.append(run_call(run, entry) if purpose == "run" else ask_call(run, entry, purpose))
        except ExpressionFailure as failure:
            run.log(failure.message, task_id=entry.task, route=entry.route)
            run.is_at_fault()
            finish(run, entry, "failed", is_decided=True)
        else:
            moved(run, entry, "running")
    return calls


def ask_call(run: Run, entry: Entry, purpose: str) -> ActionCall:
    """Raises ExpressionFailure."""
    if purpose == "approve":
        return _call(
            run, entry, purpose="approve", action=approvals.ASK, given=approvals.question_of(run, entry)
        )
    return _call(run, entry, purpose="ask", action=approvals.ASK, given=questions.question_of(run, entry))


def run_call(run: Run, entry: Entry) -> ActionCall:
    """The action as it was prepared."""
    prepared = entry.prepared.value if entry.prepared is not None else {}
    if prepared["timeout_s"] is not None:
        run.state.apply("deadline", entry.number, run.now_ms() + prepared["timeout_s"] * 1000)
    return _call(run, entry, purpose="run", action=prepared["action"], given=prepared["input"])


def _call(run: Run, entry: Entry, *, purpose: Purpose, action: str, given: dict[str, Any]) -> ActionCall:
    execution_id = run.host.new_id()
    run.state.apply("call", entry.number, None, execution_id, purpose)
    return ActionCall(
        execution_id=execution_id,
        task_execution_id=entry.task_execution_id,
        task=entry.task,
        route=entry.route,
        entry=entry.number,
        action=action,
        input=given,
        delay_s=entry.delay_s if purpose == "approve" else 0,
        purpose=purpose,
    )
