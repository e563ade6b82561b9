"""Workflows that run: begun by dispatch, carried on by the ends of their children, never polled."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from engine.content.registry import Content
from engine.errors import (
    BadContent,
    BadInput,
    IllegalTransition,
    NotFound,
)
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues
from engine.records.execution import Execution, OutputChunk, new_id
from engine.records.journal import JournalEntry
from engine.runners.base import RunRequest, RunResult
from engine.specs.runner_type import WORKFLOWS
from engine.status import FINISHED, Status
from engine.steps import CHANGED, workflow_of
from engine.store import workflows as store
from engine.store.database import Database
from engine.store.vault import Vault
from engine.workflow_runs.conducting import WISHES, StepMaker
from engine.workflow_runs.contents import Contents
from engine.workflow_runs.head import Head
from engine.workflow_runs.languages import Languages
from engine.workflow_runs.live import LiveRuns
from engine.workflow_runs.messages import (
    Begin,
    ChildChanged,
    ChildEnded,
    LookAround,
    RunAgain,
    Wished,
)
from engine.workflow_runs.step import StepWriter
from engine.workflow_runs.stepping import Stepper
from engine.workflows.conducting import TaskView, Unplannable

log = logging.getLogger(__name__)

# A workflow that calls itself for ever would fill the disk.
_DEEPEST = 50


class WorkflowRuns:
    """`hide(action, outcome)` gives what may be kept of a workflow's result."""

    def __init__(
        self,
        database: Database,
        executions: Executions,
        content: Content,
        vault: Vault,
        keys: KeyValues,
        *,
        templates: Templates,
        hide: Callable[[str, RunResult], RunResult],
    ) -> None:
        self._database = database
        self._executions = executions
        self._languages = Languages(templates)
        self._contents = Contents(content)
        self._live = LiveRuns(database, vault, keys, self._languages, decrypt=templates.decrypt)
        steps = StepMaker(database, executions, vault, self._live, hide=hide)
        self._stepper = Stepper(database, executions, self._live, steps, StepWriter(executions, vault))
        self._boxes = self._stepper.boxes
        # Children that rest: when they run again, that is news.
        self._resting: set[str] = set()

    # start and stop

    def start(self) -> None:
        """Before anything is claimed: what ended while we were down is found here."""
        self._detach = self._database.attach(self._committed_entries)
        self._stepper.start()
        with self._database.read() as connection:
            found = store.open_ones(connection)
        for workflow_id, wake_at in found:
            self._stepper.clock.set(workflow_id, wake_at)
            self._boxes.put(workflow_id, LookAround())

    def stop(self, *, timeout_s: float) -> None:
        self._detach()
        self._stepper.stop(timeout_s=timeout_s)

    # what dispatch calls

    def begin(self, execution: Execution, request: RunRequest) -> None:
        """Committed when it returns: the workflow, its first tasks, and that nobody holds it.

        Raises EngineError: it could not begin.
        """
        head = Head.of(execution, request)
        again = execution.context.get("re-run")
        if isinstance(again, dict) and again.get("tasks"):
            self._run_again(execution, head, again)
            return
        if head.depth > _DEEPEST:
            raise BadInput(
                f"{execution.action} is more than {_DEEPEST} workflows deep.",
                hint="A workflow that calls itself needs an end: a condition before the task that does.",
            )
        language = self._languages.get(execution.runner)
        text = _text(request)
        digest = hashlib.sha256(f"{execution.runner}\0{text}".encode()).hexdigest()
        try:
            plan = language.plan(text)
            self._contents.check(language, text, digest=digest)
        except Unplannable as error:
            outcome = RunResult(status=Status.FAILED, result=language.refusal(error.errors))
            self._executions.finish(execution.id, outcome, attempt=execution.attempt)
            return
        workflow_id = new_id()
        begin = Begin(
            head=head,
            attempt=execution.attempt,
            text=text,
            digest=digest,
            plan=plan,
            inputs=dict(request.action_parameters),
        )
        self._boxes.put(workflow_id, begin)
        begin.done.result()

    def finish(self, execution: Execution, outcome: RunResult, chunks: Sequence[OutputChunk]) -> None:
        """The end of any run: one of a workflow's child is written together with what follows."""
        workflow_id = workflow_of(execution.context)
        if not workflow_id:
            self._executions.finish(execution.id, outcome, attempt=execution.attempt, chunks=chunks)
            return
        ended = ChildEnded(execution=execution, outcome=outcome, chunks=chunks, status=outcome.status)
        self._boxes.put(workflow_id, ended)
        ended.done.result()

    # what people ask for

    def pause(self, execution_id: str, *, user: str) -> Execution:
        """`pausing`, until nothing of it runs. Raises NotFound, BadInput, IllegalTransition."""
        return self._ask_for(execution_id, Status.PAUSING, user)

    def resume(self, execution_id: str, *, user: str) -> Execution:
        """Raises NotFound, BadInput, IllegalTransition."""
        return self._ask_for(execution_id, Status.RESUMING, user)

    def tree(self, execution_id: str) -> Sequence[TaskView]:
        """Every task that ran, in order; nothing for what is no workflow, or has not begun."""
        with self._database.read() as connection:
            stored = store.of_execution(connection, execution_id)
        if stored is None:
            return ()
        run = self._live.load(stored.id) if stored.is_ended else self._live.get(stored.id)
        with run.lock:
            return run.conductor.tree()

    def check_rerun(self, execution_id: str) -> None:
        """Whether some of its tasks can be run again. Raises NotFound, BadInput, IllegalTransition."""
        execution = self._executions.get(execution_id)
        if execution.runner not in WORKFLOWS:
            raise BadInput(
                "Task option is only supported for Orquesta workflows.",
                hint="Action chains have them here too; leave the tasks out to run the whole action again.",
            )
        with self._database.read() as connection:
            stored = store.of_execution(connection, execution.id)
        if stored is None:
            raise NotFound(
                f"No workflow stands behind {execution.id}: it never began, or was run again already.",
                hint="Run the newest execution of it again, or the whole action.",
            )
        if not execution.is_finished:
            raise IllegalTransition(
                f"The workflow {execution.id} is {execution.status}.",
                hint="Wait for its end, or cancel it first.",
            )

    def _ask_for(self, execution_id: str, wanted: Status, user: str) -> Execution:
        found = self._executions.get(execution_id)
        if found.runner not in WORKFLOWS:
            raise BadInput(
                f"The {found.runner} runner cannot pause: {found.id} is no workflow.",
                hint="Only workflows are paused and resumed; cancel it, or let it end.",
            )
        self._database.write(lambda connection: self._executions.move(connection, found.id, wanted, by=user))
        return self._executions.get(found.id)

    def _run_again(self, execution: Execution, head: Head, again: dict[str, Any]) -> None:
        with self._database.read() as connection:
            stored = store.of_execution(connection, str(again.get("ref")))
        if stored is None:
            raise NotFound(
                f"No workflow stands behind {again.get('ref')} any more: it was run again already."
            )
        message = RunAgain(
            head=head,
            attempt=execution.attempt,
            tasks=tuple(again["tasks"]),
            reset=tuple(again.get("reset") or ()),
        )
        self._boxes.put(stored.id, message)
        message.done.result()

    # what the journal says

    def _committed_entries(self, entries: list[JournalEntry]) -> None:
        """In the writer's thread."""
        for entry in entries:
            if entry.kind != CHANGED:
                continue
            status = Status(entry.data["status"])
            workflow_id = entry.data.get("workflow")
            if workflow_id and self._is_news(entry.subject, status):
                self._boxes.put(workflow_id, ChildChanged(execution_id=entry.subject))
            if status in WISHES:
                self._boxes.soon(partial(self._wished, entry.subject, status))

    def _is_news(self, execution_id: str, status: Status) -> bool:
        if status in FINISHED:
            self._resting.discard(execution_id)
            return not self._stepper.writes(execution_id)
        if status in (Status.PAUSED, Status.PENDING):
            self._resting.add(execution_id)
            return True
        return execution_id in self._resting

    def _wished(self, execution_id: str, status: Status) -> None:
        with self._database.read() as connection:
            stored = store.of_execution(connection, execution_id)
        if stored is not None and not stored.is_ended:
            self._boxes.put(stored.id, Wished(wanted=WISHES[status]))


def _text(request: RunRequest) -> str:
    path = request.action.entry_path
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadContent(
            f"The workflow of {request.action.ref} cannot be read: {error}",
            where=str(path),
            hint="Correct entry_point in the action's file.",
        ) from error
