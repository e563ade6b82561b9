"""A whole state in writing, so that the operations before it are not needed any more."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from engine.workflows import contexts
from engine.workflows.entries import Call, Entry, Staged
from engine.workflows.items import Items
from engine.workflows.joins import Generation, Join
from engine.workflows.state import State
from engine.workflows.statuses import ACTIVE
from engine.workflows.values import written


def dump(state: State) -> bytes:
    document = {
        "status": [state.status, state.is_pause_wanted],
        "given": state.given,
        "contexts": [_context_row(state, node) for node in state.contexts[1:]],
        "routes": state.routes,
        "sequence": [_entry_row(state, entry) for entry in state.sequence],
        "ready": [_staged_row(staged) for staged in state.ready.values()],
        "joins": [[task, route, _join_row(join)] for (task, route), join in state.joins.items()],
        "calls": [
            [key, call.entry, call.item, call.purpose, call.status] for key, call in state.calls.items()
        ],
        "hungry": list(state.hungry),
        "deadlines": list(state.deadlines.items()),
        "outcome": [state.outcome, state.phase],
        "owed": list(state.owed.items()),
        "undo": [state.to_undo, state.was_undone, state.undoing, state.finished],
        "undone": [
            [entry.number, entry.was_undone, entry.has_undo_failed]
            for entry in state.sequence
            if entry.was_undone or entry.has_undo_failed
        ],
        "errors": state.errors,
        "is_broken": state.is_broken,
        "output": [state.output, state.output_errors],
    }
    return orjson.dumps(document, default=written)


def restore(state: State, snapshot: bytes) -> None:
    """Into an empty state."""
    document: Mapping[str, Any] = orjson.loads(snapshot)
    state.status, state.is_pause_wanted = document["status"]
    if document["given"] is not None:
        state.replay([("begin", document["given"])])
    for parents, published in document["contexts"]:
        _add_context(state, parents, published)
    state.routes = [tuple(marks) for marks in document["routes"]]
    for row in document["sequence"]:
        _add_entry(state, row)
    for row in document["ready"]:
        _add_ready(state, row)
    for task, route, row in document["joins"]:
        state.joins[task, route] = _join_from(row)
    for key, entry, item, purpose, status in document["calls"]:
        state.calls[key] = Call(entry, item, purpose, status)
        state.working += status in ACTIVE
    state.hungry = dict.fromkeys(document["hungry"])
    state.replay([("deadline", number, at_ms) for number, at_ms in document["deadlines"]])
    state.outcome, state.phase = document["outcome"]
    state.owed = dict(document["owed"])
    units, was_undone, state.undoing, state.finished = document["undo"]
    if was_undone:
        state.replay([("undo", units)])
    # Snapshots of the first days have no such member.
    for number, was_undone, has_failed in document.get("undone", ()):
        state.sequence[number].was_undone = was_undone
        state.sequence[number].has_undo_failed = has_failed
    state.replay([("error", error) for error in document["errors"]])
    state.is_broken = document.get("is_broken", False)
    state.replay([("output", *document["output"])])


def _context_row(state: State, node: contexts.Context) -> list[Any]:
    return [[parent.number for parent in node.parents], state.values.seal_all(node.published)]


def _add_context(state: State, parents: Sequence[int], published: Mapping[str, Any]) -> None:
    number = len(state.contexts)
    nodes = [state.contexts[parent] for parent in parents]
    if len(nodes) > 1:
        state.contexts.append(contexts.merge(number, nodes))
        return
    values = {name: state.values.unseal(value).value for name, value in published.items()}
    state.contexts.append(contexts.publish(number, nodes[0], values))


def _entry_row(state: State, entry: Entry) -> list[Any]:
    return [
        [entry.task, entry.route, entry.context.number, entry.previous],
        [entry.task_execution_id, entry.generation, entry.status, entry.counted_as],
        [entry.started_ms, entry.ended_ms, entry.execution_id, entry.delay_s],
        [entry.retries, entry.retry_delay_s, entry.tally],
        [entry.went_on, entry.is_terminal, entry.is_on_fail, entry.is_final, entry.is_timed_out],
        [left.number for left in entry.left],
        [[task, route, generation] for (task, route), generation in entry.passed.items()],
        _items_row(state, entry.items),
        [entry.prepared, entry.approved, entry.edited],
    ]


def _add_entry(state: State, row: Sequence[Any]) -> None:
    where, identity, times, retry, marks, left, passed, items, people = row
    task, route, context, previous = where
    entry = Entry(len(state.sequence), task, route, state.contexts[context], tuple(previous))
    entry.task_execution_id, entry.generation, entry.status, entry.counted_as = identity
    entry.started_ms, entry.ended_ms, entry.execution_id, entry.delay_s = times
    entry.retries, entry.retry_delay_s, entry.tally = retry
    entry.went_on, entry.is_terminal, entry.is_on_fail, entry.is_final, entry.is_timed_out = marks
    entry.left = [state.contexts[number] for number in left]
    entry.passed = {(task, route): generation for task, route, generation in passed}
    entry.items = _items_from(state, items)
    prepared, entry.approved, edited = people
    entry.prepared = None if prepared is None else state.values.unseal(prepared)
    entry.edited = None if edited is None else state.values.unseal(edited)
    state.sequence.append(entry)
    state.last[task, route] = entry.number
    state.census.count(entry.counted_as, 1)


def _items_row(state: State, items: Items | None) -> list[Any] | None:
    if items is None:
        return None
    return [
        state.values.seal(items.values),
        [items.concurrency, items.retry_count, items.retry_delay_s],
        [items.statuses, items.executions, list(items.tries.items())],
    ]


def _items_from(state: State, row: Sequence[Any] | None) -> Items | None:
    if row is None:
        return None
    values, (concurrency, retry_count, retry_delay_s), (statuses, executions, tries) = row
    return Items(
        state.values.unseal(values).value,
        concurrency,
        retry_count=retry_count,
        retry_delay_s=retry_delay_s,
        statuses=statuses,
        executions=executions,
        tries=dict(tries),
    )


def _staged_row(staged: Staged) -> list[Any]:
    return [
        [staged.task, staged.route, staged.slot],
        [staged.contexts, staged.previous, staged.generation],
        [staged.entry, staged.delay_s, staged.is_on_fail],
    ]


def _add_ready(state: State, row: Sequence[Any]) -> None:
    (task, route, slot), (numbers, previous, generation), (entry, delay_s, is_on_fail) = row
    staged = Staged(task, route, slot, numbers, previous, generation, entry, delay_s, is_on_fail)
    state.ready[task, route, slot] = staged
    if is_on_fail:
        state.cleanup[task, route, slot] = staged


def _join_row(join: Join) -> list[Any]:
    open_ones = [
        [number, one.sources, one.contexts, one.is_due, one.is_on_fail] for number, one in join.open.items()
    ]
    return [join.fired, join.next_of, join.last, open_ones]


def _join_from(row: Sequence[Any]) -> Join:
    fired, next_of, last, open_ones = row
    generations = {
        number: Generation(sources, numbers, is_due, is_on_fail)
        for number, sources, numbers, is_due, is_on_fail in open_ones
    }
    return Join(fired, next_of, generations, last)
