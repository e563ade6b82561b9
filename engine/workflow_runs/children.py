"""From what a conductor calls for to executions that are checked and ready to be written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from engine.errors import EngineError, StoreFailure
from engine.executions import Executions
from engine.records.execution import ExecutionRequest
from engine.requests import PreparedExecution
from engine.workflow_runs.head import Head
from engine.workflow_runs.live import LiveRun
from engine.workflows.calls import ActionCall, ActionChanged


@dataclass(slots=True, kw_only=True)
class Errands:
    """All that a conductor wants done in one step."""

    children: list[PreparedExecution] = field(default_factory=list)
    cancel: list[str] = field(default_factory=list)
    wind_down: list[str] = field(default_factory=list)
    pause: list[str] = field(default_factory=list)
    resume: list[str] = field(default_factory=list)
    wake_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.children or self.cancel or self.wind_down or self.pause or self.resume)


def errands(run: LiveRun, executions: Executions) -> Errands:
    """Asks until nothing more comes: a call that cannot be requested is a task that has failed."""
    made = Errands()
    while True:
        work = run.conductor.work()
        made.cancel += work.cancel
        made.wind_down += work.wind_down
        made.pause += work.pause
        made.resume += work.resume
        made.wake_at = work.wake_at
        if not work.calls:
            return made
        for call in work.calls:
            refused = _request(call, executions, run, made.children)
            if refused is not None:
                run.conductor.take(refused)


def _request(
    call: ActionCall, executions: Executions, run: LiveRun, children: list[PreparedExecution]
) -> ActionChanged | None:
    head = run.head
    wanted = ExecutionRequest(
        execution_id=call.execution_id,
        action=call.action,
        # A copy of its own: what conductors share must not be changed by a cast.
        parameters=orjson.loads(orjson.dumps(call.input, option=orjson.OPT_NON_STR_KEYS, default=str)),
        user=head.user,
        context={
            **head.child_context(call.task),
            **_place(call, head, run.id),
            **({"notify": call.notify} if call.notify else {}),
        },
        delay_ms=call.delay_s * 1000,
        # What the expressions of this very call have read in clear is in it.
        secrets=(*head.secrets, *run.host.learned),
    )
    try:
        prepared = executions.prepare(wanted)
    except StoreFailure:
        raise
    except EngineError as error:
        entry = {"message": str(error), "task_id": call.task, "route": call.route}
        return ActionChanged(
            execution_id=call.execution_id, status="failed", result={"errors": [entry]}, refused=error
        )
    children.append(prepared)
    if prepared.error is not None:
        result = prepared.execution.result
        return ActionChanged(execution_id=call.execution_id, status="failed", result=result)
    return None


def _place(call: ActionCall, head: Head, workflow_id: str) -> dict[str, object]:
    """The part of a child's context that says which task it is for."""
    if head.language == "orquesta":
        place: dict[str, object] = {
            "workflow_execution_id": workflow_id,
            "task_execution_id": call.task_execution_id,
            "task_name": call.task,
            "task_id": call.task,
            "task_route": call.route,
        }
        if call.item is not None:
            place["item_id"] = call.item
        if call.purpose != "run":
            place["purpose"] = call.purpose
        return {"orquesta": place}
    return {"chain": {**call.note, "workflow_execution_id": workflow_id, "name": call.task}}


def owned(children: Sequence[PreparedExecution]) -> list[str]:
    """Those that have ended as they were written."""
    return [child.execution.id for child in children if child.error is not None]
