"""Word that somebody's right may have ended, for whoever holds an answer to them open.

What ends a key or a token says so in the journal, in its transaction, so other servers of the same
database hear of it at once; roles that change are told by the server that reads them.
"""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime

from engine.clock import utcnow
from engine.errors import Denied, NotFound, Unauthenticated
from engine.records.access import ACCESS_CHANGED
from engine.records.journal import JournalEntry
from engine.status import FINISHED
from engine.store.database import Database

# The clock of the loop and that of the wall need not agree to the millisecond.
_SHORTEST_S = 0.01


class Withdrawals:
    """Listeners are called from any thread, in the order in which they came, and return at once."""

    def __init__(self, database: Database) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._of_runs: list[tuple[str, Callable[[], None]]] = []
        database.attach_everywhere(self._committed)

    def attach(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called whenever a right may have ended; returns what detaches it."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def attach_to_run(self, execution_id: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called when this execution has ended, and its token with it."""
        pair = (execution_id, listener)
        with self._lock:
            self._of_runs.append(pair)

        def leave() -> None:
            with self._lock:
                if pair in self._of_runs:
                    self._of_runs.remove(pair)

        return leave

    def tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def _committed(self, entries: list[JournalEntry]) -> None:
        if any(entry.kind == ACCESS_CHANGED for entry in entries):
            self.tell()
        if self._of_runs:
            ended = {entry.subject for entry in entries if entry.data.get("status") in FINISHED}
            with self._lock:
                listeners = [listener for run, listener in self._of_runs if run in ended]
            for listener in listeners:
                listener()


class Standing:
    """Whether an answer that is open may go on; of one event loop.

    `look` says until when it may (None: nobody knows an end), and raises Unauthenticated, Denied or NotFound
    when it may not; it runs in a thread. `wake` is called on the loop when `may_go_on` should be asked.
    """

    def __init__(
        self,
        withdrawals: Withdrawals,
        look: Callable[[], datetime | None],
        wake: Callable[[], None],
        *,
        until: datetime | None,
        beat_s: float,
        run: str = "",
    ) -> None:
        """`until`: what the first look would say. `beat_s`: so often it looks in any case.
        `run`: the execution with whose token it was asked for."""
        self._loop = asyncio.get_running_loop()
        self._look = look
        self._wake = wake
        self._beat_s = beat_s
        self._is_doubted = False
        self.look_at = self._next(until)
        """By the clock of the loop."""
        self._detach = [withdrawals.attach(self.doubt)]
        if run:
            self._detach.append(withdrawals.attach_to_run(run, self.doubt))

    def end(self) -> None:
        for detach in self._detach:
            detach()

    def doubt(self) -> None:
        """From any thread: look again now."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._doubt)

    def _doubt(self) -> None:
        self._is_doubted = True
        self._wake()

    async def may_go_on(self) -> bool:
        """Costs nothing unless there is a reason to look."""
        while self._is_doubted or self._loop.time() >= self.look_at:
            self._is_doubted = False
            try:
                until = await asyncio.to_thread(self._look)
            except (Unauthenticated, Denied, NotFound):
                return False
            self.look_at = self._next(until)
        return True

    def _next(self, until: datetime | None) -> float:
        left_s = self._beat_s if until is None else (until - utcnow()).total_seconds()
        return self._loop.time() + max(_SHORTEST_S, min(self._beat_s, left_s))
