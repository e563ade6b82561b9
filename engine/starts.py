"""Starts: what is due is claimed, or waits, or is cancelled, as the policies of its action say.

Everything here happens in the writer's thread, inside its transaction.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine.clock import utcnow
from engine.policies.admission import Admission, Change
from engine.policies.notes import with_note
from engine.policies.table import ActionLimit, NextTry
from engine.status import Status
from engine.steps import CHANGED, canceled_result, facts, take_step
from engine.store import executions as store
from engine.store import journal
from engine.store import policies as policy_store

# How many executions one transaction sends into lines: others must not wait long for theirs.
_MOST_REFUSED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    claims: list[store.Claim]
    refused: int
    """How many were due, and wait for a policy now or were cancelled by one."""
    is_drained: bool
    """Whether nothing that is due is left."""

    @property
    def moved(self) -> int:
        """How many are no longer due."""
        return len(self.claims) + self.refused


class Starts:
    """`user`: who cancels what a policy cancels."""

    def __init__(self, admission: Admission, *, user: str) -> None:
        self._admission = admission
        self._user = user

    def claim(
        self,
        connection: Connection,
        *,
        server: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        full_runners: Collection[str] = (),
    ) -> Claimed:
        """Take up to `limit` that may start, the longest waiting first, and mark them running."""
        claims: list[store.Claim] = []
        refused = 0
        while True:
            wanted = limit - len(claims)
            due = store.due(connection, now=now, limit=wanted, full_runners=full_runners)
            admitted = due
            if self._admission.table.limits:
                admitted = [row for row in due if self._may_start(connection, row, now)]
            claims += store.claim(connection, admitted, server=server, now=now, lease=lease)
            refused += len(due) - len(admitted)
            if len(due) == len(admitted) or refused >= _MOST_REFUSED:
                break
        for claim in claims:
            told = facts(Status.RUNNING, claim.execution.action, claim.execution.context)
            journal.append(connection, CHANGED, claim.execution.id, told)
        return Claimed(
            claims=claims,
            refused=refused,
            is_drained=len(due) < wanted and len(due) == len(admitted) and not full_runners,
        )

    def ended(self, connection: Connection, execution_id: str, action: str) -> None:
        """Its places are free: whose turn comes is requested again, and so claimed next."""
        if action in self._admission.table.limits:
            now = utcnow()
            self._apply(connection, self._admission.leave(connection, execution_id, now))

    def next_try(self, action: str, ended: Status, context: Mapping[str, Any]) -> NextTry | None:
        """Whether an execution of `action` that has `ended` is tried again."""
        return self._admission.newest.next_try(action, ended, context)

    # when something else than an end changes who may start

    @property
    def is_stale(self) -> bool:
        return self._admission.is_stale

    def renew(self, connection: Connection) -> Callable[[], None]:
        """Other policies are in force; what is returned is called after the commit."""
        self._apply(connection, self._admission.renew(connection, utcnow()))
        return self._admission.confirm

    def wake(self, connection: Connection) -> None:
        """See to those who waited for a moment that has come."""
        if self._admission.table.has_windows:
            self._apply(connection, self._admission.wake(connection, utcnow()))

    def next_due(self, connection: Connection) -> datetime | None:
        """When the next one may start that waits for a moment: its own, or that of a policy."""
        moments = [store.next_due(connection)]
        if self._admission.table.has_windows:
            moments.append(policy_store.next_clock(connection))
        return min((moment for moment in moments if moment is not None), default=None)

    # one execution

    def _may_start(self, connection: Connection, row: Any, now: datetime) -> bool:
        if row.action not in self._admission.table.limits:
            return True
        candidate = store.candidate(row)
        if self._admission.has_places(connection, row.id):
            if not self._admission.is_over(connection, row.id, now):
                self._admission.start(connection, candidate, now)
                return True
            self._apply(connection, self._admission.leave(connection, row.id, now))
        limit = self._admission.judge(connection, candidate, now, starts=True)
        if limit is None:
            return True
        step = store.Step(
            status=candidate.execution.status,
            log=orjson.loads(row.log),
            attempt=row.attempt,
            action=row.action,
            context=candidate.execution.context,
        )
        self._refuse(connection, candidate.execution.id, step, limit)
        return False

    def _apply(self, connection: Connection, changes: Iterable[Change]) -> None:
        for change in changes:
            step = store.step(connection, change.execution_id)
            if step is None:
                continue
            if change.refused_by is None:
                if step.status is not Status.REQUESTED:
                    take_step(connection, change.execution_id, step, Status.REQUESTED, values={})
            else:
                self._refuse(connection, change.execution_id, step, change.refused_by)

    def _refuse(
        self, connection: Connection, execution_id: str, step: store.Step, limit: ActionLimit
    ) -> None:
        if limit.cancels:
            result = orjson.dumps({**canceled_result(self._user, None), "reason": _sentence(limit)})
            context = {**_noted(step.context, "cancel", limit), "cancelled_by": self._user}
            values = {"context": orjson.dumps(context), "result": result, "result_size": len(result)}
            take_step(connection, execution_id, step, Status.CANCELED, values=values)
            return
        context = _noted(step.context, "delay", limit)
        values = {"context": orjson.dumps(context)}
        if step.status is not Status.DELAYED:
            take_step(connection, execution_id, step, Status.DELAYED, values=values)
        elif context != step.context:
            store.change(connection, execution_id, old=Status.DELAYED, values=values)


def _noted(
    context: Mapping[str, Any], what: Literal["delay", "cancel"], limit: ActionLimit
) -> dict[str, Any]:
    return with_note(context, what, {"applied_policy": limit.policy, "reason": _sentence(limit)})


def _sentence(limit: ActionLimit) -> str:
    return f"Policy {limit.policy}: {limit.words}."
