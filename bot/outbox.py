"""The one way out to chats that are not our own: messages are rows, and a sender carries them.

A message is queued in the transaction of what it tells, so it is never lost; the same key is the same
message, and of several versions only the newest is sent. Per channel one message after the other, not
faster than the chat allows, and a chat that is slow or away holds up nothing else. After an unknown
outcome, or a crash, the chat is asked whether the message is there before it is sent again.
"""

import asyncio
import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from bot.chat import Place, Reply
from bot.naming import named
from bot.port import ChatAdapter, Outgoing
from bot.reply_json import reply_body, reply_from
from engine.records.journal import JournalEntry
from engine.records.outbox import QUEUED, NewOutgoing, StoredOutgoing
from engine.service import Engine
from engine.store import outbox as store

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# A message that makes the carrier fail so often, for no reason that it knows, is given up.
ATTEMPTS = 5
# How often a shared database is asked for what other servers have queued.
SHARED_PAUSE_S = 1.0


class Later(Exception):
    """Nothing was sent; try again after so many seconds."""

    def __init__(self, after_s: float, why: str = "") -> None:
        super().__init__(why or f"try again in {after_s:g} s")
        self.after_s = after_s


class OutcomeUnknown(Exception):
    """The chat may have it, or not."""


class Refused(Exception):
    """The chat will never take this; the text says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One version of one message."""

    key: str
    id: str
    """24 hexadecimal characters; the same for the same key."""
    place: Place
    """`thread` is the chat's own id."""
    reply: Reply
    only_for: str = ""
    """The id of the one person who may read it; empty: everybody at that place."""
    version: int = 1
    """0: a passing state, which may be left out."""


class Carrier(ABC):
    """What a chat network must be able to do; all of it in one event loop.

    Each method raises Later, OutcomeUnknown or Refused.
    """

    pause_s: float = 0.0
    """The shortest time between two messages in one channel, over a longer while."""
    burst: int = 1
    """So many may follow each other at once."""

    @abstractmethod
    async def post(self, letter: Letter) -> str:
        """Say something new; the chat's own id of the message."""

    @abstractmethod
    async def edit(self, letter: Letter, message_id: str) -> str:
        """Put it in the place of an earlier version; the id it has now.

        A chat that cannot edit says what is new, as an answer to that message.
        """

    @abstractmethod
    async def find(self, letter: Letter) -> str | None:
        """The id of the message when the chat has it already; None: it has not, or cannot know."""


def message_id(adapter: str, key: str) -> str:
    return hashlib.sha256(f"{adapter}:{key}".encode()).hexdigest()[:24]


