"""A reader of the journal: a thread that follows it from a cursor, woken by commits."""

import logging
import threading
from collections.abc import Callable, Collection

from sqlalchemy import Connection

from engine.errors import EngineError
from engine.records.journal import JournalEntry
from engine.store import journal
from engine.store.database import Database

log = logging.getLogger(__name__)

Handle = Callable[[list[JournalEntry]], Callable[[Connection], object] | None]
Wants = Callable[[JournalEntry], bool]

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
# A batch that fails so often is taken apart, and an entry that does is left out, visibly.
ATTEMPTS = 5
BATCH = 200
# Entries that wait in memory for a slow handler; more of them are read from the journal again.
FRESH_LIMIT = 1000
# After so many entries that needed nothing the cursor is written all the same.
UNWRITTEN_LIMIT = 1000


def nothing(_connection: Connection) -> None:
    """What a handler returns that did nothing with a batch.

    The cursor then moves in memory only, and is written with the next batch that did something:
    passing over entries costs no commit, and passing over them again after a crash does no harm.
    """


class _Overtaken(Exception):
    """Another server has moved the cursor that this one reads by."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the cursor is at {position}")
        self.position = position


class JournalReader:
    """Calls `handle` with entries in order, at least once each, and then moves its cursor.

    What `handle` returns is run in the transaction that moves the cursor: work that stands in our
    own database is then done exactly once. A reader that is new starts at the end of the journal.

    `shares`: servers on one database share the entries, and each is handled by one of them;
    otherwise by each of them. `wants`: asked in the writer's thread, so it must be quick and not
    raise; commits without a wanted entry do not wake this reader. `handle` may be given others too.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        handle: Handle,
        *,
        kinds: Collection[str],
        shares: bool = False,
        wants: Wants = lambda _entry: True,
    ) -> None:
        self.name = name
        self._shares = shares
        self._wants = wants
        # Entries of our kinds since we were last woken.
        self._passed_over = 0
        self._database = database
        self._handle = handle
        self._kinds = frozenset(kinds)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        # What was committed since we attached; None: more than we keep, so it is read.
        self._fresh: list[JournalEntry] | None = []
        self._in_hand = 0
        self._is_behind = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"journal:{name}", daemon=True)
        self._position = self._written = database.write(self._start_position)
        self._detach = database.attach_everywhere(self._committed)
        self._wake.set()
        self._thread.start()

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """Finish the batch in hand. Idempotent."""
        self._detach()
        self._detach = lambda: None
        self._stopping.set()
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    @property
    def kinds(self) -> Collection[str]:
        """What it reads of the journal."""
        return self._kinds

    @property
    def is_alive(self) -> bool:
        """Also when it was stopped: only an end of its own accord is none of its life."""
        return self._thread.is_alive() or self._stopping.is_set()

    @property
    def lag(self) -> int:
        """How many entries it knows of and has not handled; what it passes over does not count."""
        with self._lock:
            fresh = self._fresh
            waiting = 0 if fresh is None else len(fresh)
        if fresh is not None and not self._is_behind:
            return waiting + self._in_hand
        with self._database.read() as connection:
            return max(0, journal.newest(connection) - self._position)

    def _start_position(self, connection: Connection) -> int:
        known = journal.position(connection, self.name)
        if known is not None:
            return known
        end = journal.newest(connection)
        journal.move(connection, self.name, end)
        return end

    def _committed(self, entries: list[JournalEntry]) -> None:
        ours = [entry for entry in entries if entry.id and entry.kind in self._kinds]
        if not ours:
            return
        self._passed_over += len(ours)
        # Now and then the cursor moves all the same, or the next start would have to read all of these.
        if not any(map(self._wants, ours)) and self._passed_over < UNWRITTEN_LIMIT:
            return
        self._passed_over = 0
        with self._lock:
            # Servers that share a PostgreSQL commit between ours, and we may hear of that later: read it.
            if self._fresh is None or not self._database.is_sqlite or len(self._fresh) > FRESH_LIMIT:
                self._fresh = None
            else:
                self._fresh += ours
        self._wake.set()

    def _run(self) -> None:
        self._catch_up()
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                fresh, self._fresh = self._fresh, []
            if fresh is None:
                self._catch_up()
                continue
            entries = [entry for entry in fresh if entry.id > self._position]
            self._in_hand = len(entries)
            for start in range(0, len(entries), BATCH):
                self._work(entries[start : start + BATCH])
                self._in_hand = max(0, self._in_hand - BATCH)

    def _catch_up(self) -> None:
        """Read what stands in the journal behind our position."""
        self._is_behind = True
        while not self._stopping.is_set():
            with self._database.read() as connection:
                entries = journal.entries_after(connection, self._position, kinds=self._kinds, limit=BATCH)
            if not entries:
                self._is_behind = False
                return
            self._work(entries)

    def _work(self, entries: list[JournalEntry]) -> None:
        if self._stopping.is_set():
            # What came before may not be done: the cursor must not pass over it.
            return
        for attempt in range(1, ATTEMPTS + 1):
            try:
                job = self._handle(entries)
                self._move(entries[-1].id, job)
            except _Overtaken as other:
                self._give_way(entries, other.position)
                return
            except (EngineError, OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError):
                log.exception("reader %s failed (attempt %d of %d)", self.name, attempt, ATTEMPTS)
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
                if self._stopping.wait(pause):
                    return
            else:
                return
        if len(entries) > 1:
            for entry in entries:
                self._work([entry])
            return
        log.error("reader %s leaves out entry %d (%s)", self.name, entries[0].id, entries[0].subject)
        try:
            self._move(entries[0].id, None)
        except _Overtaken as other:
            self._give_way(entries, other.position)

    def _give_way(self, entries: list[JournalEntry], position: int) -> None:
        """Another server has handled everything up to `position`; the rest is still to be done."""
        self._written = position
        self._position = max(self._position, position)
        rest = [entry for entry in entries if entry.id > position]
        if rest:
            self._work(rest)

    def _move(self, to: int, job: Callable[[Connection], object] | None) -> None:
        if job is nothing and to - self._written < UNWRITTEN_LIMIT:
            self._position = to
            return

        def work(connection: Connection) -> None:
            if self._shares:
                now = journal.position(connection, self.name)
                if now is not None and now != self._written:
                    raise _Overtaken(now)
            if job is not None:
                job(connection)
            journal.move(connection, self.name, to)

        self._database.write(work)
        self._position = to
        self._written = to
