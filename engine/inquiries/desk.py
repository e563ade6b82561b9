"""Where inquiries are raised, read and answered; the only thing of this room that others hold.

Of several answers the first that counts wins. Votes are rows; each changes the tally.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import BadInput, EngineError, IllegalTransition, NotFound
from engine.executions import Executions
from engine.expressions.masking import ValueMasker, mask_by_schema, secrets_by_schema
from engine.inquiries import quorum, view
from engine.inquiries.alarm import broken_glass
from engine.inquiries.asking import Asking, Question
from engine.inquiries.ballot import Ballot, check_pending, outcome_of
from engine.inquiries.changes import Changes
from engine.inquiries.origin import is_of_agent, people_behind
from engine.notices import tell
from engine.people import People
from engine.records.execution import Execution
from engine.records.inquiry import Answerer, Inquiry, InquiryState, Vote
from engine.rights.room import Rights
from engine.runners.base import RunRequest, RunResult
from engine.status import Status
from engine.steps import take_step
from engine.store import executions as execution_store
from engine.store import inquiries as store
from engine.store import sealed_parameters
from engine.store.database import Database
from engine.store.inquiries import StoredInquiry
from engine.store.vault import Vault
from engine.subjects import RUNNER
from engine.triggers import PreparedEvent, Triggers, event_of

log = logging.getLogger(__name__)

TRIGGER = "core.st2.generic.inquiry"
SHORTEST_ENDING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """An answer that was checked."""

    vote: Vote
    """As it is shown."""
    person: str
    sealed: bytes | None
    """The response in clear, where something in it is secret."""
    secrets: tuple[str, ...]


class Inquiries:
    """`wanted` is the id of an inquiry, or an ending of one that waits and of no other."""

    def __init__(
        self,
        database: Database,
        executions: Executions,
        triggers: Triggers,
        vault: Vault,
        *,
        asking: Asking,
        people: People,
        rights: Rights,
    ) -> None:
        self._database = database
        self._executions = executions
        self._triggers = triggers
        self._vault = vault
        self._asking = asking
        self._people = people
        self._ballot = Ballot(people, rights, people_behind=self._people_behind)
        self.changes = Changes(executions, people)

    # raise

    def begin(self, execution: Execution, request: RunRequest) -> None:
        """What dispatch calls for the runner. Raises BadParameter, NotFound, IllegalTransition."""
        question = self._asking.question(execution, request)
        event = self._event(execution, question)
        self._database.write(lambda connection: self._raise(connection, execution, question, event))
        self._executions.tell_ended(execution.id)

    def _event(self, execution: Execution, question: Question) -> PreparedEvent | None:
        if not self._triggers.listens(TRIGGER):
            return None
        payload = {"id": execution.id, "route": question.result["route"] or ""}
        try:
            return self._triggers.prepare(event_of(execution, TRIGGER, payload))
        except EngineError as error:
            # Somebody's own type of this name refuses it: people are asked all the same.
            log.error("%s cannot be fired: %s", TRIGGER, error)
            return None

    def _raise(
        self, connection: Connection, execution: Execution, question: Question, event: PreparedEvent | None
    ) -> None:
        step = execution_store.step(connection, execution.id)
        if step is None or step.attempt != execution.attempt:
            raise IllegalTransition(f"Attempt {execution.attempt} of {execution.id} is over.")
        if step.status is Status.CANCELING:
            outcome = RunResult(status=Status.CANCELED, result={})
            self._executions.ending(execution.id, outcome, attempt=step.attempt)(connection)
            return
        now = utcnow()
        asked = question.asked(connection)
        result = orjson.dumps(question.result)
        values = {"result": result, "result_size": len(result), "claimed_by": None, "lease_until": None}
        take_step(connection, execution.id, step, Status.PENDING, values=values)
        made = self.changes.add(
            connection,
            StoredInquiry(
                id=execution.id,
                action=execution.action,
                asked=asked,
                raised_at=now,
                level_at=now,
                deadline_at=view.deadline_after(now, asked.ttl_min),
            ),
        )
        if event is not None:
            event.insert(connection)
        if reason := view.nobody(made, self._people):
            log.warning("inquiry %s: %s", made.id, reason, extra={"execution": made.id})

    # read

    def get(self, wanted: str) -> Inquiry:
        """Also one that is over. Raises NotFound; BadInput for what is no inquiry, or not asked yet."""
        with self._database.read() as connection:
            found = store.get(connection, wanted)
            if found is None and len(wanted) >= SHORTEST_ENDING:
                found = self._by_ending(connection, wanted)
        if found is not None:
            return view.shown(found, self._people)
        execution = self._executions.get(wanted)
        if execution.runner != RUNNER:
            raise BadInput(f'Action execution "{execution.id}" is not an inquiry.')
        if execution.id != wanted:
            return self.get(execution.id)
        if execution.is_finished:
            raise BadInput(
                f'Inquiry "{execution.id}" has already been responded to.',
                hint="It ended before it was asked.",
            )
        raise BadInput(f'Inquiry "{execution.id}" is not asked yet.', hint="Try again in a moment.")

    def _by_ending(self, connection: Connection, wanted: str) -> StoredInquiry | None:
        ids = store.pending_ending_with(connection, wanted)
        if len(ids) > 1:
            raise BadInput(f'More than one inquiry ends with "{wanted}".', hint="Give more of the id.")
        return store.get(connection, ids[0]) if ids else None

    def pending(self, *, offset: int = 0, limit: int | None = None) -> tuple[list[Inquiry], int]:
        """Those that wait, the newest first, and how many there are in all."""
        return self.page(only_pending=True, offset=offset, limit=limit)

    def page(
        self, *, only_pending: bool, offset: int = 0, limit: int | None = None
    ) -> tuple[list[Inquiry], int]:
        """As `pending`, with those that are over."""
        with self._database.read() as connection:
            found, total = store.page(connection, only_pending=only_pending, offset=offset, limit=limit)
        return [view.shown(one, self._people) for one in found], total

    def of_execution(self, execution_id: str) -> list[Inquiry]:
        """What it asks and has asked, itself or in its tasks, in the order in which it was asked."""
        with self._database.read() as connection:
            found = store.of_execution(connection, execution_id)
        return [view.shown(one, self._people) for one in found]

    def why_not(self, inquiry: Inquiry, who: Answerer, *, is_yes: bool | None = True) -> str:
        """Why this person may not answer so; empty when they may."""
        return self._ballot.why_not(inquiry, who, is_yes=is_yes)

    def _people_behind(self, execution_id: str) -> Sequence[str]:
        with self._database.read() as connection:
            execution = execution_store.get(connection, execution_id)
            return () if execution is None else people_behind(connection, execution)

    def is_of_agent(self, execution_id: str) -> bool:
        """Whether an agent had this run, itself or through workflows and rules."""
        with self._database.read() as connection:
            execution = execution_store.get(connection, execution_id)
            return execution is not None and is_of_agent(connection, execution)

    # answer

    def answer(self, wanted: str, response: Any, *, who: Answerer, reason: str = "") -> Inquiry:
        """The inquiry as it is then: over, or waiting for more votes.

        Raises NotFound, BadInput (no inquiry, over, does not fit, no reason), Denied.
        """
        inquiry = self.get(wanted)
        given = self._given(inquiry, self._ballot.check(inquiry, response, who, reason), response)
        self._database.write(lambda connection: self._count(connection, inquiry.id, given))
        self._executions.tell_ended(inquiry.id)
        now = self.get(inquiry.id)
        if not now.is_pending and now.outcome is not None and not now.outcome.user:
            # Its time was over before the answer came.
            check_pending(now)
        return now

    def approve(self, wanted: str, *, who: Answerer, reason: str = "") -> Inquiry:
        """Say yes, where that is all that is asked. Raises what `answer` raises."""
        return self._decide(wanted, who=who, reason=reason, is_yes=True)

    def reject(self, wanted: str, *, who: Answerer, reason: str = "") -> Inquiry:
        """Say no. Raises what `answer` raises."""
        return self._decide(wanted, who=who, reason=reason, is_yes=False)

    def _decide(self, wanted: str, *, who: Answerer, reason: str, is_yes: bool) -> Inquiry:
        inquiry = self.get(wanted)
        check_pending(inquiry)
        if not inquiry.asked.decision:
            raise BadInput(
                f'Inquiry "{inquiry.id}" does not ask for yes or no.',
                hint=f"Answer it with a response: stormcrow inquiry respond {inquiry.id}",
            )
        return self.answer(inquiry.id, {inquiry.asked.decision: is_yes}, who=who, reason=reason)

    def _given(self, inquiry: Inquiry, vote: Vote, response: Any) -> _Given:
        schema = inquiry.asked.schema
        secrets = tuple(dict.fromkeys(secrets_by_schema(response, schema)))
        shown = mask_by_schema(response, schema)
        masker = ValueMasker(secrets)
        return _Given(
            vote=replace(vote, response=masker.value(shown), reason=masker.text(vote.reason)),
            person=self._people.person(vote.user),
            sealed=None if shown == response else store.seal(self._vault, inquiry.id, response),
            secrets=secrets,
        )

    def _count(self, connection: Connection, inquiry_id: str, given: _Given) -> None:
        stored = self.changes.catch_up(connection, self._waiting(connection, inquiry_id))
        if stored is None:
            return
        vote = given.vote
        before = [one for one in stored.votes if self._people.person(one.user) == given.person]
        if vote.is_yes and not vote.is_break_glass and any(one.is_yes for one in before):
            raise BadInput(
                f'User "{vote.user}" has already responded to inquiry "{stored.id}".',
                hint="Everybody has one vote.",
            )
        store.put_vote(connection, stored.id, given.person, vote)
        stored = replace(stored, votes=(*(one for one in stored.votes if one not in before), vote))
        wanted = stored.asked.quorum
        is_alone = vote.is_break_glass or wanted is None
        if (
            vote.is_yes
            and wanted is not None
            and not is_alone
            and not quorum.is_met(quorum.tally(wanted, stored.votes))
        ):
            self.changes.note(connection, stored, "vote")
            return
        if given.secrets:
            sealed_parameters.learn(connection, self._vault, stored.id, given.secrets)
        self.changes.end(connection, stored, outcome_of(vote), sealed=given.sealed)
        if vote.is_break_glass:
            for notice in broken_glass(view.shown(stored, self._people), vote, self._people):
                tell(connection, notice)

    def _waiting(self, connection: Connection, inquiry_id: str) -> StoredInquiry:
        """As it is in this transaction. Raises NotFound, BadInput when it is over."""
        stored, step = store.get(connection, inquiry_id), execution_store.step(connection, inquiry_id)
        if stored is None or step is None:
            raise NotFound(f'There is no inquiry "{inquiry_id}".')
        check_pending(view.shown(stored, self._people))
        if step.status is not Status.PENDING:
            raise BadInput(f'Inquiry "{inquiry_id}" has already been responded to.')
        return stored

    # time

    def work_off(self, inquiry_id: str) -> None:
        """Do what its time asks for, in a transaction of its own."""

        def work(connection: Connection) -> None:
            stored = store.get(connection, inquiry_id)
            if stored is not None and stored.state is InquiryState.PENDING:
                self.changes.catch_up(connection, stored)

        self._database.write(work)
        self._executions.tell_ended(inquiry_id)
