"""Tells a chat what became of its commands: a reader of the journal, at least once, in order.

An answer goes to the thread of its command. A chat that lives in our own database gets it in the
transaction that moves the reader's cursor, and so exactly once; any other chat gets it again when
the server dies between the post and that transaction. A chat that can edit sees one message per
command: the acknowledgement becomes the result.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from bot import wording
from bot.chat import ChatAdapter, Outgoing, Place, Posted
from bot.live import Live, Watched
from engine.alias_executions import AliasExecution
from engine.records.chat import Posting
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.status import FINISHED
from engine.store import chat as store
from engine.store.reader import nothing

log = logging.getLogger(__name__)


class Announcer:
    """One per adapter: `start` it before the adapter, `stop` it after."""

    def __init__(self, engine: Engine, adapter: ChatAdapter) -> None:
        self._engine = engine
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
                f"announcer:{self._adapter.name}", self.handle, kinds=("execution.changed",)
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
        """Post what has ended. What it returns is done in the transaction that moves the cursor."""
        ours = [
            entry.subject
            for entry in entries
            if entry.data.get("adapter") == self._adapter.name and entry.data.get("status") in FINISHED
        ]
        if not ours:
            return nothing
        with self._posting:
            outgoing: list[Outgoing] = []
            jobs: list[Callable[[Connection], object]] = []
            for execution_id in dict.fromkeys(ours):
                execution = self._engine.execution(execution_id)
                watched = self._live.forget(execution_id)
                answer = self._result(execution, watched)
                if answer is None:
                    continue
                if self._adapter.is_own:
                    outgoing.append(answer)
                    jobs.append(
                        partial(
                            store.close_posting,
                            adapter=self._adapter.name,
                            execution_id=execution_id,
                            status=execution.status,
                        )
                    )
                else:
                    jobs.append(self._post(execution, answer, watched))
            if outgoing:
                jobs.insert(0, self._adapter.posting_job(outgoing))
        return partial(_all, jobs) if jobs else nothing

    def _result(self, execution: Execution, watched: Watched | None) -> Outgoing | None:
        place = watched.place if watched else wording.place_of(execution, self._adapter.name)
        if place is None:
            return None
        reply = wording.result(self._engine, execution)
        if reply is None and not self._is_said(execution, watched):
            # The alias wants no result: its acknowledgement shows how it ended.
            reply = wording.acknowledgement(self._engine, execution, watched.ack if watched else None)
        if reply is None:
            return None
        return Outgoing(key=wording.key_of(execution), place=place, reply=reply)

    def _is_said(self, execution: Execution, watched: Watched | None) -> bool:
        """Whether the acknowledgement stands, in a chat where it cannot be edited."""
        return not self._adapter.capabilities.edits and self._known(execution, watched) is not None

    def _known(self, execution: Execution, watched: Watched | None) -> Posted | None:
        """Where something about this execution stands in the chat already."""
        if watched is not None and watched.posted is not None:
            return watched.posted
        with self._engine.database.read() as connection:
            row = store.posting(connection, self._adapter.name, execution.id)
        if row is None:
            return None
        return Posted(channel=row.channel, message_id=row.message_id, thread=row.thread_id)

    def _post(
        self, execution: Execution, answer: Outgoing, watched: Watched | None
    ) -> Callable[[Connection], object]:
        """Post to a chat elsewhere. Raises OSError when it cannot be reached; the reader tries again."""
        known = self._known(execution, watched)
        if known is not None and self._adapter.capabilities.edits:
            posted = self._adapter.edit(known, answer)
        else:
            posted = self._adapter.post(answer)
        posting = Posting(
            adapter=self._adapter.name,
            execution_id=execution.id,
            channel=posted.channel,
            thread_id=posted.thread,
            message_id=posted.message_id,
            status=execution.status,
        )
        return partial(store.keep_posting, posting=posting)


def _all(jobs: list[Callable[[Connection], object]], connection: Connection) -> None:
    for job in jobs:
        job(connection)
