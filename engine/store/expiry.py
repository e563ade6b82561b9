"""Takes keys out of the datastore when their time to live is over: woken at that moment, never polling."""

import logging
import threading

from engine.clock import utcnow
from engine.errors import StoreFailure
from engine.records.journal import JournalEntry
from engine.store.database import Database
from engine.store.datastore import CHANGED, Datastore

log = logging.getLogger(__name__)

# The machine's clock may be set while we sleep: looked at again after so long, in seconds.
LONGEST_SLEEP_S = 3600.0
_PAUSE_AFTER_FAULT_S = 5.0


class Expiry:
    """A thread from `start` to `stop`. Nobody reads an expired key, even before it is taken out."""

    def __init__(self, database: Database, datastore: Datastore) -> None:
        self._database = database
        self._datastore = datastore
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._detach = self._database.attach(self._committed)
        self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Idempotent."""
        if self._thread is None:
            return
        self._detach()
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._thread = None

    def _committed(self, entries: list[JournalEntry]) -> None:
        if any(entry.kind == CHANGED and "expire_timestamp" in entry.data["new"] for entry in entries):
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause_s = self._round()
            except StoreFailure:
                return
            except Exception:  # the loop must outlive a fault of the database
                log.exception("taking out expired keys failed; trying again")
                pause_s = _PAUSE_AFTER_FAULT_S
            self._wake.wait(pause_s)
            self._wake.clear()

    def _round(self) -> float | None:
        """Take out what is over; how long to sleep unless woken, None for as long as it takes."""
        while True:
            end = self._datastore.next_end()
            if end is None:
                return None
            remaining_s = (end - utcnow()).total_seconds()
            if remaining_s > 0:
                return min(remaining_s, LONGEST_SLEEP_S)
            self._datastore.expire()
