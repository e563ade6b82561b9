"""The state of one workflow: tables that change only by small operations.

`apply` is the only way to change it. The operations since the last time are the delta that the host
stores; applied again to what was there before, they give the identical state. Nothing here decides
anything: what is to happen is decided in the files beside, from this state alone.

    begin     values                                  the variables that tasks start with
    status    word, is_wanted                         of the workflow
    publish   context, values                         a new context on top of that one
    merge     staged                                  a new context where the branches to it meet
    route     marks                                   a new route
    stage     task, route, context, entry, on_fail    a task is to be started
    arrive    join, context, entry, is_due, on_fail   a branch has reached a join's generation
    begun     staged, context, id, at, delay          a staged task becomes an entry of the sequence
    command   task, route, context, entry             an engine command does
    retries   entry, count, delay                     how often it may be retried
    items     entry, list, limits                     its items, none of them started
    item      entry, item                             it is to be started again
    call      entry, item, execution, purpose         an action is requested
    turn      execution, status                       a requested action is in this status
    task      entry, status, at                       a task is in this status
    again     entry, delay, keeps_items               it is to be started again; items that succeeded need not
    mark      entry, what, is_so                      went_on, is_terminal or is_on_fail
    leave     entry, context                          variables of a branch that ended here
    stay      entry                                   such a branch is run again
    error     value                                   an entry of the workflow's errors
    forgive   task                                    its errors are taken back
    broken    is_so                                   an expression of the workflow itself failed
    rerun     entry, whole                            a new entry that repeats this one is staged
    output    value, errors
    deadline  entry or -1, at                         it is out of time then; null: no more
    outcome   status, phase                           it has ended so, and something runs after its end
    undo      entries and items                       what is still to be undone
    owe       entry, purpose                          it has a call to make; null: no more
    prepare   entry, value                            what is to be approved
    approved  entry, digest                           of what was approved
    edit      entry, value                            parameters that somebody changed
    gather    contexts                                a new context where these meet

Times are milliseconds since 1970.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from engine.workflows import contexts
from engine.workflows.compile import Plan
from engine.workflows.entries import Call, Staged
from engine.workflows.items import Items
from engine.workflows.joins import Generation, Join
from engine.workflows.statuses import ACTIVE, COMPLETED
from engine.workflows.tables import Tables, key_of
from engine.workflows.values import written

Op = tuple[Any, ...]


class State(Tables):
    def __init__(self, plan: Plan, host_context: Mapping[str, Any], stored: Callable[[str], bytes]) -> None:
        super().__init__(plan, host_context, stored)
        self.ops: list[Op] = []
        """Not yet given to the host."""

    def apply(self, *op: Any) -> None:
        self.ops.append(op)
        _DOES[op[0]](self, *op[1:])

    def replay(self, ops: Sequence[Sequence[Any]]) -> None:
        """Operations read from the record, already stored."""
        for op in ops:
            _DOES[op[0]](self, *op[1:])

    def taken(self) -> bytes:
        """The operations since the last call; empty when nothing has changed."""
        ops, self.ops = self.ops, []
        return orjson.dumps(ops, default=written) if ops else b""

    def _begin(self, given: Mapping[str, Any]) -> None:
        self.given = given
        values = dict(self._host_context)
        for name, value in given.items():
            values[name] = contexts.merged(values.get(name), self._open(value).value)
        self.contexts.append(contexts.root(values))
        self.routes.append(())

    def _deadline(self, number: int, at_ms: int | None) -> None:
        if at_ms is None:
            self.deadlines.pop(number, None)
        else:
            self.deadlines[number] = at_ms
            heapq.heappush(self._next_deadlines, (at_ms, number))

    def _outcome(self, status: str, phase: str) -> None:
        self.outcome = status
        self.phase = phase

    def _owe(self, number: int, purpose: str | None) -> None:
        if purpose is None:
            self.owed.pop(number, None)
        else:
            self.owed[number] = purpose

    def _prepare(self, number: int, prepared: Any) -> None:
        self.sequence[number].prepared = self._open(prepared)

    def _approved(self, number: int, digest: str) -> None:
        self.sequence[number].approved = digest

    def _edit(self, number: int, parameters: Any) -> None:
        self.sequence[number].edited = self._open(parameters)

    def _undo(self, units: Sequence[Sequence[Any]]) -> None:
        self.to_undo = [(number, item) for number, item in units]
        self.was_undone = True

    def _gather(self, numbers: Sequence[int]) -> None:
        branches = [self.contexts[number] for number in numbers]
        self.contexts.append(contexts.merge(len(self.contexts), branches))

    def _item(self, number: int, item: int) -> None:
        entry = self.sequence[number]
        if entry.items is not None:
            entry.items.again(item)
            self._feed(entry)

    def _status(self, status: str, is_pause_wanted: bool) -> None:
        self.status = status
        self.is_pause_wanted = is_pause_wanted

    def _publish(self, parent: int, values: Mapping[str, Any]) -> None:
        published = {name: self._open(value).value for name, value in values.items()}
        self.contexts.append(contexts.publish(len(self.contexts), self.contexts[parent], published))

    def _merge(self, key: Sequence[Any]) -> None:
        task, route, slot = key
        staged = self.ready[task, route, slot]
        branches = [self.contexts[number] for number in staged.contexts]
        self.contexts.append(contexts.merge(len(self.contexts), branches))
        staged.contexts = [len(self.contexts) - 1]

    def _route(self, marks: Sequence[str]) -> None:
        self.routes.append(tuple(marks))

    def _stage(self, task: str, route: int, context: int, entry: int | None, is_on_fail: bool) -> None:
        staged = self.ready.get((task, route, 0))
        if staged is None:
            staged = Staged(task=task, route=route, slot=0)
            self._put_ready(staged)
        staged.contexts.append(context)
        if entry is not None:
            staged.previous.append(entry)
        if is_on_fail:
            self._clean_up(staged)

    def _arrive(
        self, key: Sequence[Any], context: int | None, entry: int, is_due: bool, is_on_fail: bool
    ) -> None:
        task, route, number = key
        join = self.joins.setdefault((task, route), Join())
        source = self.sequence[entry].task
        join.last[source] = entry
        join.next_of[source] = number + 1
        if number < join.fired:
            staged = self.ready.get((task, route, number))
            if staged is not None and context is not None and entry in staged.previous:
                staged.contexts.append(context)
            return
        generation = join.open.setdefault(number, Generation())
        generation.sources[source] = entry
        if context is not None:
            generation.contexts.append(context)
        generation.is_due = generation.is_due or is_due
        generation.is_on_fail = generation.is_on_fail or is_on_fail
        needed = self.plan.tasks[task].needed or 1
        if len(generation.sources) < needed or not generation.contexts:
            return
        del join.open[number]
        join.fired = number + 1
        staged = Staged(
            task=task,
            route=route,
            slot=number,
            contexts=generation.contexts,
            previous=list(generation.sources.values()),
            generation=number,
        )
        self._put_ready(staged)
        if generation.is_on_fail:
            self._clean_up(staged)

    def _begun(self, key: Sequence[Any], context: int, id: str, at_ms: int, delay_s: int) -> None:
        task, route, slot = key
        staged = self.ready.pop((task, route, slot))
        self.cleanup.pop((task, route, slot), None)
        if staged.entry is None:
            entry = self._add_entry(task, route, context, staged.previous, staged.generation)
        else:
            entry = self.sequence[staged.entry]
        entry.is_on_fail = staged.is_on_fail
        entry.is_final = self.phase == "final"
        entry.task_execution_id = id
        entry.started_ms = at_ms
        entry.ended_ms = None
        entry.delay_s = delay_s
        self._count(entry, "running")
        self._feed(entry)

    def _command(self, task: str, route: int, context: int, previous: int) -> None:
        self._add_entry(task, route, context, (previous,), None)

    def _retries(self, number: int, count: int, delay_s: int) -> None:
        entry = self.sequence[number]
        entry.retries = count
        entry.retry_delay_s = delay_s

    def _items(self, number: int, values: Any, limits: Sequence[Any]) -> None:
        entry = self.sequence[number]
        entry.items = Items(self._open(values).value, *limits)
        self._feed(entry)

    def _call(self, number: int, item: int | None, execution_id: str, purpose: Any) -> None:
        entry = self.sequence[number]
        self.calls[execution_id] = Call(number, item, purpose)
        self.working += 1
        if purpose == "undo":
            self.undoing = execution_id
        elif purpose == "ask":
            # What failed stays what `result()` gives.
            return
        elif item is not None and entry.items is not None:
            entry.items.put(item, "running")
            entry.items.executions[item] = execution_id
            self._feed(entry)
        else:
            entry.execution_id = execution_id

    def _turn(self, execution_id: str, status: str) -> None:
        call = self.calls[execution_id]
        self.working += (status in ACTIVE) - (call.status in ACTIVE)
        call.status = status
        if status in COMPLETED:
            del self.calls[execution_id]
        if self.undoing == execution_id and status in COMPLETED:
            self.undoing = None
        entry = self.sequence[call.entry]
        if call.purpose == "run" and call.item is not None and entry.items is not None:
            entry.items.put(call.item, status)
            self._feed(entry)

    def _task(self, number: int, status: str, at_ms: int | None) -> None:
        entry = self.sequence[number]
        entry.ended_ms = at_ms
        self._count(entry, status)
        self._feed(entry)
        if status in COMPLETED and self.plan.extensions.undoes:
            self.finished.append(number)

    def _again(self, number: int, delay_s: int, keeps_items: bool) -> None:
        entry = self.sequence[number]
        entry.tally += 1
        entry.is_timed_out = False
        entry.items = entry.items.for_rerun(whole=False) if keeps_items and entry.items else None
        entry.ended_ms = None
        self._count(entry, "retrying")
        self._put_ready(
            Staged(
                task=entry.task,
                route=entry.route,
                slot=-1 - number,
                contexts=[entry.context.number],
                entry=number,
                delay_s=delay_s,
            )
        )
        if entry.is_on_fail:
            self._clean_up(self.ready[entry.task, entry.route, -1 - number])

    def _mark(self, number: int, what: str, is_so: bool) -> None:
        setattr(self.sequence[number], what, is_so)

    def _leave(self, number: int, context: int) -> None:
        self.sequence[number].left.append(self.contexts[context])

    def _stay(self, number: int) -> None:
        self.sequence[number].left = []

    def _error(self, error: Any) -> None:
        sealed = self._open(error)
        self.errors.append(sealed)
        self._error_texts.add(key_of(sealed))

    def _forgive(self, task: str) -> None:
        self.errors = [error for error in self.errors if error.value.get("task_id") != task]
        self._error_texts = {key_of(error) for error in self.errors}

    def _broken(self, is_so: bool) -> None:
        self.is_broken = is_so

    def _rerun(self, number: int, whole: bool) -> None:
        before = self.sequence[number]
        entry = self._add_entry(
            before.task, before.route, before.context.number, before.previous, before.generation
        )
        if before.items is not None:
            entry.items = before.items.for_rerun(whole=whole)
        self._put_ready(
            Staged(
                task=entry.task,
                route=entry.route,
                slot=-1 - entry.number,
                contexts=[entry.context.number],
                entry=entry.number,
            )
        )

    def _output(self, output: Any, errors: Sequence[Any]) -> None:
        self.output = None if output is None else self._open(output)
        self.output_errors = [self._open(error) for error in errors]


_DOES: dict[str, Callable[..., None]] = {
    "begin": State._begin,
    "status": State._status,
    "publish": State._publish,
    "merge": State._merge,
    "route": State._route,
    "stage": State._stage,
    "arrive": State._arrive,
    "begun": State._begun,
    "command": State._command,
    "retries": State._retries,
    "items": State._items,
    "call": State._call,
    "turn": State._turn,
    "task": State._task,
    "again": State._again,
    "mark": State._mark,
    "leave": State._leave,
    "stay": State._stay,
    "error": State._error,
    "forgive": State._forgive,
    "broken": State._broken,
    "rerun": State._rerun,
    "output": State._output,
    "deadline": State._deadline,
    "outcome": State._outcome,
    "gather": State._gather,
    "owe": State._owe,
    "prepare": State._prepare,
    "approved": State._approved,
    "edit": State._edit,
    "undo": State._undo,
    "item": State._item,
}
