"""An ended workflow as Orquesta stored it, taken over so that it can be run again.

What it holds is a definition, its variables as a list of changes, the tasks that ran and those that
were about to. What actions gave is not in it: `result()` of a task that ran there is null.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from engine.errors import BadContent
from engine.workflows.calls import Host
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.entries import Entry
from engine.workflows.reading import definition_of
from engine.workflows.run import Run
from engine.workflows.statuses import COMPLETED


def conductor_from(stored: Mapping[str, Any], host: Host) -> Conductor:
    """`stored`: `{spec, context, input, state, errors, output}`. Raises BadContent."""
    try:
        spec = stored["spec"]
        written = spec.get("spec", spec)
        digest = hashlib.sha256(orjson.dumps(written, option=orjson.OPT_NON_STR_KEYS)).hexdigest()
        plan = plan_of(definition_of(written, digest=digest))
        run = Run(plan, stored.get("context") or {}, host)
        _Import(run, stored["state"]).take_over()
        for error in stored.get("errors") or ():
            run.state.apply("error", run.state.values.seal(error))
        run.set_status(str(stored["state"]["status"]))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadContent(
            f"`workflow_state` is not what Orquesta stores of a workflow: {error!r}",
            hint="It holds `spec`, `context`, `input`, `state`, `errors` and `output`.",
        ) from error
    if run.state.status in COMPLETED:
        run.state.apply("output", run.state.values.seal(stored.get("output")), [])
    return Conductor(run)


class _Import:
    """One state, from its first context to what was staged at its end."""

    def __init__(self, run: Run, state: Mapping[str, Any]) -> None:
        self._run = run
        self._state = state
        self._contexts: dict[tuple[int, ...], int] = {(): 0}
        """Ours, by the changes that were merged there, one after the other; without the first."""

    def take_over(self) -> None:
        state = self._run.state
        state.apply("begin", state.values.seal_all(self._changes(0)))
        for marks in self._state["routes"][1:]:
            state.apply("route", marks)
        for line in self._state["sequence"]:
            self._entry(line)
        for line in self._state.get("staged") or ():
            if not line.get("completed"):
                self._stage(line)

    def _changes(self, number: int) -> dict[str, Any]:
        found = self._state["contexts"][number]
        return {name: value for name, value in found.items() if not name.startswith("__")}

    def _context(self, line: Mapping[str, Any]) -> int:
        """The number of ours for what a task saw: changes merged from left to right."""
        state = self._run.state
        seen: tuple[int, ...] = ()
        for number in line["ctxs"]["in"]:
            if number == 0:
                continue
            parent = self._contexts[seen]
            seen = (*seen, number)
            if seen not in self._contexts:
                state.apply("publish", parent, state.values.seal_all(self._changes(number)))
                self._contexts[seen] = len(state.contexts) - 1
        return self._contexts[seen]

    def _entry(self, line: Mapping[str, Any]) -> None:
        state = self._run.state
        task, route = line["id"], line["route"]
        context = self._context(line)
        if self._run.plan.tasks[task].is_command:
            state.apply("command", task, route, context, self._previous(line)[0])
        else:
            slot = self._stage(line)
            state.apply("begun", (task, route, slot), context, self._run.host.new_id(), self._run.now_ms(), 0)
        self._mark(state.sequence[-1], line, context)

    def _stage(self, line: Mapping[str, Any]) -> int:
        """Its slot. A join's branches arrive one by one."""
        state = self._run.state
        task, route = line["id"], line["route"]
        context, previous = self._context(line), self._previous(line)
        if self._run.plan.tasks[task].needed is None or not previous:
            for number in previous or (None,):
                state.apply("stage", task, route, context, number, False)
            return 0
        join = state.joins.get((task, route))
        slot = join.fired if join is not None else 0
        for number in previous:
            state.apply("arrive", (task, route, slot), context, number, True, False)
        return slot

    def _previous(self, line: Mapping[str, Any]) -> Sequence[int]:
        return sorted((line.get("prev") or {}).values())

    def _mark(self, entry: Entry, line: Mapping[str, Any], context: int) -> None:
        state = self._run.state
        status = line.get("status") or ""
        if status in COMPLETED:
            state.apply("task", entry.number, status, self._run.now_ms())
        went_on = any((line.get("next") or {}).values())
        if went_on:
            state.apply("mark", entry.number, "went_on", True)
        if line.get("term"):
            state.apply("mark", entry.number, "is_terminal", True)
        elif not went_on and status in COMPLETED:
            state.apply("leave", entry.number, context)
