"""What the templates of a running chain see, and how a run of a task is told in the chain's result."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.expressions.lookups import key_lookups
from engine.refs import liveaction_id
from engine.workflows.calls import Host
from engine.workflows.chain_state import ChainState, TaskRun
from engine.workflows.results import Results


class TaskResults(Mapping[str, Any]):
    """The newest result of each task, by its name; read when a template asks."""

    def __init__(self, state: ChainState, results: Results) -> None:
        self._state = state
        self._results = results

    def __getitem__(self, task: str) -> Any:
        run = self._state.last[task]
        if run.refusal is not None:
            return run.refusal.value
        if run.is_open:
            raise KeyError(task)
        result = self._results.of([run.execution_id])[0]
        if run.has_waited and isinstance(result, dict):
            # Where StackStorm puts the answer: `ask.result.response`.
            return {**result, "result": result}
        return result

    def __iter__(self) -> Iterator[str]:
        return iter([task for task, run in self._state.last.items() if not run.is_open])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Keys:
    """The datastore as templates read it, through the host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        return self._host.key(f"{scope}.{name}", user=user or "", decrypt=False)


def world_of(context: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """What every template of the chain sees besides parameters, results and variables."""
    st2, parent = context["st2"], context["parent"]
    keys = key_lookups(_Keys(host), user=st2.get("user"))
    return {
        "st2kv": keys,
        "system": keys["system"],
        "action_context": {"parent": {"execution_id": st2["action_execution_id"], **parent}},
        "config_context": context.get("config") or {},
    }


def told(run: TaskRun, result: Any) -> dict[str, Any]:
    """An entry of the result's `tasks`, as StackStorm has it."""
    is_known = run.refusal is None
    started = _written(run.started_ms)
    return {
        "id": run.task,
        "name": run.task,
        "execution_id": run.execution_id if is_known else None,
        "liveaction_id": liveaction_id(run.execution_id) if is_known else None,
        "workflow": None,
        "created_at": started,
        "updated_at": started if run.ended_ms is None else _written(run.ended_ms),
        "state": run.status,
        "result": result if run.refusal is None else run.refusal.value,
    }


def moment_of(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _written(ms: int) -> str:
    return moment_of(ms).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
