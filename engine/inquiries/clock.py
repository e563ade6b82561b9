"""The time of inquiries: one thread that sleeps until the first reminder, escalation or deadline is due.

What is due stands in the rows, so it is done after a restart too, and once: each is a step of the row.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.clock import utcnow
from engine.content.registry import Content
from engine.errors import StoreFailure
from engine.inquiries.desk import Inquiries
from engine.records.inquiry import KINDS
from engine.records.journal import JournalEntry
from engine.status import Status
from engine.steps import CHANGED
from engine.store import inquiries as store
from engine.store.database import Database
from engine.subjects import RUNNER

log = logging.getLogger(__name__)

# The wall clock may be set while we sleep, and another server on the same database may be gone; so late
# is what is due at the most then.
LONGEST_SLEEP_S = 60.0
_PAUSE_AFTER_FAULT_S = 5.0
_BATCH = 100


@dataclass(slots=True)
class _Wanted:
    """Why it was woken."""

    stop: bool = False
    strays: bool = True
    """Perhaps the execution of an inquiry was ended by somebody else."""


class InquiryClock:
    """A thread from `start` to `stop`."""

    def __init__(self, database: Database, inquiries: Inquiries, content: Content) -> None:
        self._database = database
        self._inquiries = inquiries
        self._content = content
        self._wake = threading.Event()
        self._wanted = _Wanted()
        self._thread: threading.Thread | None = None
        self._detach: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._detach = self._database.attach(self._committed)
        self._thread = threading.Thread(target=self._run, name="inquiries", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What is in hand is finished. Idempotent."""
        self._detach()
        self._detach = lambda: None
        self._wanted.stop = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _committed(self, entries: list[JournalEntry]) -> None:
        for entry in entries:
            if entry.kind in KINDS:
                self._wake.set()
            elif entry.kind == CHANGED and entry.data["status"] == Status.CANCELED and self._asks(entry):
                self._wanted.strays = True
                self._wake.set()

    def _asks(self, entry: JournalEntry) -> bool:
        action = self._content.current.actions.get(entry.data["action"])
        return action is None or action.runner_type == RUNNER

    def _run(self) -> None:
        while not self._wanted.stop:
            self._wake.clear()
            try:
                pause_s = self._round()
            except StoreFailure:
                return
            except Exception:  # the loop must outlive a fault of the database
                log.exception("inquiries: trying again in %.0f s", _PAUSE_AFTER_FAULT_S)
                self._wanted.strays = True
                pause_s = _PAUSE_AFTER_FAULT_S
            if not self._wanted.stop:
                self._wake.wait(pause_s)

    def _round(self) -> float | None:
        """Do what is due; how long to sleep unless woken, None: until then."""
        if self._wanted.strays:
            self._wanted.strays = False
            self._database.write(self._inquiries.changes.settle_strays)
        while not self._wanted.stop:
            with self._database.read() as connection:
                due = store.due(connection, now=utcnow(), limit=_BATCH)
                ahead = store.next_wake(connection) if not due else None
            for inquiry_id in due:
                self._inquiries.work_off(inquiry_id)
            if due:
                continue
            if ahead is None:
                return None if self._database.is_sqlite else LONGEST_SLEEP_S
            return min(LONGEST_SLEEP_S, max(0.0, (ahead - utcnow()).total_seconds()))
        return None
