"""Tells a chat what became of its commands, and what the engine itself has to say.

A reader of the journal. An answer goes to the thread of its command, or to that of the notice it is
about. What is said are rows, of our own chat or of the outbox, written in the transaction that moves
the reader's cursor, and so exactly once. A chat that can edit sees one message per command: the
acknowledgement becomes the result.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from bot import notices, pipelines, prompts, wording
from bot.chat import Place
from bot.live import Live, Watched
from bot.notices import Notices
from bot.port import ChatAdapter, Outgoing
from bot.prompts import ChangedInquiry, Prompts
from engine.alias_executions import AliasExecution
from engine.notices import NOTICE, Notice, of_data
from engine.policies.notes import policy_note
from engine.records.chat import NoticePosting, Posting
from engine.records.execution import Execution
from engine.records.inquiry import KINDS as INQUIRY_KINDS
from engine.records.journal import JournalEntry
from engine.records.pipeline import CHANGED as PIPELINE
from engine.records.pipeline import Pipeline
from engine.service import Engine
from engine.status import FINISHED
from engine.store import chat as store
from engine.store import comforts
from engine.store.reader import nothing

log = logging.getLogger(__name__)


_Item = Execution | Notice | ChangedInquiry | Pipeline


@dataclass(slots=True, kw_only=True)
class _Said:
    """What one batch of the journal made us say."""

    standing: dict[str, NoticePosting]
    """Where notices stand, those of this batch too."""
    outgoing: list[Outgoing] = field(default_factory=list)
    """Posted in the transaction that moves the cursor."""
    jobs: list[Callable[[Connection], object]] = field(default_factory=list)


class Announcer:
    """One per adapter: `start` it before the adapter, `stop` it after."""

    def __init__(self, engine: Engine, adapter: ChatAdapter, *, chats: Sequence[str] = ()) -> None:
        """`chats`: the names of all chats that run, the first one first; empty: this one alone."""
        self._engine = engine
        self._notices = Notices(engine, adapter, chats=chats or (adapter.name,))
        self._prompts = Prompts(
            self._notices,
            prefix=engine.settings.chat.prefix,
            has_edits=adapter.capabilities.edits,
        )
        self._adapter = adapter
        # Held while something is posted or edited: an old state never overwrites a newer one.
        self._posting = threading.RLock()
        self._live = Live(engine, adapter, self._posting)
        self._detach: list[Callable[[], None]] = []

    def start(self) -> None:
        self._live.start()
        self._detach = [
            self._engine.attach(self._live.seen),
            self._engine.subscribe(
                f"announcer:{self._adapter.name}",
                self.handle,
                kinds=("execution.changed", NOTICE, PIPELINE, *INQUIRY_KINDS),
                wants=lambda entry: entry.kind != "execution.changed" or self._is_end_here(entry),
            ),
        ]

    def stop(self) -> None:
        """Idempotent."""
        while self._detach:
            self._detach.pop()()
        self._live.stop()

    def accepted(self, execution: Execution, *, place: Place, ack: AliasExecution | None = None) -> None:
        """A command became `execution`, and that is committed: acknowledge and follow it."""
        if not execution.is_finished:
            self._live.watch(Watched(execution=execution, place=place, ack=ack))

    def handle(self, entries: list[JournalEntry]) -> Callable[[Connection], object] | None:
        """Say what is to be said. What it returns is done in the transaction that moves the cursor."""
        wanted = self._wanted(entries)
        if not wanted:
            return nothing
        with self._posting:
            said = _Said(standing=self._notices.standing(self._keys(wanted)))
            for item in wanted:
                if isinstance(item, Notice):
                    self._say_notice(item, said)
                elif isinstance(item, ChangedInquiry):
                    self._say_inquiry(item, said)
                elif isinstance(item, Pipeline):
                    self._say_pipeline(item, said)
                else:
                    self._say_end(item, said)
            jobs = said.jobs
            if said.outgoing:
                jobs.insert(0, self._adapter.posting_job(said.outgoing))
        return partial(_all, jobs) if jobs else nothing

    def _wanted(self, entries: list[JournalEntry]) -> list[_Item]:
        """Executions of this chat that have ended, inquiries and notices for it, in the order of the journal.

        Of several notices with one key only the newest is said, in the place of the first; so with inquiries.
        """
        found: dict[str, _Item] = {}
        for entry in entries:
            if entry.kind == NOTICE:
                notice = self._notices.addressed(of_data(entry.data))
                if self._notices.takes(notice.adapter):
                    found[notices.message_key(notice)] = notice
            elif entry.kind in INQUIRY_KINDS:
                if self._prompts.takes(entry):
                    before = found.get(key := f"inquiry:{entry.subject}")
                    earlier = before if isinstance(before, ChangedInquiry) else None
                    found[key] = prompts.changed(entry, earlier)
            elif entry.kind == PIPELINE:
                if self._notices.is_ours(entry.data["adapter"]):
                    found[f"pipeline:{entry.subject}"] = self._engine.pipelines.get(entry.subject)
            elif self._is_end_here(entry):
                found[entry.subject] = self._engine.execution(entry.subject)
        return list(found.values())

    def _is_end_here(self, entry: JournalEntry) -> bool:
        """Whether an execution of this chat has ended."""
        data = entry.data
        if "pipeline" in data:
            # Its pipeline is one message, and tells of it.
            return False
        return "adapter" in data and data.get("status") in FINISHED and self._notices.is_ours(data["adapter"])

    def _keys(self, wanted: list[_Item]) -> set[str]:
        """What messages' places must be known."""
        keys: set[str] = set()
        for item in wanted:
            if isinstance(item, Notice):
                keys |= {item.key, item.thread_key}
            elif isinstance(item, Pipeline):
                continue
            elif isinstance(item, ChangedInquiry):
                keys |= self._prompts.keys(item.inquiry)
            else:
                keys.add(wording.thread_key_of(item))
        return keys - {""}

    def _say_notice(self, notice: Notice, said: "_Said") -> None:
        outgoing = self._notices.outgoing(notice, said.standing)
        known = notices.known_posting(notice, said.standing)
        self._say_standing(notice.key, outgoing, known, said, generation=notice.generation)

    def _say_inquiry(self, told: ChangedInquiry, said: "_Said") -> None:
        for message in list(self._prompts.messages(told, said.standing)):
            self._say_standing(message.key, message, said.standing.get(message.key), said)
        said.outgoing += self._prompts.calls(told, said.standing)

    def _say_standing(
        self,
        key: str,
        outgoing: Outgoing,
        known: NoticePosting | None,
        said: "_Said",
        *,
        generation: str = "",
    ) -> None:
        """Say what is edited later on; `known`: where it stands already."""
        said.outgoing.append(outgoing)
        posting = known or NoticePosting(
            adapter=self._adapter.name,
            key=key,
            generation=generation,
            channel=outgoing.place.channel,
            thread_id=outgoing.place.thread,
            message_id=self._adapter.message_id(outgoing.key),
        )
        if known is None:
            said.jobs.append(partial(store.keep_notice, posting=posting))
        said.standing[key] = posting

    def _say_pipeline(self, pipeline: Pipeline, said: "_Said") -> None:
        is_said = not pipeline.is_running or self._adapter.capabilities.edits
        if is_said:
            reply = pipelines.reply(self._engine, pipeline)
            outgoing = Outgoing(
                key=pipelines.key_of(pipeline), place=pipelines.place_of(pipeline), reply=reply
            )
            said.outgoing.append(outgoing)
        said.jobs += [
            partial(comforts.leave, footprint=footprint) for footprint in pipelines.footprints(pipeline)
        ]

    def _say_end(self, execution: Execution, said: "_Said") -> None:
        watched = self._live.forget(execution.id)
        answer = self._result(execution, watched, said.standing)
        if answer is None:
            return
        said.outgoing.append(answer)
        footprint = wording.footprint(self._adapter, execution, answer)
        said.jobs.append(partial(comforts.leave, footprint=footprint))
        said.jobs.append(
            partial(
                store.close_posting,
                adapter=self._adapter.name,
                execution_id=execution.id,
                status=execution.status,
            )
        )
        again = policy_note(execution.context, "retried")
        if again is not None:
            said.jobs.append(self._follow(str(again["execution_id"]), answer, watched))

    def _follow(
        self, execution_id: str, answer: Outgoing, watched: Watched | None
    ) -> Callable[[Connection], object]:
        """The next try goes on in the message of the one that has failed."""
        execution = self._engine.execution(execution_id)
        place = answer.place
        if not execution.is_finished:
            ack = watched.ack if watched else None
            self._live.watch(Watched(execution=execution, place=place, ack=ack, is_acknowledged=True))
        posting = Posting(
            adapter=self._adapter.name,
            execution_id=execution.id,
            channel=place.channel,
            thread_id=place.thread,
            message_id=self._adapter.message_id(answer.key),
            status=execution.status,
        )
        return partial(store.keep_posting, posting=posting)

    def _result(
        self, execution: Execution, watched: Watched | None, standing: notices.Standing
    ) -> Outgoing | None:
        place = watched.place if watched else self._place(execution, standing)
        if place is None:
            return None
        reply = wording.result(self._engine, execution)
        if reply is None and not self._is_said(execution, watched):
            # The alias wants no result: its acknowledgement shows how it ended.
            reply = wording.acknowledgement(self._engine, execution, watched.ack if watched else None)
        if reply is None:
            return None
        return Outgoing(key=wording.key_of(execution), place=place, reply=reply, answers=execution.id)

    def _place(self, execution: Execution, standing: notices.Standing) -> Place | None:
        place = wording.place_of(execution)
        if place is None or place.reply_to is not None:
            return place
        # Nobody typed it: a rule's context says where it is told.
        root = standing.get(wording.thread_key_of(execution))
        if root is not None:
            return self._notices.place_at(channel=root.channel, thread=root.thread)
        return self._notices.place_at(channel=self._notices.channel(place.channel), thread=place.thread)

    def _is_said(self, execution: Execution, watched: Watched | None) -> bool:
        """Whether the acknowledgement stands, in a chat where it cannot be edited."""
        if self._adapter.capabilities.edits:
            return False
        if watched is not None:
            return watched.is_acknowledged
        with self._engine.database.read() as connection:
            return store.posting(connection, self._adapter.name, execution.id) is not None


def _all(jobs: list[Callable[[Connection], object]], connection: Connection) -> None:
    for job in jobs:
        job(connection)
