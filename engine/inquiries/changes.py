"""What changes an inquiry: each change is one step of its row, with the execution's and the journal's entry.

All of it runs in somebody's transaction.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine import acts
from engine.clock import utcnow
from engine.errors import IllegalTransition, NotFound
from engine.executions import Executions
from engine.inquiries import view
from engine.inquiries.ballot import result_after, status_after
from engine.people import People
from engine.records.inquiry import (
    ANSWERED,
    CHANGED,
    EXPIRED,
    RAISED,
    Change,
    InquiryState,
    Outcome,
    told,
)
from engine.runners.base import RunResult
from engine.store import audit, journal
from engine.store import executions as execution_store
from engine.store import inquiries as store
from engine.store.inquiries import StoredInquiry


class Changes:
    def __init__(self, executions: Executions, people: People) -> None:
        self._executions = executions
        self._people = people

    def add(self, connection: Connection, made: StoredInquiry) -> StoredInquiry:
        made = replace(made, wake_at=view.wake_at(made))
        store.add(connection, made)
        self._tell(connection, RAISED, made, "raised")
        return made

    def note(self, connection: Connection, stored: StoredInquiry, change: Change) -> StoredInquiry:
        """What stands in rows of its own has changed: a vote."""
        return self._write(connection, stored, {}, change)

    # what time brings

    def catch_up(self, connection: Connection, stored: StoredInquiry) -> StoredInquiry | None:
        """Do what its time asks for; None when it is over by that."""
        while (ahead := view.next_due(stored)) is not None and ahead[0] <= utcnow():
            match ahead[1]:
                case "end":
                    self._time_over(connection, stored)
                    return None
                case "escalate":
                    stored = self._escalate(connection, stored)
                case "remind":
                    reminders = view.reminders_by(stored, utcnow())
                    stored = self._write(connection, stored, {"reminders": reminders}, "reminder")
        return stored

    def _escalate(self, connection: Connection, stored: StoredInquiry) -> StoredInquiry:
        now = utcnow()
        values: dict[str, Any] = {"level": 1, "level_at": now, "reminders": 0}
        escalation, deadline_at = stored.asked.escalation, stored.deadline_at
        is_over = deadline_at is not None and deadline_at <= now
        if escalation is not None and is_over and view.at_deadline(stored) == "escalate":
            # From the moment at which they are really asked, however late that is.
            values["deadline_at"] = view.deadline_after(now, escalation.ttl_min)
        return self._write(connection, stored, values, "escalation")

    def _time_over(self, connection: Connection, stored: StoredInquiry) -> None:
        now = utcnow()
        if view.at_deadline(stored) == "reject":
            response = {stored.asked.decision: False}
            outcome = Outcome(state=InquiryState.REJECTED, at=now, response=response)
        else:
            outcome = Outcome(state=InquiryState.EXPIRED, at=now)
        self.end(connection, stored, outcome)

    # ends

    def end(
        self, connection: Connection, stored: StoredInquiry, outcome: Outcome, *, sealed: bytes | None = None
    ) -> None:
        """`sealed`: the response in clear, where something in it is secret."""
        if not store.end(connection, stored.id, version=stored.version, outcome=outcome, sealed=sealed):
            raise _overtaken(stored)
        execution = execution_store.get(connection, stored.id)
        if execution is None:
            raise NotFound(f'There is no execution "{stored.id}".')
        ended = RunResult(
            status=status_after(stored.asked, outcome),
            result=result_after(stored.asked, execution.result, outcome, stored.votes),
        )
        self._executions.ending(stored.id, ended, attempt=execution.attempt)(connection)
        if outcome.user:
            self._tell_end(connection, ANSWERED, stored, outcome, "answered")
        else:
            self._tell_end(connection, EXPIRED, stored, outcome, "expired")

    def settle_strays(self, connection: Connection) -> None:
        """Inquiries whose execution was ended by somebody else are over too."""
        for inquiry_id in store.strays(connection):
            stored, step = store.get(connection, inquiry_id), execution_store.step(connection, inquiry_id)
            if stored is not None and step is not None:
                self._take_back(connection, stored, str(step.context.get("cancelled_by") or ""))

    def _take_back(self, connection: Connection, stored: StoredInquiry, user: str) -> None:
        outcome = Outcome(state=InquiryState.CANCELED, at=utcnow(), user=user, name=user)
        if store.end(connection, stored.id, version=stored.version, outcome=outcome):
            self._tell_end(connection, CHANGED, stored, outcome, "canceled")

    # rows and journal

    def _write(
        self, connection: Connection, stored: StoredInquiry, values: Mapping[str, Any], change: Change
    ) -> StoredInquiry:
        made = replace(stored, **values)
        made = replace(made, wake_at=view.wake_at(made), version=stored.version + 1)
        written = {**values, "wake_at": made.wake_at}
        if not store.change(connection, stored.id, version=stored.version, values=written):
            raise _overtaken(stored)
        self._tell(connection, CHANGED, made, change)
        return made

    def _tell_end(
        self, connection: Connection, kind: str, stored: StoredInquiry, outcome: Outcome, change: Change
    ) -> None:
        over = replace(stored, state=outcome.state, outcome=outcome, wake_at=None, version=stored.version + 1)
        self._tell(connection, kind, over, change)

    def _tell(self, connection: Connection, kind: str, stored: StoredInquiry, change: Change) -> None:
        shown = view.shown(stored, self._people)
        journal.append(connection, kind, stored.id, told(shown, change))
        if change in acts.BY_PEOPLE:
            step = execution_store.step(connection, stored.id)
            audit.record(connection, acts.on_inquiry(shown, change, {} if step is None else step.context))


def _overtaken(stored: StoredInquiry) -> IllegalTransition:
    return IllegalTransition(f"Inquiry {stored.id} was changed by somebody else.")