class Outbox:
    """Of one adapter. Rows are queued from any thread; `run` sends them, in the adapter's loop."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._lanes: dict[str, _Lane] = {}

    # queueing

    def job(self, outgoing: Sequence[Outgoing]) -> Callable[[Connection], object]:
        """The part of a transaction that queues all of these."""
        ready = [self._new(one) for one in outgoing]

        def work(connection: Connection) -> None:
            for one in ready:
                store.put(connection, one)

        return work

    def _new(self, one: Outgoing) -> NewOutgoing:
        return NewOutgoing(
            id=message_id(self._name, one.key),
            adapter=self._name,
            key=one.key,
            channel=one.place.channel,
            thread_id=one.place.thread,
            reply_to=one.place.reply_to,
            only_for=one.only_for,
            body=reply_body(self._named(one.reply)),
            may_replace=one.may_replace,
            answers=one.answers,
        )

    def _named(self, reply: Reply) -> Reply:
        return named(reply, self._engine.names, chat=self._name)

    def show(self, outgoing: Outgoing) -> None:
        """A passing state: the newest is sent when nothing durable waits, or never."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            shown = replace(outgoing, reply=self._named(outgoing.reply))
            loop.call_soon_threadsafe(self._show, shown)

    def _show(self, outgoing: Outgoing) -> None:
        lane = self._lane(outgoing.place.channel)
        lane.passing[message_id(self._name, outgoing.key)] = outgoing
        lane.wake()

    # sending

    async def run(self, carrier: Carrier) -> None:
        """Sends until it is cancelled; what is under way then is looked up by the next server."""
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        with self._engine.database.read() as connection:
            doubtful = {one.id for one in store.waiting(connection, self._name)}
        self._carrier, self._doubtful = carrier, doubtful
        detach = self._engine.attach(self._committed)
        try:
            while True:
                for channel in await asyncio.to_thread(self._waiting_lanes):
                    self._lane(channel).wake()
                await self._sleep()
        finally:
            detach()
            self._loop = None
            tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._lanes.clear()

    async def _sleep(self) -> None:
        """Until something is queued; servers that share a database are not told of each other's."""
        pause_s = None if self._engine.database.is_sqlite else SHARED_PAUSE_S
        try:
            await asyncio.wait_for(self._wake.wait(), pause_s)
        except TimeoutError:
            pass
        self._wake.clear()

    def _committed(self, entries: list[JournalEntry]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if any(entry.kind == QUEUED and entry.data["adapter"] == self._name for entry in entries):
            loop.call_soon_threadsafe(self._wake.set)

    def _waiting_lanes(self) -> list[str]:
        with self._engine.database.read() as connection:
            return store.lanes(connection, self._name)

    def _lane(self, channel: str) -> "_Lane":
        lane = self._lanes.get(channel)
        if lane is None:
            lane = self._lanes[channel] = _Lane(
                self._engine, self._name, channel, self._carrier, self._doubtful
            )
        return lane


class _Lane:
    """The messages of one channel, one after the other; a task while there is something to send."""

    def __init__(
        self, engine: Engine, adapter: str, channel: str, carrier: Carrier, doubtful: set[str]
    ) -> None:
        """`doubtful`: the ids of messages that may be there already."""
        self._engine = engine
        self._adapter = adapter
        self._channel = channel
        self._carrier = carrier
        self._doubtful = doubtful
        self.passing: dict[str, Outgoing] = {}
        self.task: asyncio.Task[None] | None = None
        self._has_news = False
        # When the next message may go: a bucket of `burst` that fills up by one every `pause_s`.
        self._free_at = 0.0
        self._failures = 0

    def wake(self) -> None:
        self._has_news = True
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._has_news:
            self._has_news = False
            while await self._send_one():
                pass

    async def _send_one(self) -> bool:
        """False: nothing waits."""
        waiting = await asyncio.to_thread(self._first)
        if waiting is None and not self.passing:
            return False
        if await self._wait_for_turn():
            # A newer version may have come, and is the one to send.
            waiting = await asyncio.to_thread(self._first)
        if waiting is None:
            await self._show_one()
            return True
        self.passing.pop(waiting.id, None)
        await self._carry(waiting)
        return True

    def _first(self) -> StoredOutgoing | None:
        with self._engine.database.read() as connection:
            return store.first_waiting(connection, self._adapter, self._channel)

    async def _wait_for_turn(self) -> bool:
        """Whether it had to wait."""
        carrier, loop = self._carrier, asyncio.get_running_loop()
        now = loop.time()
        left = self._free_at - now - carrier.pause_s * (carrier.burst - 1)
        if left > 0:
            await asyncio.sleep(left)
        self._free_at = max(self._free_at, loop.time()) + carrier.pause_s
        return left > 0

    async def _carry(self, waiting: StoredOutgoing) -> None:
        try:
            letter = await asyncio.to_thread(self._letter, waiting)
            known = waiting.message_id
            if known is None and waiting.id in self._doubtful:
                known = await self._carrier.find(letter)
            if known is None:
                known = await self._carrier.post(letter)
            else:
                known = await self._carrier.edit(letter, known)
        except Later as later:
            await asyncio.sleep(later.after_s)
            return
        except OutcomeUnknown as unknown:
            log.warning("%s: whether a message arrived is not known: %s", self._adapter, unknown)
            self._doubtful.add(waiting.id)
            await self._back_off()
            return
        except Refused as refusal:
            log.error("%s does not take a message in %s: %s", self._adapter, self._channel, refusal)
            await self._write(
                partial(store.refused, outgoing_id=waiting.id, version=waiting.version, error=str(refusal))
            )
            return
        except Exception as fault:  # one message must not hold up all that come after it
            log.exception("%s: a message could not be carried", self._adapter)
            self._doubtful.add(waiting.id)
            await self._back_off()
            if self._failures >= ATTEMPTS:
                self._failures = 0
                error = f"{type(fault).__name__}: {fault}"
                await self._write(
                    partial(store.refused, outgoing_id=waiting.id, version=waiting.version, error=error)
                )
            return
        self._failures = 0
        self._doubtful.discard(waiting.id)
        await self._write(
            partial(
                store.sent,
                outgoing_id=waiting.id,
                version=waiting.version,
                message_id=known,
                answers=waiting.answers,
            )
        )

    async def _back_off(self) -> None:
        self._failures += 1
        await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failures - 1)))

    async def _write(self, job: Callable[[Connection], None]) -> None:
        await asyncio.wrap_future(self._engine.database.submit(job))

    def _letter(self, waiting: StoredOutgoing) -> Letter:
        thread = waiting.thread_id
        if thread is not None:
            with self._engine.database.read() as connection:
                root = store.get(connection, thread)
            if root is not None:
                # It starts with a message of ours; where that was refused there is no thread.
                thread = root.message_id
        place = Place(channel=waiting.channel, thread=thread, reply_to=waiting.reply_to)
        return Letter(
            key=waiting.key,
            id=waiting.id,
            place=place,
            reply=reply_from(waiting.body),
            only_for=waiting.only_for,
            version=waiting.version,
        )

    async def _show_one(self) -> None:
        outgoing_id = next(iter(self.passing))
        outgoing = self.passing.pop(outgoing_id)
        known = await asyncio.to_thread(self._standing, outgoing_id)
        if known is None:
            return
        letter = Letter(
            key=outgoing.key, id=outgoing_id, place=outgoing.place, reply=outgoing.reply, version=0
        )
        try:
            await self._carrier.edit(letter, known)
        except Later as later:
            await asyncio.sleep(later.after_s)
        except (OutcomeUnknown, Refused):
            log.debug("%s: a passing state was not shown", self._adapter, exc_info=True)

    def _standing(self, outgoing_id: str) -> str | None:
        with self._engine.database.read() as connection:
            row = store.get(connection, outgoing_id)
        return None if row is None else row.message_id


class QueuedAdapter(ChatAdapter):
    """A chat that is not our own: what it says goes through the outbox."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.outbox = Outbox(engine, name)

    def message_id(self, key: str) -> str:
        return message_id(self.name, key)

    def posting_job(self, outgoing: Sequence[Outgoing]) -> Callable[[Connection], object]:
        return self.outbox.job(outgoing)

    def show(self, outgoing: Outgoing) -> None:
        if self.capabilities.edits:
            self.outbox.show(outgoing)
