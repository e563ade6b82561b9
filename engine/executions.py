"""Executions: request, finish, cancel, run again.

Every change of a status is a step of engine/steps.py, asked for here or in engine/starts.py.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection

from engine import acts
from engine.content.registry import Content
from engine.endings import Endings
from engine.errors import BadInput, IllegalTransition, NotFound
from engine.expressions.params import Plans, TemplateScope
from engine.records.callback import CONTEXT_KEY as CALLBACK
from engine.records.execution import REJECTED_KEY, Execution, ExecutionRequest, OutputChunk, Terms
from engine.repeats import Repeats
from engine.requests import PreparedExecution, Requests
from engine.runners.base import RunResult
from engine.specs.action import ActionSpec
from engine.specs.runner_type import WORKFLOWS
from engine.starts import Starts
from engine.status import CANCELABLE, FINISHED, TRANSITIONS, Status
from engine.steps import bounded, canceled_result, insertion, known, take_step, workflow_of
from engine.store import audit, callbacks, outputs, sealed_parameters
from engine.store import executions as store
from engine.store.database import Database
from engine.store.sealed_parameters import Revealed
from engine.store.vault import Vault

log = logging.getLogger(__name__)

OUTPUT = "execution.output"

SHORTEST_ENDING = 6
PLAIN_TERMS = Terms()


class Executions:
    """`scope_for(action, user, context)` gives what templates in parameter defaults may see."""

    def __init__(
        self,
        database: Database,
        content: Content,
        plans: Plans,
        vault: Vault,
        starts: Starts,
        *,
        scope_for: Callable[[ActionSpec, Mapping[str, Any]], TemplateScope],
        result_limit_bytes: int,
    ) -> None:
        self._database = database
        self._content = content
        self._plans = plans
        self._vault = vault
        self._starts = starts
        self._result_limit_bytes = result_limit_bytes
        self._endings = Endings(self.get)
        database.attach_remote(self._endings.heard)
        self._requests = Requests(content, plans, vault, scope_for=scope_for)
        self._repeats = Repeats(content, vault, starts)

    # request

    def submit(self, wanted: ExecutionRequest) -> "Future[Execution]":
        """Refuses at once, by raising; the future is done when the execution is committed.

        Raises NotFound, BadParameter, BadInput. A template of the pack that does not render makes
        an execution that has failed, and raises BadTemplate.
        """
        prepared = self.prepare(wanted)
        made = self._database.submit(prepared.insert)
        if prepared.error is not None:
            made.result()
            raise prepared.error
        return made

    def prepare(self, wanted: ExecutionRequest) -> PreparedExecution:
        """Everything but the writing. Raises NotFound, BadParameter, BadInput."""
        return self._requests.prepare(wanted)

    def rerun(
        self,
        execution_id: str,
        *,
        user: str,
        parameters: Mapping[str, Any],
        merge: bool = True,
        delay_ms: int = 0,
        context: Mapping[str, Any],
        terms: Terms = PLAIN_TERMS,
        tasks: Collection[str] = (),
        reset: Collection[str] = (),
    ) -> Execution:
        """The same action again, with the old parameters under the new ones.

        `tasks`: a workflow goes on from these; see engine/workflow_runs.
        """
        old = self.get(execution_id)
        before = self.revealed(old)
        given = {**before.parameters, **parameters} if merge else dict(parameters)
        plan = self._plans.get(self._content.current.action(old.action))
        # What was a default then may not be given by a caller: the plan fills it in again.
        given = {
            name: value
            for name, value in given.items()
            if name in parameters or not (name in plan.parameters and plan.parameters[name].immutable)
        }
        again: dict[str, Any] = {"ref": old.id}
        if tasks:
            again.update(tasks=list(tasks), reset=list(reset))
        kept = {
            key: old.context[key]
            for key in ("trace_context", "source_channel", "api_user", "notify")
            if key in old.context
        }
        return self.submit(
            ExecutionRequest(
                action=old.action,
                parameters=given,
                user=user,
                context={**kept, **context, "re-run": again},
                delay_ms=delay_ms,
                idempotency_key=terms.idempotency_key,
                fingerprint=terms.fingerprint,
                execution_id=terms.execution_id,
                callback=terms.callback,
                secrets=before.secrets,
            )
        ).result()

    # read

    def get(self, wanted: str) -> Execution:
        """By id, by a unique ending of one, or `last`. Raises NotFound, BadInput."""
        with self._database.read() as connection:
            found = store.get(connection, wanted)
            if found is not None:
                return found
            name = self._full_id(connection, wanted)
            found = store.get(connection, name) if name else None
        if found is None:
            raise NotFound(f'There is no execution "{wanted}".', hint="List them: stormcrow execution list")
        return found

    def _full_id(self, connection: Connection, wanted: str) -> str | None:
        if wanted == "last":
            return store.newest(connection)
        if len(wanted) < SHORTEST_ENDING:
            return None
        found = store.by_ending(connection, wanted)
        if len(found) > 1:
            raise BadInput(f'More than one execution ends with "{wanted}".', hint="Give more of the id.")
        return found[0] if found else None

    def revealed(self, execution: Execution, sealed: bytes | None = None) -> Revealed:
        """The stored parameters with their secrets in clear: for running, never for showing."""
        if sealed is None:
            with self._database.read() as connection:
                sealed = store.sealed(connection, execution.id)
        if sealed is None:
            return Revealed(parameters=execution.parameters)
        return sealed_parameters.unseal(self._vault, execution.id, sealed)

    def learn(self, execution_id: str, secrets: Collection[str]) -> None:
        """The run has read these in clear: hidden from now on, whoever collects its output."""
        self._database.write(
            lambda connection: sealed_parameters.learn(connection, self._vault, execution_id, secrets)
        )

    def ended(self, execution_id: str) -> "Future[Execution]":
        """Done when the execution has ended; at once, when it has. Raises NotFound."""
        return self._endings.of(execution_id)

    def tell_ended(self, execution_id: str) -> None:
        """It was ended by somebody else, in a transaction that is committed."""
        self._endings.tell(execution_id)

    def give_up(self, execution_id: str, future: "Future[Execution]") -> None:
        """The caller of `ended` does not wait any more."""
        self._endings.drop(execution_id, future)

    # change

    def finish(
        self, execution_id: str, outcome: RunResult, *, attempt: int, chunks: Sequence[OutputChunk] = ()
    ) -> Status:
        """Write the end of an attempt, as `ending` says."""
        status = self._database.write(self.ending(execution_id, outcome, attempt=attempt, chunks=chunks))
        self._endings.tell(execution_id)
        return status

    def ending(
        self, execution_id: str, outcome: RunResult, *, attempt: int, chunks: Sequence[OutputChunk] = ()
    ) -> Callable[[Connection], Status]:
        """What writes the end of an attempt, in its caller's transaction, and gives the status.

        What was cancelled meanwhile stays canceled. Raises IllegalTransition when the attempt is not
        the current one: a server that was taken for dead came back, and its result does not count.
        The caller calls `tell_ended` after the commit.
        """
        result, size = self._bounded(outcome.result)
        # One that is too large is an error for everybody.
        has_clear = outcome.clear is not None and size <= self._result_limit_bytes

        def work(connection: Connection) -> Status:
            step = known(store.step(connection, execution_id), execution_id)
            if step.attempt != attempt:
                raise IllegalTransition(
                    f"Attempt {attempt} of {execution_id} is over; now is attempt {step.attempt}."
                )
            wanted = Status.CANCELED if step.status is Status.CANCELING else outcome.status
            values = {"result": result, "result_size": size, "claimed_by": None, "lease_until": None}
            if wanted is Status.CANCELED and "cancelled_by" in step.context:
                values["result"], values["result_size"] = self._bounded(
                    canceled_result(str(step.context["cancelled_by"]), outcome.result)
                )
            outputs.add(connection, chunks)
            if has_clear and wanted is outcome.status and workflow_of(step.context):
                sealed_parameters.keep_result(
                    connection, self._vault, execution_id, outcome.clear, outcome.secrets
                )
            noted = {REJECTED_KEY: outcome.rejected_by} if outcome.rejected_by else {}
            if noted and wanted is outcome.status:
                values["context"] = orjson.dumps({**step.context, **noted})
            repeated = self._repeats.of(connection, execution_id, step, wanted)
            if repeated is None:
                self._step(connection, execution_id, step, wanted, values=values)
                return wanted
            values["context"] = orjson.dumps({**repeated.old_context, **noted})
            told = {"retried_by": repeated.execution.id}
            self._step(connection, execution_id, step, wanted, values=values, told=told)
            insertion(repeated.execution, repeated.sealed)(connection)
            if CALLBACK in step.context:
                callbacks.move(connection, execution_id, repeated.execution.id)
            return wanted

        return work

    def give_back(self, execution_id: str, *, attempt: int) -> None:
        """After a crash: proof that it was never started, so it waits again."""

        def work(connection: Connection) -> None:
            step = known(store.step(connection, execution_id), execution_id)
            if step.attempt != attempt:
                return
            values = {"claimed_by": None, "lease_until": None, "started_at": None}
            wanted = Status.CANCELED if step.status is Status.CANCELING else Status.REQUESTED
            self._step(connection, execution_id, step, wanted, values=values)

        self._database.write(work)
        self._endings.tell(execution_id)

    def cancel(self, execution_id: str, *, user: str) -> Execution:
        """Canceled at once when it has not started; else `canceling`, until the action has really ended.

        Raises NotFound, IllegalTransition.
        """
        execution_id = self.get(execution_id).id

        def work(connection: Connection) -> None:
            step = known(store.step(connection, execution_id), execution_id)
            if step.status is Status.CANCELING:
                return
            if step.status not in CANCELABLE:
                raise IllegalTransition(f"Action cannot be canceled. State = {step.status}.")
            self._cancel(connection, execution_id, step, user)
            audit.record(connection, acts.on_execution(Status.CANCELING, execution_id, step, user))

        self._database.write(work)
        self._endings.tell(execution_id)
        return self.get(execution_id)

    def cancel_child(
        self, connection: Connection, execution_id: str, *, user: str, stops_actions: bool
    ) -> None:
        """Its workflow needs it no more: also a question that waits. What has ended stays as it is.

        Without `stops_actions` an action that runs goes on to its end.
        """
        step = store.step(connection, execution_id)
        if step is None or step.status not in CANCELABLE | {Status.PENDING}:
            return
        if stops_actions or step.status is not Status.RUNNING or self._is_workflow(step):
            self._cancel(connection, execution_id, step, user)

    def _is_workflow(self, step: store.Step) -> bool:
        action = self._content.current.actions.get(step.action)
        return action is not None and action.runner_type in WORKFLOWS

    def wish(self, connection: Connection, execution_id: str, wanted: Status) -> None:
        """Have a sub-workflow pause or go on; where it makes no sense nothing happens."""
        step = store.step(connection, execution_id)
        if step is not None and self._is_workflow(step) and wanted in TRANSITIONS[step.status]:
            self._step(connection, execution_id, step, wanted, values={})

    def move(self, connection: Connection, execution_id: str, wanted: Status, *, by: str = "") -> None:
        """A step that is no end; `by`: who asked for it. Raises NotFound, IllegalTransition."""
        step = known(store.step(connection, execution_id), execution_id)
        if not by:
            self._step(connection, execution_id, step, wanted, values={})
        elif step.status is not wanted:
            context = {**step.context, f"{acts.WORDS[wanted]}_by": by}
            values = {"context": orjson.dumps(context)}
            self._step(connection, execution_id, replace(step, context=context), wanted, values=values)
            audit.record(connection, acts.on_execution(wanted, execution_id, step, by))

    def _cancel(self, connection: Connection, execution_id: str, step: store.Step, user: str) -> None:
        starts_later = step.status in (Status.REQUESTED, Status.DELAYED, Status.PENDING)
        context = {**step.context, "cancelled_by": user}
        values: dict[str, Any] = {"context": orjson.dumps(context)}
        if starts_later:
            values["result"], values["result_size"] = self._bounded(canceled_result(user, None))
        wanted = Status.CANCELED if starts_later else Status.CANCELING
        self._step(connection, execution_id, replace(step, context=context), wanted, values=values)

    def _step(
        self,
        connection: Connection,
        execution_id: str,
        step: store.Step,
        wanted: Status,
        *,
        values: Mapping[str, Any],
        told: Mapping[str, Any] | None = None,
    ) -> None:
        take_step(connection, execution_id, step, wanted, values=values, told=told)
        if wanted in FINISHED:
            self._starts.ended(connection, execution_id, step.action)

    def _bounded(self, result: Any) -> tuple[bytes, int]:
        return bounded(result, limit_bytes=self._result_limit_bytes)
