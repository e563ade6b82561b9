"""Those who wait for the end of an execution."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError

from engine.errors import NotFound
from engine.records.execution import Execution
from engine.records.journal import JournalEntry


class Endings:
    """`read(id)` gives the execution as it is now; NotFound when there is none."""

    def __init__(self, read: Callable[[str], Execution]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Future[Execution]]] = {}

    def of(self, execution_id: str) -> "Future[Execution]":
        """Done when the execution has ended; at once, when it has.

        `execution_id` may also be what `read` understands instead of an id. Raises NotFound.
        """
        future: Future[Execution] = Future()
        with self._lock:
            self._waiting.setdefault(execution_id, []).append(future)
        # Read after it was put down: an end between the two finds it.
        try:
            now = self._read(execution_id)
        except NotFound:
            self.drop(execution_id, future)
            raise
        if now.id != execution_id:
            self.drop(execution_id, future)
            return self.of(now.id)
        if now.is_finished:
            self.drop(execution_id, future)
            _settle(future, now)
        return future

    def drop(self, execution_id: str, future: "Future[Execution]") -> None:
        """Nobody waits for this future any more."""
        with self._lock:
            futures = self._waiting.get(execution_id, [])
            if future in futures:
                futures.remove(future)
            if not futures:
                self._waiting.pop(execution_id, None)

    def heard(self, entries: list[JournalEntry]) -> None:
        """What another server on our database committed: it may have ended something."""
        for entry in entries:
            if entry.subject in self._waiting:
                self.tell(entry.subject)

    def tell(self, execution_id: str) -> None:
        """Called after a commit that may have ended it, in the thread that asked for the commit."""
        if execution_id not in self._waiting:
            return
        execution = self._read(execution_id)
        if not execution.is_finished:
            return
        with self._lock:
            futures = self._waiting.pop(execution_id, [])
        for future in futures:
            _settle(future, execution)


def _settle(future: "Future[Execution]", execution: Execution) -> None:
    # The one who waits and the one who ends it may both come to tell.
    with contextlib.suppress(InvalidStateError):
        future.set_result(execution)
