"""One step of a workflow, worked out in memory and then written in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from engine.errors import IllegalTransition
from engine.executions import Executions
from engine.runners.base import RunResult
from engine.status import FINISHED, TRANSITIONS, Status
from engine.store import executions as execution_store
from engine.store import workflows as store
from engine.store.vault import Vault
from engine.store.workflows import StoredWorkflow
from engine.workflow_runs.children import Errands
from engine.workflow_runs.live import LiveRun
from engine.workflow_runs.messages import ChildEnded
from engine.workflows.calls import Delta

# A snapshot is written when the deltas since the last one are larger than it, and than this: what is
# written per step stays the same, however old the workflow is.
_SMALLEST_SNAPSHOT_BYTES = 65_536


class Stale(Exception):
    """Another server has taken a step meanwhile: load, and think again."""


class EndedOtherwise(Exception):
    """A child was cancelled while its end was on its way."""

    def __init__(self, child: ChildEnded, status: Status) -> None:
        super().__init__(child.execution.id)
        self.child = child
        self.status = status


class ChildRefused(Exception):
    """A child's end does not count any more; the others' do."""

    def __init__(self, child: ChildEnded, reason: IllegalTransition) -> None:
        super().__init__(child.execution.id)
        self.child = child
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Birth:
    """What is written with the first step of a workflow, or with the first of a re-run."""

    execution_id: str
    attempt: int
    stored: StoredWorkflow | None = None
    """None: it is there already, and works for this execution from now on."""
    definition: tuple[str, str, str] = ("", "", "")
    """(digest, language, text)"""


@dataclass(slots=True, kw_only=True)
class Step:
    """`outcome`: the end of the workflow's own execution, if it ends with this step."""

    run: LiveRun
    ended: Sequence[ChildEnded]
    ending_jobs: Sequence[Callable[[Connection], Status]]
    """One for each of `ended`."""
    errands: Errands
    delta: Delta
    snapshot: Delta | None
    status: str
    is_ended: bool
    outcome: RunResult | None = None
    birth: Birth | None = None
    new_head: bool = False
    children_ended: frozenset[str] = frozenset()
    """Children whose end is written with this step: their workflow knows."""

    @property
    def finished(self) -> list[str]:
        """Whose waiters are to be told once this is committed."""
        own = [] if self.outcome is None else [self.run.head.execution_id]
        return [*self.children_ended, *own]

    @property
    def version(self) -> int:
        return self.run.version + 1


class StepWriter:
    """Writes steps, each in the transaction it is given."""

    def __init__(self, executions: Executions, vault: Vault) -> None:
        self._executions = executions
        self._vault = vault

    def write(self, connection: Connection, step: Step) -> None:
        """Raises Stale, EndedOtherwise, ChildRefused; then nothing of it is written."""
        self._advance(connection, step)
        for child, job in zip(step.ended, step.ending_jobs, strict=True):
            self._end_child(connection, child, job)
        self._state(connection, step)
        for prepared in step.errands.children:
            prepared.insert(connection)
        user = step.run.head.user
        for execution_id in step.errands.cancel:
            self._executions.cancel_child(connection, execution_id, user=user, stops_actions=True)
        for execution_id in step.errands.wind_down:
            self._executions.cancel_child(connection, execution_id, user=user, stops_actions=False)
        for execution_id in step.errands.pause:
            self._executions.wish(connection, execution_id, Status.PAUSING)
        for execution_id in step.errands.resume:
            self._executions.wish(connection, execution_id, Status.RESUMING)
        self._own_status(connection, step)

    def _advance(self, connection: Connection, step: Step) -> None:
        run, birth = step.run, step.birth
        if birth is not None and birth.stored is not None:
            digest, language, text = birth.definition
            store.add_definition(connection, digest, language=language, text=text)
            store.add(connection, birth.stored)
        moved = store.advance(
            connection,
            run.id,
            old=run.version,
            status=step.status,
            is_ended=step.is_ended,
            wake_at=step.errands.wake_at,
        )
        if not moved:
            raise Stale
        if birth is not None and birth.stored is None:
            store.repoint(connection, run.id, birth.execution_id)
        if step.new_head:
            sealed = self._vault.seal(run.head.dump(), place=store.head_place(run.id))
            store.set_head(connection, run.id, sealed)

    def _end_child(
        self, connection: Connection, child: ChildEnded, job: Callable[[Connection], Status]
    ) -> None:
        try:
            status = job(connection)
        except IllegalTransition as error:
            raise ChildRefused(child, error) from error
        if status is not child.status:
            raise EndedOtherwise(child, status)

    def _state(self, connection: Connection, step: Step) -> None:
        run, version = step.run, step.version
        values = dict(step.delta.values)
        if step.snapshot is not None:
            values.update(step.snapshot.values)
        sealed = {
            digest: self._vault.seal(data, place=store.value_place(run.id, digest))
            for digest, data in values.items()
        }
        store.add_values(connection, run.id, sealed)
        place = store.delta_place(run.id, version)
        store.add_delta(connection, run.id, version, self._vault.seal(step.delta.data, place=place))
        if step.snapshot is not None:
            place = store.snapshot_place(run.id)
            data = self._vault.seal(step.snapshot.data, place=place)
            store.set_snapshot(connection, run.id, version, data)

    def _own_status(self, connection: Connection, step: Step) -> None:
        execution_id = step.run.head.execution_id
        if step.birth is None and step.outcome is None and step.status == step.run.shown:
            return
        # It has failed, and something of it still runs: its result is not known before that has ended.
        is_decided = step.outcome is None and Status(step.status) in FINISHED
        row = execution_store.step(connection, execution_id)
        if row is None or row.status in FINISHED:
            return
        if step.birth is not None:
            if row.attempt != step.birth.attempt or row.status is not Status.RUNNING:
                raise IllegalTransition(f"Execution {execution_id} is {row.status}, and is not begun.")
            values: dict[str, Any] = {"claimed_by": None, "lease_until": None}
            execution_store.change(connection, execution_id, old=row.status, values=values)
        if step.outcome is not None:
            self._executions.ending(execution_id, step.outcome, attempt=row.attempt)(connection)
            return
        for status in () if is_decided else way(row.status, Status(step.status)):
            self._executions.move(connection, execution_id, status)


def needs_snapshot(run: LiveRun, delta: Delta) -> bool:
    return run.delta_bytes + len(delta.data) > max(_SMALLEST_SNAPSHOT_BYTES, run.snapshot_bytes)


def way(current: Status, wanted: Status) -> list[Status]:
    """The steps from one status to another; none when somebody has already asked for more."""
    if current is wanted or current is Status.CANCELING:
        return []
    if wanted in TRANSITIONS[current]:
        return [wanted]
    if wanted is Status.RUNNING and Status.RESUMING in TRANSITIONS[current]:
        return [Status.RESUMING, wanted]
    return []
