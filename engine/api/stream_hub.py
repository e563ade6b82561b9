"""What happens, rendered once for all readers of the event stream.

The journal is the stream: the id of an event is the id of its entry, so a client that comes back names
the last one it saw and gets the rest. What is new stands in a bounded ring in memory, where every reader
walks at its own pace; who is too slow for the ring reads the journal, and holds nobody up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from engine.alias_news import ALIAS_CHANGED
from engine.announcements import ANNOUNCED
from engine.api import wire_stream
from engine.api.documents import Documents
from engine.api.wire import Document
from engine.api.wire_stream import OUTPUT_EVENT, Frame
from engine.errors import EngineError, NotFound, TooOften
from engine.executions import OUTPUT
from engine.metrics.tallies import Sample
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.status import FINISHED, Status
from engine.store import journal

log = logging.getLogger(__name__)

RING_LIMIT = 1000
RING_LIMIT_BYTES = 32 * 1024 * 1024
# Entries of the journal that are read and rendered at once.
BATCH = 100
RETRY_S = 1.0


class Reader(Protocol):
    """An open stream. `wake` is set, on the event loop, when there is something new."""

    wake: asyncio.Event
    owner: str
    """Whose it is: so many may be open at once."""

    def wants(self, event: str) -> bool:
        """Whether it shows events of that name. Asked from other threads too."""


@dataclass(frozen=True, slots=True)
class Happening:
    """`entry_id`: of its entry in the journal; 0 for output, which is not in it."""

    entry_id: int
    frames: tuple[Frame, ...]

    @property
    def size_bytes(self) -> int:
        return sum(len(frame.body) for frame in self.frames)


class StreamHub:
    """For one event loop, which alone calls what is not said to be for other threads.

    It costs nothing while nobody reads.
    """

    def __init__(self, engine: Engine, documents: Documents) -> None:
        self._engine = engine
        self._documents = documents
        self._readers: set[Reader] = set()
        self._version = 0
        self._ring: deque[Happening] = deque()
        self._ring_bytes = 0
        self._first = 0
        """The number of the oldest happening in the ring; they are counted from 0."""
        self.position = 0
        """The entry of the journal up to which everything stands in the ring, or did."""
        self._outputs: dict[str, int] = {}
        self._shown: dict[str, int] = {}
        """Of actions that run: the last piece of their output in the ring."""
        self._news = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()
        """Set once the pump knows where the journal ends."""
        self._detach: Callable[[], None] = lambda: None
        self._held: set[asyncio.Event] = set()
        self.is_stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # readers

    async def join(self, reader: Reader) -> int:
        """The number of the first happening that is new to it; everything up to `position` is not.

        Raises TooOften.
        """
        most = self._engine.settings.limits.streams
        if sum(1 for one in self._readers if one.owner == reader.owner) >= most:
            raise TooOften(f"There are {most} event streams of yours already.", retry_after_s=RETRY_S)
        self._readers.add(reader)
        self._version += 1
        if self._pump is None:
            self._loop = asyncio.get_running_loop()
            self._pump = self._loop.create_task(self._run(), name="event stream")
        await self._is_open.wait()
        return self.next_number

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)
        self._version += 1
        if not self._readers and self._pump is not None:
            self._detach()
            self._pump.cancel()
            self._pump = None
            self._is_open.clear()
            self._ring.clear()
            self._ring_bytes, self._first = 0, 0
            self._outputs, self._shown = {}, {}

    def hold(self, wake: asyncio.Event) -> Callable[[], None]:
        """For who waits for something else: `wake` is set when the server stops. Gives what ends that."""
        self._loop = asyncio.get_running_loop()
        self._held.add(wake)
        return partial(self._held.discard, wake)

    def stop(self) -> None:
        """Every stream ends, and every wait. From any thread; idempotent."""
        self.is_stopping = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_held)

    @property
    def next_number(self) -> int:
        return self._first + len(self._ring)

    def after(self, number: int) -> list[Happening] | None:
        """From `number` on; None when the ring does not reach back so far."""
        if number < self._first:
            return None
        start = number - self._first
        return [self._ring[index] for index in range(start, len(self._ring))]

    def samples(self) -> list[Sample]:
        """From any thread."""
        return [Sample(metric="stream_readers", value=len(self._readers))]

    # the pump

    async def _run(self) -> None:
        # Attached first: what is committed while we look where the journal ends is not missed.
        self._detach = self._engine.attach(self._listener(asyncio.get_running_loop()))
        self.position = await run_in_threadpool(self._newest)
        self._is_open.set()
        while True:
            await self._news.wait()
            self._news.clear()
            outputs, self._outputs = self._outputs, {}
            try:
                await self._publish(outputs)
            except EngineError:
                log.exception("the event stream could not read what is new")
                self._outputs = {**outputs, **self._outputs}
                await asyncio.sleep(RETRY_S)
                self._news.set()

    async def _publish(self, outputs: Mapping[str, int]) -> None:
        is_more = True
        while is_more:
            version, readers = self._version, tuple(self._readers)

            def wants(event: str, readers: tuple[Reader, ...] = readers) -> bool:
                return any(reader.wants(event) for reader in readers)

            found, position, shown = await run_in_threadpool(
                self._read_live, self.position, outputs, dict(self._shown), wants
            )
            if version != self._version:
                # Somebody came meanwhile, who may want what was left out.
                continue
            is_more = position > self.position
            self.position, self._shown, outputs = position, shown, {}
            for happening in found:
                self._add(happening)
            if found:
                self._wake_all()

    def _add(self, happening: Happening) -> None:
        self._ring.append(happening)
        self._ring_bytes += happening.size_bytes
        while len(self._ring) > RING_LIMIT or (self._ring_bytes > RING_LIMIT_BYTES and len(self._ring) > 1):
            self._ring_bytes -= self._ring.popleft().size_bytes
            self._first += 1

    def _wake_held(self) -> None:
        for wake in self._held:
            wake.set()
        self._wake_all()

    def _wake_all(self) -> None:
        for reader in self._readers:
            reader.wake.set()

    def _listener(self, loop: asyncio.AbstractEventLoop) -> Callable[[list[JournalEntry]], None]:
        def committed(entries: list[JournalEntry]) -> None:
            """In the writer's thread."""
            ours = [entry for entry in entries if entry.kind in wire_stream.LIVE_KINDS]
            if ours and not loop.is_closed():
                outputs = {entry.subject: entry.data["seq"] for entry in ours if entry.kind == OUTPUT}
                loop.call_soon_threadsafe(self._notice, outputs)

        return committed

    def _notice(self, outputs: dict[str, int]) -> None:
        self._outputs.update(outputs)
        self._news.set()

    # in other threads

    def _newest(self) -> int:
        with self._engine.database.read() as connection:
            return journal.newest(connection)

    def _read_live(
        self,
        after: int,
        outputs: Mapping[str, int],
        shown: dict[str, int],
        wants: Callable[[str], bool],
    ) -> tuple[list[Happening], int, dict[str, int]]:
        """The next batch of the journal, and before an end what was printed until then."""
        made: list[Happening] = []
        shows_output = wants(OUTPUT_EVENT)
        if shows_output:
            for execution_id in outputs:
                made += self._output(execution_id, shown)
        entries = self._entries(after)
        known: dict[str, Execution] = {}
        for entry in entries:
            if shows_output and entry.data.get("status") in FINISHED:
                made += self._output(entry.subject, shown)
                shown.pop(entry.subject, None)
            made += self._happenings(entry, wants, known)
        return made, entries[-1].id if entries else after, shown

    def read(self, after: int, upto: int, wants: Callable[[str], bool]) -> tuple[list[Happening], int]:
        """A batch of the journal between the two, and where it ends: for who is too slow, or comes back."""
        entries = [entry for entry in self._entries(after) if entry.id <= upto]
        known: dict[str, Execution] = {}
        made = [one for entry in entries for one in self._happenings(entry, wants, known)]
        return made, entries[-1].id if entries else upto

    def so_far(self, execution_id: str, wants: Callable[[str], bool]) -> tuple[list[Frame], bool]:
        """What there is to tell of an execution and what it started, and whether it has ended.

        Raises NotFound.
        """
        root = self._engine.execution(execution_id)
        return self._story(root, wants), root.is_finished

    def _story(self, execution: Execution, wants: Callable[[str], bool]) -> list[Frame]:
        frames: list[Frame] = []
        events = [event for event in wire_stream.UPDATES if wants(event)]
        document = self._document(execution) if events else {}
        if execution.started_at is not None:
            frames += wire_stream.execution_frames(execution, document, Status.RUNNING, events)
        if wants(OUTPUT_EVENT):
            frames += wire_stream.output_frames(execution, self._engine.output(execution.id))
        for child in self._engine.children(execution.id):
            frames += self._story(self._engine.execution(child), wants)
        if execution.is_finished:
            frames += wire_stream.execution_frames(execution, document, execution.status, events)
        return frames

    def output_after(self, execution_id: str, seq: int) -> list[Happening]:
        return list(self._output(execution_id, {execution_id: seq}))

    def _entries(self, after: int) -> list[JournalEntry]:
        with self._engine.database.read() as connection:
            return journal.entries_after(connection, after, kinds=wire_stream.KINDS, limit=BATCH)

    def _happenings(
        self, entry: JournalEntry, wants: Callable[[str], bool], known: dict[str, Execution]
    ) -> list[Happening]:
        events = [event for event in wire_stream.names_of(entry) if wants(event)]
        if not events:
            return []
        if entry.kind == ANNOUNCED:
            return [Happening(entry.id, (wire_stream.announcement_frame(entry),))]
        if entry.kind == ALIAS_CHANGED:
            document = self._documents.all("actionalias").get(entry.subject)
            return [Happening(entry.id, (wire_stream.alias_frame(entry, document),))]
        execution = known.get(entry.subject)
        if execution is None:
            try:
                execution = known[entry.subject] = self._engine.execution(entry.subject)
            except NotFound:
                # Its time is over, and it was removed.
                return []
        status = Status(entry.data["status"])
        frames = wire_stream.execution_frames(execution, self._document(execution), status, events)
        return [Happening(entry.id, tuple(frames))]

    def _document(self, execution: Execution) -> Document:
        return self._documents.execution(execution, children=self._engine.children(execution.id))

    def _output(self, execution_id: str, shown: dict[str, int]) -> Iterable[Happening]:
        chunks = self._engine.output(execution_id, after=shown.get(execution_id, 0))
        if not chunks:
            return
        shown[execution_id] = chunks[-1].seq
        frames = wire_stream.output_frames(self._engine.execution(execution_id), chunks)
        yield Happening(0, tuple(frames))
