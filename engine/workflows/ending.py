"""What follows when an action of a task changes: the task's status, its retry, its transitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows.compile import EdgePlan, TaskPlan
from engine.workflows.contexts import Context
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.scopes import RunScope
from engine.workflows.statuses import ABENDED, COMPLETED

FAILED = "Execution failed. See result for details."


@dataclass(frozen=True, slots=True)
class _Taken:
    """An edge whose condition holds, with the variables behind it."""

    edge: EdgePlan
    context: Context | None
    """None: publishing failed; nothing follows, but a join has been reached."""


def moved(run: Run, entry: Entry, status: str) -> None:
    """The task is in this status; also called when it has not changed but something about it has."""
    if status in COMPLETED:
        if entry.status not in COMPLETED:
            finish(run, entry, status)
        return
    if status != entry.status:
        run.state.apply("task", entry.number, status, None)
    run.happened("pending" if entry.counted_as == "pending" else status)


def finish(run: Run, entry: Entry, status: str, *, is_decided: bool = False) -> None:
    """The task has ended: it is retried, people are asked, or its transitions are taken.

    `is_decided`: people have said how it ends.
    """
    state = run.state
    plan = run.plan.tasks[entry.task]
    executions = run.executions_of(entry)
    state.apply("task", entry.number, status, run.now_ms())
    if entry.number in state.deadlines:
        state.apply("deadline", entry.number, None)
    try:
        is_retried = run.may_retry and not is_decided and _wants_retry(run, plan, entry)
    except ExpressionFailure as failure:
        run.log(failure.message, task_id=entry.task, route=entry.route)
        run.fail()
        return
    if is_retried:
        run.results.release(executions)
        state.apply("again", entry.number, entry.retry_delay_s, False)
        run.happened("retrying")
        if state.status in COMPLETED:
            state.apply("mark", entry.number, "is_terminal", True)
        return
    if status in ABENDED and plan.extensions.ask is not None and run.may_retry and not is_decided:
        owe(run, entry, "ask")
        return
    taken = _taken(run, plan, entry)
    commands = _stage(run, entry, taken)
    is_handled = status in ABENDED and any(one.edge.target != "continue" for one in taken)
    what = "handled" if is_handled else "failed" if status in ABENDED else status
    run.happened(what, has_more=bool(commands))
    for command, route, context in commands:
        obey(run, entry.number, command, route, context)
    if state.status in COMPLETED or not (plan.edges or plan.else_edges):
        state.apply("mark", entry.number, "is_terminal", True)
    elif not taken:
        state.apply("leave", entry.number, entry.context.number)
    run.results.release(executions)


def owe(run: Run, entry: Entry, purpose: str) -> None:
    """The task goes on with a call that is made as soon as tasks can start; until then it waits."""
    run.state.apply("task", entry.number, "pending", None)
    run.state.apply("owe", entry.number, purpose)
    run.happened("pending")


def _wants_retry(run: Run, plan: TaskPlan, entry: Entry) -> bool:
    """Raises ExpressionFailure."""
    if plan.retry is None or entry.retries is None or entry.tally >= entry.retries:
        return False
    if plan.retry.when is None:
        return entry.status in ABENDED
    scope = RunScope(run, entry.context, task=entry.task, route=entry.route, entry=entry)
    return bool(plan.retry.when.evaluate(scope))


def _taken(run: Run, plan: TaskPlan, entry: Entry) -> list[_Taken]:
    """The edges whose condition holds, by target name: StackStorm's order.

    A transition is evaluated once; what fails is logged for each of its edges.
    """
    return _holding(run, plan.edges, entry) or _holding(run, plan.else_edges, entry)


def _holding(run: Run, edges: Sequence[EdgePlan], entry: Entry) -> list[_Taken]:
    taken: list[_Taken] = []
    asked: dict[int, tuple[bool, list[str]]] = {}
    published: dict[int, tuple[Context | None, list[str]]] = {}
    for edge in edges:
        number = edge.transition
        if number not in asked:
            asked[number] = _holds(run, edge, entry)
        holds, failures = asked[number]
        if holds:
            if number not in published:
                published[number] = _published(run, edge, entry)
            context, failures = published[number]
            taken.append(_Taken(edge, context))
        for failure in failures:
            run.log(failure, task_id=entry.task, route=entry.route, task_transition_id=edge.id)
        if failures:
            run.fail(task_id=entry.task, route=entry.route)
    return taken


def _holds(run: Run, edge: EdgePlan, entry: Entry) -> tuple[bool, list[str]]:
    """Whether the transition is taken, and what failed."""
    if edge.when is None:
        return True, []
    scope = RunScope(run, entry.context, task=entry.task, route=entry.route, entry=entry)
    try:
        return bool(edge.when.evaluate(scope)), []
    except ExpressionFailure as failure:
        return False, [failure.message]


def _published(run: Run, edge: EdgePlan, entry: Entry) -> tuple[Context | None, list[str]]:
    """The variables behind a transition, and all that failed."""
    if not edge.publish:
        return entry.context, []
    failures = []
    rolling: dict[str, Any] = {}
    scope = RunScope(run, entry.context, task=entry.task, route=entry.route, entry=entry, rolling=rolling)
    sealed = {}
    for name, value in edge.publish:
        try:
            sealed[name] = run.state.values.seal(value.evaluate(scope))
        except ExpressionFailure as failure:
            failures.append(failure.message)
        else:
            rolling[name] = sealed[name].value
    if failures:
        return None, failures
    run.state.apply("publish", entry.context.number, sealed)
    return run.state.contexts[-1], []


def _stage(run: Run, entry: Entry, taken: list[_Taken]) -> list[tuple[str, int, int]]:
    """Stages what follows; returns the engine commands (name, route, context) to be obeyed after it.

    With the command `fail` among them the others are clean-up: they run, and what follows them,
    although the workflow has failed.
    """
    state = run.state
    commands: list[tuple[str, int, int]] = []
    is_on_fail = entry.is_on_fail or any(one.edge.target == "fail" for one in taken)
    if taken:
        state.apply("mark", entry.number, "went_on", True)
    for one in taken:
        plan = run.plan.tasks[one.edge.target]
        if plan.needed is not None:
            _arrive(run, plan, entry.route, one.context, entry, is_on_fail=is_on_fail)
            continue
        if one.context is None:
            continue
        route = _route_behind(run, one.edge, plan, entry.route)
        if plan.is_command:
            commands.append((plan.name, route, one.context.number))
        else:
            state.apply("stage", plan.name, route, one.context.number, entry.number, is_on_fail)
    return commands


def _arrive(
    run: Run, plan: TaskPlan, route: int, context: Context | None, entry: Entry, *, is_on_fail: bool
) -> None:
    state = run.state
    passed = entry.passed.get((plan.name, route), 0)
    join = state.joins.get((plan.name, route))
    generation = passed if join is None else join.generation_for(entry.task, entry.number, passed)
    key = (plan.name, route, generation)
    number = None if context is None else context.number
    state.apply("arrive", key, number, entry.number, generation <= passed, is_on_fail)
    is_late = join is not None and generation < join.fired and key not in state.ready
    if is_late and context is not None:
        # The join went on without it. What this branch knows is still part of the output.
        state.apply("leave", entry.number, context.number)


def _route_behind(run: Run, edge: EdgePlan, plan: TaskPlan, route: int) -> int:
    if not plan.is_fork:
        return route
    marks = run.state.routes[route]
    if edge.mark in marks:
        return route
    run.state.apply("route", [*marks, edge.mark])
    return len(run.state.routes) - 1


def obey(run: Run, previous: int, command: str, route: int, context: int) -> None:
    """An engine command stands in the sequence like a task that ended at once."""
    state = run.state
    state.apply("command", command, route, context, previous)
    entry = state.sequence[-1]
    status = "failed" if command == "fail" else "succeeded"
    if status == "failed":
        run.log(FAILED, task_id=command)
    state.apply("task", entry.number, status, run.now_ms())
    state.apply("mark", entry.number, "is_terminal", True)
    run.happened(status)
