"""One workflow while it is conducted: its plan, its state, and the world that it may ask."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.workflows import contexts
from engine.workflows.calls import Host
from engine.workflows.compile import Plan
from engine.workflows.contexts import Context
from engine.workflows.entries import Entry
from engine.workflows.holding import hold_items
from engine.workflows.results import Results
from engine.workflows.state import State
from engine.workflows.statuses import ACTIVE, COMPLETED, after_task


class Run:
    def __init__(self, plan: Plan, context: Mapping[str, Any], host: Host) -> None:
        self.plan = plan
        self.host = host
        self.context = context
        self.host_root = contexts.root(dict(context))
        self.state = State(plan, context, host.value)
        self.results = Results(host.results)
        self.stopped: list[str] = []
        """Executions that are not awaited any more and still run, until the host has heard of them."""

    def now_ms(self) -> int:
        return int(self.host.now().timestamp() * 1000)

    @property
    def has_ready(self) -> bool:
        """Something is to be started, or a task has items left to start."""
        return bool(self.state.ready or self.state.hungry or self.state.owed)

    @property
    def may_retry(self) -> bool:
        """The workflow goes on, or still waits for what is active."""
        status = self.state.status
        is_waiting = status == "paused" and not self.state.is_pause_wanted
        return status in ACTIVE or is_waiting or self.state.phase == "final"

    def log(self, message: str, **where: Any) -> None:
        """An entry of the workflow's errors; the same twice is written once."""
        entry = {"type": "error", "message": message}
        entry.update((key, value) for key, value in where.items() if value is not None)
        sealed = self.state.values.seal(entry)
        if not self.state.has_error(sealed):
            self.state.apply("error", sealed)

    def set_status(self, status: str, *, is_pause_wanted: bool = False) -> None:
        if status != self.state.status or is_pause_wanted != self.state.is_pause_wanted:
            self.state.apply("status", status, is_pause_wanted)

    def fail(self, **where: Any) -> None:
        """Something in the definition went wrong. What was cancelled stays so."""
        self.is_at_fault()
        if self.state.status == "canceled":
            text = 'Unable to process event "workflow_failed" for workflow in "canceled" status.'
            self.log(f"InvalidWorkflowStatusTransition: {text}", **where)
        else:
            self.set_status("failed")

    def is_at_fault(self) -> None:
        """The definition is: whatever else fails, that is a reason of its own."""
        if not self.state.is_broken:
            self.state.apply("broken", True)

    def happened(self, what: str, *, has_more: bool = False) -> None:
        """What a task's new status makes of the workflow's. `has_more`: engine commands follow."""
        state = self.state
        before = state.status
        if state.outcome:
            # A final task that fails fails a workflow that had succeeded.
            if what == "failed" and before == "succeeded":
                self.set_status("failed")
            return
        status = after_task(
            before,
            what,
            state.census,
            has_ready=has_more or self.has_ready,
            is_wanted=state.is_pause_wanted,
        )
        if status == before:
            return
        if status == "canceling":
            hold_items(state, "canceled")
            # That may have been all that was active.
            status = status if state.census.active else "canceled"
        self.set_status(status, is_pause_wanted=state.is_pause_wanted and status in ("pausing", "paused"))
        if status in COMPLETED:
            self._look_for_unreachable_joins()

    def _look_for_unreachable_joins(self) -> None:
        """A workflow that ends while a join waits for branches that cannot come has failed."""
        for (task, route), join in self.state.joins.items():
            for number, generation in join.open.items():
                # A surplus arrival at a join that went on before is no reason to fail.
                if number and not generation.is_due:
                    continue
                if self._may_still_come(task, route, generation.sources):
                    continue
                self.set_status("failed")
                text = f'The join task|route "{task}|{route}" is partially satisfied but unreachable.'
                self.log(f"UnreachableJoinError: {text}", task_id=task, route=route)

    def _may_still_come(self, task: str, route: int, arrived: Mapping[str, int]) -> bool:
        if not self.state.census.active and not self.state.ready:
            return False
        missing = [source for source in self.plan.tasks[task].sources if source not in arrived]
        return any((source, route) not in self.state.last for source in missing)

    def ends(self) -> list[Context]:
        """What the branches ended with, in the order in which their last tasks started."""
        found: list[Context] = []
        for entry in self.state.sequence:
            if entry.is_terminal:
                found.append(entry.context)
            found.extend(entry.left)
        return found

    def result_of(self, entry: Entry) -> Any:
        """What `result()` gives; with items: a list in item order, null for those not run."""
        if entry.items is not None:
            return self.results.of(entry.items.executions)
        if not entry.execution_id:
            return None
        return self.results.of([entry.execution_id])[0]

    def entry_of(self, task: str, route: int) -> Entry | None:
        """The last run of a task on this route, else on the nearest earlier one that leads here."""
        state = self.state
        while True:
            number = state.last.get((task, route))
            if number is not None:
                return state.sequence[number]
            earlier = self._earlier_route(route)
            if earlier is None:
                return None
            route = earlier

    def _earlier_route(self, route: int) -> int | None:
        routes = self.state.routes
        marks = set(routes[route])
        return next((one for one in range(route - 1, -1, -1) if marks.issuperset(routes[one])), None)

    def record_of(self, entry: Entry) -> dict[str, Any]:
        """What `task()` gives."""
        result = self.result_of(entry)
        if entry.items is not None:
            pairs = zip(entry.items.statuses, result, strict=True)
            result = {"items": [{"status": status or None, "result": one} for status, one in pairs]}
        return {
            "task_execution_id": entry.task_execution_id,
            "workflow_execution_id": self._workflow_execution_id(),
            "task_name": entry.task,
            "task_id": entry.task,
            "route": entry.route,
            "result": result,
            "status": entry.status,
            "start_timestamp": _text_of(entry.started_ms),
            "end_timestamp": _text_of(entry.ended_ms),
        }

    def _workflow_execution_id(self) -> Any:
        about = self.context.get("st2")
        return about.get("workflow_execution_id") if isinstance(about, Mapping) else None

    def stop(self, entry: Entry, status: str) -> None:
        """What runs for this task is to be stopped, and counts as in this status already."""
        mine = [name for name, call in self.state.calls.items() if call.entry == entry.number]
        for execution_id in mine:
            self.state.apply("turn", execution_id, status)
            self.results.hold(execution_id, None)
        self.stopped.extend(mine)

    def executions_of(self, entry: Entry) -> Sequence[str]:
        if entry.items is not None:
            return [execution_id for execution_id in entry.items.executions if execution_id]
        return [entry.execution_id] if entry.execution_id else []


def moment_of(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def _text_of(ms: int | None) -> str | None:
    moment = moment_of(ms)
    return None if moment is None else str(moment)
