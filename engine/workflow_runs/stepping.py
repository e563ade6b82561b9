"""Takes steps one after the other: works one out, has it written, and sees to what could not be written."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from engine.errors import BadInput, Conflict, EngineError, RunnerFailure, StoreFailure
from engine.executions import Executions
from engine.log_facts import learn
from engine.runners.base import RunResult
from engine.status import Status
from engine.store import workflows as store
from engine.store.database import Database
from engine.workflow_runs.clock import RunClock
from engine.workflow_runs.conducting import StepMaker
from engine.workflow_runs.live import LiveRuns
from engine.workflow_runs.mailboxes import Mailboxes
from engine.workflow_runs.messages import Begin, ChildEnded, LookAround, Message, RunAgain
from engine.workflow_runs.step import ChildRefused, EndedOtherwise, Stale, Step, StepWriter

log = logging.getLogger(__name__)

_THREADS = 2


class Stepper:
    """`boxes` are where messages are put in; one thread at a time works on a workflow's."""

    def __init__(
        self,
        database: Database,
        executions: Executions,
        live: LiveRuns,
        steps: StepMaker,
        writer: StepWriter,
    ) -> None:
        self._database = database
        self._executions = executions
        self._live = live
        self._steps = steps
        self._writer = writer
        self.boxes: Mailboxes[Message] = Mailboxes(self._process)
        self.clock = RunClock(lambda workflow_id: self.boxes.put(workflow_id, LookAround()))
        # Ends that our own steps write: nobody has to tell us of them.
        self._own: set[str] = set()

    def start(self) -> None:
        self.boxes.start(threads=_THREADS)
        self.clock.start()

    def stop(self, *, timeout_s: float) -> None:
        self.clock.stop()
        self.boxes.stop(timeout_s=timeout_s)

    def writes(self, execution_id: str) -> bool:
        """Whether its end is ours: asked in the writer's thread, right after the commit."""
        return execution_id in self._own

    def _process(self, workflow_id: str, messages: list[Message]) -> None:
        # A birth comes alone: nothing can happen to the workflow before it is committed.
        born = next((message for message in messages if isinstance(message, Begin | RunAgain)), None)
        if born is not None and len(messages) > 1:
            self.boxes.put_first(workflow_id, [message for message in messages if message is not born])
            messages = [born]
        try:
            step = self._steps.make(workflow_id, messages)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._failed(workflow_id, messages, error)
            return
        if step is None:
            _settle(messages)
            self.boxes.release(workflow_id)
            return
        self._own.update(step.children_ended)
        try:
            written = self._database.submit(partial(self._writer.write, step=step))
        except StoreFailure as error:
            self._uncommitted(step, messages, error)
            return
        written.add_done_callback(lambda done: self.boxes.soon(partial(self._written, step, messages, done)))

    def _written(self, step: Step, messages: list[Message], done: "Future[None]") -> None:
        learn(**step.run.head.log_facts)
        error = done.exception()
        if error is not None:
            self._uncommitted(step, messages, error)
            return
        self._own.difference_update(step.children_ended)
        run = step.run
        run.version = step.version
        run.shown = step.status
        run.wake_at = step.errands.wake_at
        run.delta_bytes += len(step.delta.data)
        if step.snapshot is not None:
            run.delta_bytes, run.snapshot_bytes = 0, len(step.snapshot.data)
        self.clock.set(run.id, run.wake_at)
        _settle(messages)
        for execution_id in step.finished:
            self._executions.tell_ended(execution_id)
        if step.is_ended:
            self._live.drop(run.id)
        self.boxes.release(run.id)

    def _uncommitted(self, step: Step, messages: list[Message], error: BaseException) -> None:
        """The conductor is ahead of the database: give it up, and think again without what was wrong."""
        self._own.difference_update(step.children_ended)
        workflow_id = step.run.id
        self._live.drop(workflow_id)
        if isinstance(error, Stale):
            left: Sequence[Message] = messages
        elif isinstance(error, EndedOtherwise):
            left = [
                replace(message, status=error.status) if message is error.child else message
                for message in messages
            ]
        elif isinstance(error, ChildRefused):
            error.child.done.set_exception(error.reason)
            left = [message for message in messages if message is not error.child]
        else:
            self._failed(workflow_id, messages, error)
            return
        self.boxes.put_first(workflow_id, left)
        self.boxes.release(workflow_id)

    def _failed(self, workflow_id: str, messages: Sequence[Message], error: BaseException) -> None:
        """No step could be made or written of these. Nothing is lost: the rows stand as they were."""
        self._live.drop(workflow_id)
        if not isinstance(error, EngineError):
            log.error("a step of workflow %s failed", workflow_id, exc_info=error)
        is_closing = isinstance(error, StoreFailure)
        for message in messages:
            if isinstance(message, Begin | RunAgain):
                message.done.set_exception(_told(error))
            elif isinstance(message, ChildEnded):
                self._end_alone(message, error, is_closing=is_closing)
        is_born = not any(isinstance(message, Begin) for message in messages)
        if is_born and not is_closing and not isinstance(error, Conflict | BadInput):
            self._give_up(workflow_id, error)
        self.boxes.release(workflow_id)

    def _end_alone(self, message: ChildEnded, error: BaseException, *, is_closing: bool) -> None:
        """Its workflow could not take it; that it has ended is true all the same."""
        if is_closing:
            message.done.set_exception(_told(error))
            return
        execution = message.execution
        self._own.add(execution.id)
        try:
            status = self._executions.finish(
                execution.id, message.outcome, attempt=execution.attempt, chunks=message.chunks
            )
        except EngineError as refused:
            message.done.set_exception(refused)
        else:
            message.done.set_result(status)
        finally:
            self._own.discard(execution.id)

    def _give_up(self, workflow_id: str, error: BaseException) -> None:
        """A fault of ours, or of the disk: the workflow fails, visibly, rather than stand still for ever."""
        with self._database.read() as connection:
            stored = store.get(connection, workflow_id)
        if stored is None or stored.is_ended:
            return
        message = (
            str(error) if isinstance(error, EngineError) else "Stormcrow failed to conduct this workflow"
        )
        entry = {"type": "error", "message": f"{message}; its log says more."}
        language = self._live.languages.get(self._live.head(stored).language)
        outcome = RunResult(status=Status.FAILED, result=language.refusal([entry]))
        attempt = self._executions.get(stored.execution_id).attempt

        def work(connection: Any) -> None:
            store.end(connection, workflow_id, status=Status.FAILED.value)
            self._executions.ending(stored.execution_id, outcome, attempt=attempt)(connection)

        try:
            self._database.write(work)
            self._executions.tell_ended(stored.execution_id)
        except EngineError as refused:
            log.warning("workflow %s: %s", workflow_id, refused)


def _settle(messages: Sequence[Message]) -> None:
    for message in messages:
        if isinstance(message, Begin | RunAgain):
            message.done.set_result(None)
        elif isinstance(message, ChildEnded):
            message.done.set_result(message.status)


def _told(error: BaseException) -> BaseException:
    if isinstance(error, EngineError):
        return error
    return RunnerFailure("Stormcrow failed to begin this workflow; its log says why.")
