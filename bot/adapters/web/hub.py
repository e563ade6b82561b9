"""Carries what happens in the web chat to every open page: one thread reads, the pages' loops write.

The journal is the stream: the id of an event is the id of its journal entry. A page that comes
back says what it saw last and gets the rest; passing states have no id and are not repeated.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.web import wire
from engine.records.journal import JournalEntry
from engine.store import chat as store
from engine.store import journal
from engine.store.database import Database

log = logging.getLogger(__name__)

# A page that does not read so many frames is cut off; it comes back with its cursor.
QUEUE_LIMIT = 1000
# A page that missed more than this loads its channel anew.
REPEAT_LIMIT = 500
_SCAN_LIMIT = 50_000


@dataclass(slots=True, kw_only=True, eq=False)
class Page:
    """One open event stream. `queue` is only touched in `loop`; None in it is the end."""

    direct_channel: str
    """The one direct channel that this person may see."""
    after: int
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT + 1))
    is_lost: bool = False

    def may_see(self, channel: str) -> bool:
        return not channel.startswith("@") or channel == self.direct_channel

    def push(self, frames: list[bytes]) -> None:
        """From any thread."""
        try:
            self.loop.call_soon_threadsafe(self._put, frames)
        except RuntimeError:
            # The loop is closed: the server is stopping.
            self.is_lost = True

    def look(self) -> None:
        """On the loop: have whoever writes to the page see whether it may go on. The empty frame says so."""
        self._put([b""])

    def end(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._put_end)
        except RuntimeError:
            self.is_lost = True

    def _put(self, frames: list[bytes]) -> None:
        for one in frames:
            if self.queue.qsize() >= QUEUE_LIMIT:
                self._put_end()
                return
            self.queue.put_nowait(one)

    def _put_end(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.queue.put_nowait(None)


class Hub:
    """`start`ed once; `join` and `leave` come from the event loop, `flash` from any thread."""

    def __init__(self, database: Database, adapter: str) -> None:
        self._database = database
        self._adapter = adapter
        self._wake = threading.Condition()
        self._pages: list[Page] = []
        self._joining: list[Page] = []
        self._at_stop: list[Callable[[], None]] = []
        self._fresh: dict[str, int] = {}
        self._stopping = False
        self._position = 0
        self._thread: threading.Thread | None = None
        self._detach: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._detach = self._database.attach_everywhere(self._committed)
        with self._database.read() as connection:
            self._position = journal.newest(connection)
        self._thread = threading.Thread(target=self._run, name="web chat hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends every stream. Idempotent."""
        self._detach()
        self._detach = lambda: None
        with self._wake:
            self._stopping = True
            pages, self._pages, self._joining = self._pages + self._joining, [], []
            self._wake.notify()
            at_stop, self._at_stop = self._at_stop, []
        for page in pages:
            page.end()
        for call in at_stop:
            call()
        if self._thread is not None:
            self._thread.join(5)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def at_stop(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` called when the streams are to end; returns what takes that back."""
        with self._wake:
            self._at_stop.append(call)

        def undo() -> None:
            with self._wake:
                if call in self._at_stop:
                    self._at_stop.remove(call)

        return undo

    def open_of(self, direct_channel: str) -> int:
        """How many streams this person has open."""
        with self._wake:
            return sum(1 for one in (*self._pages, *self._joining) if one.direct_channel == direct_channel)

    def join(self, page: Page) -> None:
        """The page first gets what came after its cursor, then what comes."""
        with self._wake:
            if self._stopping:
                page.end()
                return
            self._joining.append(page)
            self._wake.notify()

    def leave(self, page: Page) -> None:
        with self._wake:
            for pages in (self._pages, self._joining):
                if page in pages:
                    pages.remove(page)

    def flash(self, channel: str, event: str, data: Any) -> None:
        """Show a passing state to whoever looks now."""
        with self._wake:
            pages = [page for page in self._pages if page.may_see(channel)]
        if pages:
            shown = [wire.frame(event, data)]
            for page in pages:
                page.push(shown)

    def _committed(self, entries: list[JournalEntry]) -> None:
        mine = [
            one for one in entries if one.kind == store.MESSAGE_KIND and one.data["adapter"] == self._adapter
        ]
        if mine:
            with self._wake:
                for entry in mine:
                    self._fresh.pop(entry.subject, None)
                    self._fresh[entry.subject] = entry.id
                self._wake.notify()

    # the thread

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._fresh or self._joining or self._stopping):
                    self._wake.wait()
                if self._stopping:
                    return
                fresh, self._fresh = self._fresh, {}
                joining, self._joining = self._joining, []
                here = list(self._pages)
            if fresh:
                self._position = max(self._position, *fresh.values())
            if fresh and here:
                frames = self._frames(fresh)
                for page in here:
                    page.push([one for channel, one in frames if page.may_see(channel)])
            for page in joining:
                page.push(self._missed(page))
            with self._wake:
                self._pages += [page for page in joining if not page.is_lost]

    def _missed(self, page: Page) -> list[bytes]:
        """What came after the page's cursor, up to where the hub is; a `reset` when that is too much."""
        changed = None if self._position - page.after > _SCAN_LIMIT else self._changed(page.after)
        if changed is None:
            return [wire.frame("reset", {"cursor": self._position}, event_id=self._position)]
        frames = [one for channel, one in self._frames(changed) if page.may_see(channel)]
        return [wire.frame("hello", {"cursor": self._position}), *frames]

    def _changed(self, after: int) -> dict[str, int] | None:
        """The messages that the journal names after an entry: id -> newest entry. None: too many."""
        changed: dict[str, int] = {}
        with self._database.read() as connection:
            while entries := journal.entries_after(connection, after, kinds=(store.MESSAGE_KIND,)):
                after = entries[-1].id
                for entry in entries:
                    if entry.id > self._position:
                        return changed
                    if entry.data.get("adapter") == self._adapter:
                        changed.pop(entry.subject, None)
                        changed[entry.subject] = entry.id
                if len(changed) > REPEAT_LIMIT:
                    return None
        return changed

    def _frames(self, changed: dict[str, int]) -> list[tuple[str, bytes]]:
        """(channel, frame) of each of these messages, in the order of their entries."""
        if not changed:
            return []
        with self._database.read() as connection:
            found = {one.id: one for one in store.messages(connection, changed)}
        return [
            (found[one].channel, wire.frame("message", wire.message(found[one]), event_id=entry_id))
            for one, entry_id in changed.items()
            if one in found
        ]
