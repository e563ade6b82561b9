"""`x-on-failure: undo`: what tasks had done is undone when the workflow has failed or was out of time.

One `x-undo` after the other, the task that ended last first; of a task with items each item that had
succeeded, the last one first. One that fails is logged, and the others go on. What is undone cannot be
run again from the middle.
"""

from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows.calls import ActionCall
from engine.workflows.conducting import UndoState
from engine.workflows.entries import Entry
from engine.workflows.items import named
from engine.workflows.run import Run
from engine.workflows.scopes import RunScope
from engine.workflows.statuses import ABENDED, COMPLETED

Unit = tuple[int, int | None]
"""An entry, and one of its items."""


def begin_undoing(run: Run) -> bool:
    """Lists what is to be undone; False: nothing, or it has been."""
    state = run.state
    if not run.plan.extensions.undoes or state.phase or state.status not in ABENDED:
        return False
    units = _units(run)
    if not units:
        return False
    state.apply("outcome", state.status, "undo")
    state.apply("undo", units)
    return True


def next_undo(run: Run) -> ActionCall | None:
    """The next one; None: one is running, or there are no more."""
    state = run.state
    while state.to_undo and state.undoing is None and state.phase == "undo":
        number, item = state.to_undo[0]
        entry = state.sequence[number]
        state.apply("undo", state.to_undo[1:])
        try:
            return _call(run, entry, item)
        except ExpressionFailure as failure:
            run.log(failure.message, task_id=entry.task, route=entry.route)
            run.is_at_fault()
            state.apply("mark", number, "has_undo_failed", True)
    return None


def undone(run: Run, entry: Entry, status: str, result: Any) -> None:
    if status not in COMPLETED:
        return
    if status != "succeeded":
        run.log("The undo of this task did not succeed.", task_id=entry.task, result=result)
        run.state.apply("mark", entry.number, "has_undo_failed", True)
    elif not entry.has_undo_failed and all(number != entry.number for number, _item in run.state.to_undo):
        run.state.apply("mark", entry.number, "was_undone", True)


def undo_of(run: Run, entry: Entry) -> UndoState:
    """How far it is with this task, for people."""
    if entry.has_undo_failed:
        return "failed"
    if entry.was_undone:
        return "undone"
    call = run.state.calls.get(run.state.undoing or "")
    return "undoing" if call is not None and call.entry == entry.number else ""


def _units(run: Run) -> list[Unit]:
    units: list[Unit] = []
    for number in dict.fromkeys(reversed(run.state.finished)):
        entry = run.state.sequence[number]
        if run.plan.tasks[entry.task].extensions.undo is None:
            continue
        if entry.items is not None:
            done = [item for item, status in enumerate(entry.items.statuses) if status == "succeeded"]
            units.extend((number, item) for item in reversed(done))
        elif entry.status == "succeeded":
            units.append((number, None))
    return units


def _call(run: Run, entry: Entry, item: int | None) -> ActionCall:
    undo = run.plan.tasks[entry.task].extensions.undo
    plan = run.plan.tasks[entry.task].items
    assert undo is not None  # noqa: S101
    scope = RunScope(run, entry.context, task=entry.task, route=entry.route, entry=entry)
    if item is not None and entry.items is not None and plan is not None:
        scope = scope.of_item(named(plan.names, entry.items.values[item]), entry.items.executions[item])
    action = undo.action.evaluate(scope)
    given = {} if undo.input is None else undo.input.evaluate(scope)
    if not isinstance(action, str) or not isinstance(given, dict):
        raise ExpressionFailure(f'TypeError: What undoes task "{entry.task}" is no action with its input.')
    execution_id = run.host.new_id()
    run.state.apply("call", entry.number, item, execution_id, "undo")
    return ActionCall(
        execution_id=execution_id,
        task_execution_id=entry.task_execution_id,
        task=entry.task,
        route=entry.route,
        entry=entry.number,
        item=item,
        action=action,
        input=given,
        purpose="undo",
    )
