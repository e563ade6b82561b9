"""The state of a chain that runs: changed by small operations alone, which are its record.

    begin     inputs, vars               what its templates see from the start
    status    word, is_pause_wanted      of the chain
    call      task, execution, at        an action is requested
    withdraw                             there is no such action: the task has never been
    turn      status                     the current action is in this status
    end       status, at, refusal        it has ended; refusal: it could not be requested at all
    publish   values
    next      task, outcome              what comes next, and how the chain ends if nothing does
    error     text or null               what stopped the chain outside of its tasks

Applied again in order they give the identical state. Times are milliseconds since 1970.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from engine.workflows.values import Sealed, Values, written

Op = tuple[Any, ...]


class TaskRun:
    """One run of a task."""

    __slots__ = ("ended_ms", "execution_id", "has_waited", "refusal", "started_ms", "status", "task")

    def __init__(self, task: str, execution_id: str, started_ms: int) -> None:
        self.task = task
        self.execution_id = execution_id
        self.started_ms = started_ms
        self.ended_ms: int | None = None
        self.status = "running"
        self.refusal: Sealed | None = None
        """Its result, when the action could not be requested."""
        self.has_waited = False
        """For people: it was a question."""

    @property
    def is_open(self) -> bool:
        return self.ended_ms is None


class ChainState:
    def __init__(self, stored: Callable[[str], bytes]) -> None:
        self.values = Values(stored)
        self._ops: list[Op] = []
        self.status = ""
        self.is_pause_wanted = False
        self.inputs: Mapping[str, Sealed] = {}
        self.vars: dict[str, Sealed] = {}
        self.published: dict[str, Sealed] = {}
        self.runs: list[TaskRun] = []
        self.last: dict[str, TaskRun] = {}
        """By task: its newest run."""
        self.next = ""
        """The task that comes next; empty: none."""
        self.outcome = "succeeded"
        self.error: str | None = None

    @property
    def current(self) -> TaskRun | None:
        """The run that has not ended."""
        return self.runs[-1] if self.runs and self.runs[-1].is_open else None

    def apply(self, *op: Any) -> None:
        self._ops.append(op)
        _DOES[op[0]](self, *op[1:])

    def replay(self, data: bytes) -> None:
        """Operations that are stored already."""
        for op in orjson.loads(data) if data else ():
            _DOES[op[0]](self, *op[1:])

    def taken(self) -> bytes:
        """The operations since the last call; empty when nothing has changed."""
        ops, self._ops = self._ops, []
        return orjson.dumps(ops, default=written) if ops else b""

    # snapshots

    def dump(self) -> bytes:
        """All of it; operations that nobody has taken are in it."""
        self._ops.clear()
        document = {
            "chain": [self.status, self.is_pause_wanted, self.next, self.outcome, self.error],
            "inputs": self.inputs,
            "vars": self.vars,
            "published": list(self.published),
            "runs": [
                [
                    run.task,
                    run.execution_id,
                    run.started_ms,
                    run.ended_ms,
                    run.status,
                    run.refusal,
                    run.has_waited,
                ]
                for run in self.runs
            ],
        }
        return orjson.dumps(document, default=written)

    def restore(self, snapshot: bytes) -> None:
        """Into an empty state."""
        document = orjson.loads(snapshot)
        self.status, self.is_pause_wanted, self.next, self.outcome, self.error = document["chain"]
        self._begin(document["inputs"], document["vars"])
        self.published = {name: self.vars[name] for name in document["published"]}
        for task, execution_id, started_ms, ended_ms, status, refusal, has_waited in document["runs"]:
            self._call(task, execution_id, started_ms)
            run = self.runs[-1]
            run.ended_ms, run.status, run.has_waited = ended_ms, status, has_waited
            run.refusal = None if refusal is None else self._open(refusal)

    # what the operations do

    def _open(self, value: Any) -> Sealed:
        return value if isinstance(value, Sealed) else self.values.unseal(value)

    def _begin(self, inputs: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.inputs = {name: self._open(value) for name, value in inputs.items()}
        self.vars = {name: self._open(value) for name, value in variables.items()}

    def _set_status(self, status: str, is_pause_wanted: bool) -> None:
        self.status = status
        self.is_pause_wanted = is_pause_wanted

    def _call(self, task: str, execution_id: str, at_ms: int) -> None:
        run = TaskRun(task, execution_id, at_ms)
        self.runs.append(run)
        self.last[task] = run

    def _withdraw(self) -> None:
        run = self.runs.pop()
        before = next((one for one in reversed(self.runs) if one.task == run.task), None)
        if before is None:
            del self.last[run.task]
        else:
            self.last[run.task] = before

    def _turn(self, status: str) -> None:
        run = self.runs[-1]
        run.status = status
        run.has_waited = run.has_waited or status == "pending"

    def _end(self, status: str, at_ms: int, refusal: Any) -> None:
        run = self.runs[-1]
        run.status, run.ended_ms = status, at_ms
        run.refusal = None if refusal is None else self._open(refusal)

    def _publish(self, values: Mapping[str, Any]) -> None:
        opened = {name: self._open(value) for name, value in values.items()}
        self.vars.update(opened)
        self.published.update(opened)

    def _set_next(self, task: str, outcome: str) -> None:
        self.next = task
        self.outcome = outcome

    def _set_error(self, text: str | None) -> None:
        self.error = text


_DOES: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "begin": ChainState._begin,
        "status": ChainState._set_status,
        "call": ChainState._call,
        "withdraw": ChainState._withdraw,
        "turn": ChainState._turn,
        "end": ChainState._end,
        "publish": ChainState._publish,
        "next": ChainState._set_next,
        "error": ChainState._set_error,
    }
)


def loaded(stored: Callable[[str], bytes], snapshot: bytes | None, deltas: Sequence[bytes]) -> ChainState:
    """As it was after the last of the deltas, which follow on the snapshot."""
    state = ChainState(stored)
    if snapshot is not None:
        state.restore(snapshot)
    for delta in deltas:
        state.replay(delta)
    return state
