"""Works out one step of a workflow from all that has happened to it since the last one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from engine.errors import IllegalTransition
from engine.executions import Executions
from engine.expressions.masking import ValueMasker
from engine.log_facts import learn
from engine.runners.base import RunResult
from engine.status import FAILURES, FINISHED, Status
from engine.store import workflows as store
from engine.store.database import Database
from engine.store.vault import Vault
from engine.store.workflows import StoredWorkflow
from engine.workflow_runs.children import errands, owned
from engine.workflow_runs.live import LiveRun, LiveRuns
from engine.workflow_runs.messages import (
    Begin,
    ChildChanged,
    ChildEnded,
    LookAround,
    Message,
    RunAgain,
    Wished,
)
from engine.workflow_runs.rejection import rejection
from engine.workflow_runs.step import Birth, Step, needs_snapshot
from engine.workflows.calls import ActionChanged, Command, Rerun, TimeCame

# What a workflow hears of a child that has not ended.
_HEARD = frozenset({Status.PAUSED, Status.PENDING, Status.RUNNING, Status.PAUSING, Status.RESUMING})
WISHES: Mapping[Status, Literal["pause", "resume", "cancel"]] = MappingProxyType(
    {Status.PAUSING: "pause", Status.RESUMING: "resume", Status.CANCELING: "cancel"}
)


class StepMaker:
    """`hide(action, outcome)` gives what may be kept of a workflow's result."""

    def __init__(
        self,
        database: Database,
        executions: Executions,
        vault: Vault,
        live: LiveRuns,
        *,
        hide: Callable[[str, RunResult], RunResult],
    ) -> None:
        self._database = database
        self._executions = executions
        self._vault = vault
        self._live = live
        self._hide = hide

    def make(self, workflow_id: str, messages: Sequence[Message]) -> Step | None:
        """None: nothing changes."""
        first = messages[0]
        birth: Birth | None = None
        if isinstance(first, Begin):
            run, birth = self._born(workflow_id, first)
        elif isinstance(first, RunAgain):
            run, birth = self._reborn(workflow_id, first)
        else:
            run = self._live.get(workflow_id)
        learn(**run.head.log_facts)
        if run.is_given_up:
            raise IllegalTransition(f"The workflow {workflow_id} was given up.")
        with run.lock:
            return self._step(run, birth, messages)

    def _step(self, run: LiveRun, birth: Birth | None, messages: Sequence[Message]) -> Step | None:
        ended = [message for message in messages if isinstance(message, ChildEnded)]
        for message in messages:
            self._take(run, message)
        wanted = errands(run, self._executions)
        delta = run.conductor.delta()
        if birth is None and not ended and not delta.data and wanted.is_empty:
            return None
        status, is_ended = run.conductor.status, run.conductor.is_ended
        new_head = bool(run.host.learned) or (birth is not None and birth.stored is None)
        if run.host.learned:
            run.head = run.head.with_secrets(tuple(run.host.learned))
            run.host.learned.clear()
        outcome = self._outcome(run, status, ended) if is_ended else None
        return Step(
            run=run,
            ended=ended,
            ending_jobs=[
                self._executions.ending(
                    child.execution.id,
                    child.outcome,
                    attempt=child.execution.attempt,
                    chunks=child.chunks,
                )
                for child in ended
            ],
            errands=wanted,
            delta=delta,
            snapshot=run.conductor.snapshot() if needs_snapshot(run, delta) else None,
            status=status,
            is_ended=is_ended,
            outcome=outcome,
            birth=birth,
            new_head=new_head,
            children_ended=frozenset([*(child.execution.id for child in ended), *owned(wanted.children)]),
        )

    def _outcome(self, run: LiveRun, status: str, ended: Sequence[ChildEnded]) -> RunResult:
        result = run.conductor.result
        rejected_by = ""
        has_failed = run.conductor.is_broken or any(child.status in FAILURES for child in ended)
        if Status(status) is Status.FAILED and not has_failed:
            with self._database.read() as connection:
                rejected_by = rejection(connection, run.head.execution_id)
        made = RunResult(status=Status(status), result=result, rejected_by=rejected_by)
        outcome = self._hide(run.head.action, made)
        if not run.head.secrets:
            return outcome
        shown = ValueMasker(run.head.secrets).value(outcome.result)
        if outcome.status is not Status(status) or (shown == outcome.result and outcome.clear is None):
            return replace(outcome, result=shown)
        return replace(outcome, result=shown, clear=result, secrets=(*outcome.secrets, *run.head.secrets))

    # beginning

    def _born(self, workflow_id: str, message: Begin) -> tuple[LiveRun, Birth]:
        head = message.head
        language = self._live.languages.get(head.language)
        host = self._live.host(workflow_id)
        conductor = language.begin(
            message.plan,
            context=head.application_context(workflow_id),
            inputs=message.inputs,
            host=host,
        )
        stored = StoredWorkflow(
            id=workflow_id,
            execution_id=head.execution_id,
            definition=message.digest,
            status="requested",
            is_ended=False,
            version=0,
            wake_at=None,
            head=self._vault.seal(head.dump(), place=store.head_place(workflow_id)),
            snapshot=None,
            snapshot_version=0,
        )
        run = LiveRun(id=workflow_id, head=head, host=host, conductor=conductor, version=0, shown="requested")
        self._live.keep(run)
        return run, Birth(
            execution_id=head.execution_id,
            attempt=message.attempt,
            stored=stored,
            definition=(message.digest, head.language, message.text),
        )

    def _reborn(self, workflow_id: str, message: RunAgain) -> tuple[LiveRun, Birth]:
        """Raises BadInput, IllegalTransition: the tasks cannot be run again."""
        run = self._live.load(workflow_id, head=message.head)
        run.conductor.take(Rerun(tasks=message.tasks, reset=message.reset))
        self._live.keep(run)
        return run, Birth(execution_id=message.head.execution_id, attempt=message.attempt)

    # what has happened

    def _take(self, run: LiveRun, message: Message) -> None:
        if isinstance(message, ChildEnded):
            outcome = message.outcome
            run.host.learn(outcome.secrets)
            run.conductor.take(
                ActionChanged(
                    execution_id=message.execution.id,
                    status=message.status.value,
                    result=outcome.result if outcome.clear is None else outcome.clear,
                )
            )
        elif isinstance(message, ChildChanged):
            self._look_at(run, [message.execution_id])
        elif isinstance(message, Wished):
            self._wish(run, message.wanted)
        elif isinstance(message, LookAround):
            self._look_around(run)

    def _look_at(self, run: LiveRun, execution_ids: Sequence[str]) -> None:
        """Children whose status somebody else has written."""
        awaited = [name for name in execution_ids if run.conductor.awaits(name)]
        with self._database.read() as connection:
            statuses = store.statuses(connection, awaited)
        for execution_id, status in statuses.items():
            if status in FINISHED:
                result = run.host.answered(execution_id, self._executions.get(execution_id).result)
            elif status in _HEARD:
                result = None
            else:
                continue
            run.conductor.take(ActionChanged(execution_id=execution_id, status=status.value, result=result))

    def _look_around(self, run: LiveRun) -> None:
        self._look_at(run, list(run.conductor.awaited()))
        own = self._executions.get(run.head.execution_id).status
        if own in WISHES and own.value != run.conductor.status:
            self._wish(run, WISHES[own])
        if run.wake_at is not None and run.wake_at <= run.host.now():
            run.conductor.take(TimeCame())

    def _wish(self, run: LiveRun, wanted: Literal["pause", "resume", "cancel"]) -> None:
        if run.conductor.is_ended:
            return
        try:
            run.conductor.take(Command(wanted=wanted))
        except IllegalTransition:
            # The row was asked first, and has other words for it: it is there already.
            return
