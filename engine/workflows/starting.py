"""Starts what is staged: renders all of it, makes entries of the sequence, and says what to request.

It is all or nothing: when something staged does not render, every failure is logged, the workflow
fails and nothing of that round is started. Items of a running task are rendered when they start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows.approvals import must_ask
from engine.workflows.calls import ActionCall
from engine.workflows.compile import TaskPlan
from engine.workflows.contexts import Context
from engine.workflows.ending import finish, moved, owe
from engine.workflows.entries import Entry, Staged
from engine.workflows.items import Items, named
from engine.workflows.run import Run
from engine.workflows.scopes import RunScope
from engine.workflows.statuses import STARTING

# Tasks without actions that end in one go: more is a loop that never waits for anything.
_MOST_AT_ONCE = 10_000


@dataclass(slots=True, kw_only=True)
class Start:
    """A task that is started, or goes on with its items: what was rendered for it."""

    plan: TaskPlan
    route: int
    context: Context
    staged: Staged | None = None
    entry: Entry | None = None
    """Of a task that goes on, or runs again."""
    items: Items | None = None
    delay_s: int | None = None
    timeout_s: int | None = None
    """For this attempt, without the delay."""
    retries: tuple[int, int] | None = None
    """How many, and the seconds before each."""
    actions: list[tuple[int | None, Any, Any]] = field(default_factory=list)
    """(item, action, input), as rendered."""


Watch = Callable[[Start], None]


def start_ready(run: Run, watch: Watch | None = None) -> list[ActionCall]:
    """Until nothing new comes: tasks without actions or items end at once, and others follow."""
    calls: list[ActionCall] = []
    ended = 0
    while found := _startable(run):
        if ended > _MOST_AT_ONCE:
            run.log(
                "WorkflowLoopError: Tasks without an action follow each other in a loop that never waits."
            )
            run.fail()
            return calls
        starts = _rendered(run, found)
        if starts is None:
            run.fail()
            return calls
        for start in starts:
            if watch is not None:
                watch(start)
            _enter(run, start)
        for start in starts:
            if start.actions and _is_to_be_approved(run, start):
                continue
            if start.actions:
                calls.extend(_call(run, start))
            elif start.staged is not None and start.entry is not None:
                finish(run, start.entry, "succeeded")
                ended += 1
    return calls


def _startable(run: Run) -> list[Staged | Entry]:
    """In the order in which they are requested: by task, then by route."""
    state = run.state
    found: list[Staged | Entry]
    if state.phase == "cut":
        return []
    if state.status in STARTING:
        found = [*state.ready.values(), *(state.sequence[number] for number in state.hungry)]
    elif state.status == "failed" or state.phase:
        hungry = (state.sequence[number] for number in state.hungry)
        found = [*state.cleanup.values(), *(entry for entry in hungry if entry.is_on_fail)]
    else:
        return []
    return sorted(found, key=lambda one: (one.task, one.route)) if len(found) > 1 else found


def _rendered(run: Run, found: Sequence[Staged | Entry]) -> list[Start] | None:
    """None: something does not render; all that does not was logged."""
    starts: list[Start] | None = []
    for one in found:
        try:
            start = _render_items(run, one) if isinstance(one, Entry) else _render(run, one)
        except ExpressionFailure as failure:
            run.log(failure.message, task_id=one.task, route=one.route)
            starts = None
        else:
            if starts is not None:
                starts.append(start)
    return starts


def _render(run: Run, staged: Staged) -> Start:
    plan = run.plan.tasks[staged.task]
    key = (staged.task, staged.route, staged.slot)
    if len(set(staged.contexts)) > 1:
        run.state.apply("merge", key)
    start = Start(
        plan=plan,
        route=staged.route,
        context=run.state.contexts[staged.contexts[0]],
        staged=staged,
        entry=None if staged.entry is None else run.state.sequence[staged.entry],
    )
    scope = RunScope(run, start.context, task=staged.task, route=staged.route)
    if plan.items is not None and plan.extensions.approve is not None:
        raise ExpressionFailure(f'ValueError: The task "{plan.name}" has items: x-approve is for one action.')
    if plan.items is None:
        _render_action(start, None, scope)
    else:
        start.items = start.entry.items if start.entry is not None else None
        if start.items is None:
            start.items = _list_of(plan, scope)
        _render_slots(run, start, start.items)
    if staged.delay_s is not None:
        start.delay_s = staged.delay_s
    elif plan.delay is not None:
        start.delay_s = _integer(
            plan.delay.evaluate(scope), "TypeError: The value of task delay is not type of integer."
        )
    if plan.extensions.timeout is not None:
        start.timeout_s = _integer(
            plan.extensions.timeout.evaluate(scope),
            "TypeError: The value of x-timeout is not type of integer.",
        )
    if plan.retry is not None and (start.entry is None or start.entry.retries is None):
        start.retries = _retries_of(plan, scope)
    return start


def _render_items(run: Run, entry: Entry) -> Start:
    """The next items of a task that runs."""
    start = Start(
        plan=run.plan.tasks[entry.task],
        route=entry.route,
        context=entry.context,
        entry=entry,
        items=entry.items,
        delay_s=entry.delay_s or None,
    )
    if entry.items is not None:
        _render_slots(run, start, entry.items)
    return start


def _list_of(plan: TaskPlan, scope: RunScope) -> Items:
    assert plan.items is not None  # noqa: S101
    values = plan.items.expression.evaluate(scope)
    if not isinstance(values, list):
        raise ExpressionFailure(f'TypeError: The value of "{plan.items.text}" is not type of list.')
    concurrency = None
    if plan.items.concurrency is not None:
        concurrency = plan.items.concurrency.evaluate(scope)
        if concurrency is not None:
            concurrency = max(
                1, _integer(concurrency, "TypeError: The value of concurrency is not type of integer.")
            )
    retry = plan.extensions.item_retry
    if retry is None:
        return Items(values, concurrency)
    text = f'ValueError: The item retry {{}} for task "{plan.name}" is not an integer.'
    delay_s = 0 if retry.delay is None else _integer(retry.delay.evaluate(scope), text.format("delay"))
    return Items(values, concurrency, _integer(retry.count.evaluate(scope), text.format("count")), delay_s)


def _render_slots(run: Run, start: Start, items: Items) -> None:
    names = start.plan.items.names if start.plan.items is not None else ()
    item = -1
    for _ in range(items.slots):
        item = items.next_unset(item + 1)
        scope = RunScope(
            run, start.context, task=start.plan.name, route=start.route, item=named(names, items.values[item])
        )
        _render_action(start, item, scope)


def _render_action(start: Start, item: int | None, scope: RunScope) -> None:
    plan = start.plan
    if plan.action is None:
        if item is not None:
            raise ExpressionFailure(f'ValueError: The task "{plan.name}" has items and no action.')
        return
    action = plan.action.evaluate(scope)
    if not isinstance(action, str) or not action:
        raise ExpressionFailure(f'TypeError: The action of task "{plan.name}" is not type of string.')
    given = None if plan.input is None else plan.input.evaluate(scope)
    if start.entry is not None and start.entry.edited is not None and isinstance(given or {}, Mapping):
        given = {**(given or {}), **start.entry.edited.value}
    if given is not None and not isinstance(given, Mapping):
        raise ExpressionFailure(f'TypeError: The input of task "{plan.name}" is not type of dict.')
    start.actions.append((item, action, given))


def _integer(value: Any, otherwise: str) -> int:
    if not isinstance(value, int):
        raise ExpressionFailure(otherwise)
    return int(value)


def _retries_of(plan: TaskPlan, scope: RunScope) -> tuple[int, int]:
    assert plan.retry is not None  # noqa: S101
    text = f'ValueError: The retry {{}} for task "{plan.name}" is not an integer.'
    delay_s = 0
    if plan.retry.delay is not None:
        delay_s = _integer(plan.retry.delay.evaluate(scope), text.format("delay"))
    return _integer(plan.retry.count.evaluate(scope), text.format("count")), delay_s


def _enter(run: Run, start: Start) -> None:
    """The task is running from now on."""
    state = run.state
    staged = start.staged
    if staged is not None:
        key = (staged.task, staged.route, staged.slot)
        state.apply("begun", key, start.context.number, run.host.new_id(), run.now_ms(), start.delay_s or 0)
        entry = start.entry = state.sequence[-1 if staged.entry is None else staged.entry]
        if start.items is not None and entry.items is None:
            items = start.items
            limits = [items.concurrency, items.retry_count, items.retry_delay_s]
            state.apply("items", entry.number, state.values.seal(items.values), limits)
        if start.timeout_s is not None and start.plan.extensions.approve is None:
            at_ms = run.now_ms() + ((start.delay_s or 0) + start.timeout_s) * 1000
            state.apply("deadline", entry.number, at_ms)
        if start.retries is not None:
            state.apply("retries", entry.number, *start.retries)
    if start.entry is not None:
        moved(run, start.entry, "running" if start.entry.status == "paused" else start.entry.status)


def _is_to_be_approved(run: Run, start: Start) -> bool:
    """Keeps what was rendered, and has it asked for if that is needed."""
    entry = start.entry
    if entry is None or start.plan.extensions.approve is None:
        return False
    _, action, given = start.actions[0]
    prepared = {"action": action, "input": given or {}, "timeout_s": start.timeout_s}
    run.state.apply("prepare", entry.number, run.state.values.seal(prepared))
    if not must_ask(run, entry):
        return False
    owe(run, entry, "approve")
    return True


def _call(run: Run, start: Start) -> list[ActionCall]:
    entry = start.entry
    assert entry is not None  # noqa: S101
    calls = []
    for item, action, given in start.actions:
        execution_id = run.host.new_id()
        run.state.apply("call", entry.number, item, execution_id, "run")
        calls.append(
            ActionCall(
                execution_id=execution_id,
                task_execution_id=entry.task_execution_id,
                task=entry.task,
                route=entry.route,
                entry=entry.number,
                item=item,
                action=action,
                input=given or {},
                delay_s=_delay_of(start, item),
            )
        )
    return calls


def _delay_of(start: Start, item: int | None) -> int:
    """With a limited concurrency only the first items wait: those after them wait for those."""
    items = start.items
    if items is not None and item in items.tries:
        return items.retry_delay_s
    concurrency = None if items is None else items.concurrency
    if item is not None and concurrency is not None and item >= concurrency:
        return 0
    return start.delay_s or 0
