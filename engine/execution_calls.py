"""The engine's door to executions: request, read, wait, cancel, run again."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from engine.errors import Denied
from engine.executions import PLAIN_TERMS, Executions
from engine.records.execution import Execution, ExecutionFilter, ExecutionRequest, OutputChunk, Terms
from engine.records.policy import PlaceInLine
from engine.records.progress import Progress
from engine.rights.place import Where
from engine.rights.room import Rights
from engine.store import execution_lists, outputs
from engine.store import executions as store
from engine.store import policies as policy_store
from engine.store.database import Database
from engine.workflow_runs.runs import WorkflowRuns


class ExecutionCalls:
    """What the engine's callers may do with executions; a part of class Engine, which makes these."""

    database: Database
    rights: Rights
    workflows: WorkflowRuns
    _executions: Executions

    def request(self, wanted: ExecutionRequest) -> Execution:
        """Committed when it returns. Raises Denied, NotFound, BadParameter, BadInput, BadTemplate."""
        return self.submit(wanted).result()

    def submit(self, wanted: ExecutionRequest) -> "Future[Execution]":
        """Like `request`: refuses at once, by raising; the future is done when it is committed."""
        self.rights.check_run(wanted.user, wanted.action, where=Where.of(wanted.context))
        return self._executions.submit(wanted)

    def execution(self, execution_id: str) -> Execution:
        """By id, by a unique ending of one (6 characters or more), or `last`. Raises NotFound, BadInput."""
        return self._executions.get(execution_id)

    def viewed(self, execution_id: str, *, user: str, where: Where) -> Execution:
        """As `execution`, for who may look at it, or at a workflow above it. Raises Denied besides."""
        found = one = self._executions.get(execution_id)
        verdict = self.rights.may_view(user, one, where=where)
        while not verdict.may and one.parent_id is not None:
            one = self._executions.get(one.parent_id)
            if self.rights.may_view(user, one, where=where).may:
                return found
        if not verdict.may:
            raise Denied(f"You may not look at {found.action}: {verdict.reason}", hint=verdict.hint)
        return found

    def executions(self, wanted: ExecutionFilter) -> tuple[list[Execution], int]:
        """The page, and how many there are in all."""
        with self.database.read() as connection:
            return store.page(connection, wanted)

    def execution_values(self) -> dict[str, list[str]]:
        """What executions can be chosen by: each value that there is."""
        with self.database.read() as connection:
            return execution_lists.values(connection)

    def children(self, execution_id: str) -> list[str]:
        with self.database.read() as connection:
            return store.children(connection, execution_id)

    def children_of_each(self, execution_ids: Collection[str]) -> dict[str, list[str]]:
        """By the parent's id; those without any are left out."""
        with self.database.read() as connection:
            return execution_lists.children_of_each(connection, execution_ids)

    def progress(self, execution_id: str) -> Progress:
        """How far it has come, with all that is below it. Raises NotFound."""
        # The status first: when it is an end, all of the parts have theirs.
        status = self._executions.get(execution_id).status.value
        with self.database.read() as connection:
            return Progress(status=status, parts=execution_lists.below(connection, execution_id))

    def ended(self, execution_id: str) -> "Future[Execution]":
        """Done when the execution has ended (at once, when it has). Raises NotFound."""
        return self._executions.ended(execution_id)

    def wait(self, execution_id: str, *, timeout_s: float) -> Execution:
        """Returns at the end of the execution, or at the timeout with what it is then."""
        future = self._executions.ended(execution_id)
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            self._executions.give_up(execution_id, future)
            return self._executions.get(execution_id)

    def give_up(self, execution_id: str, future: "Future[Execution]") -> None:
        """The caller of `ended` does not wait any more."""
        self._executions.give_up(execution_id, future)

    def output(self, execution_id: str, *, after: int = 0, kind: str | None = None) -> list[OutputChunk]:
        """What the action printed, from chunk `after` on; secrets are masked."""
        with self.database.read() as connection:
            return outputs.of(connection, execution_id, after=after, kind=kind)

    def place_in_line(self, execution_id: str) -> PlaceInLine | None:
        """Where a delayed execution waits; None when it does not (any more)."""
        with self.database.read() as connection:
            return policy_store.place_of(connection, execution_id)

    def cancel(self, execution_id: str, *, user: str) -> Execution:
        """Really stops the action. Raises NotFound, Denied, IllegalTransition."""
        self.rights.check_stop(user, self.execution(execution_id))
        return self._executions.cancel(execution_id, user=user)

    def pause(self, execution_id: str, *, user: str) -> Execution:
        """A workflow starts nothing new. Raises NotFound, Denied, IllegalTransition."""
        self.rights.check_stop(user, self.execution(execution_id))
        return self.workflows.pause(execution_id, user=user)

    def resume(self, execution_id: str, *, user: str) -> Execution:
        """A paused workflow goes on. Raises as `pause` does."""
        self.rights.check_stop(user, self.execution(execution_id))
        return self.workflows.resume(execution_id, user=user)

    def rerun(
        self,
        execution_id: str,
        *,
        user: str,
        parameters: Mapping[str, Any],
        merge: bool = True,
        delay_ms: int = 0,
        context: Mapping[str, Any] | None = None,
        terms: Terms = PLAIN_TERMS,
        tasks: Collection[str] = (),
        reset: Collection[str] = (),
    ) -> Execution:
        """The same action again, with the old parameters under the new ones.

        With `tasks` a workflow that has ended goes on from these; of those in `reset` all items run again.
        """
        self.rights.check_rerun(user, self.execution(execution_id), where=Where.of(context or {}))
        if tasks:
            self.workflows.check_rerun(execution_id)
        return self._executions.rerun(
            execution_id,
            tasks=tasks,
            reset=reset,
            user=user,
            parameters=parameters,
            merge=merge,
            delay_ms=delay_ms,
            context=context or {},
            terms=terms,
        )
