"""After a crash: who held what, what may go on, and what must be given up. And the leases meanwhile.

An execution that was claimed and has no entry in the spool was never started, and waits again. That
proof needs the database and the data folder to be of the same age. The folder keeps a mark of how
far the journal had come; a database that is behind it was restored from a backup, and then
nothing is started a second time.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import IllegalTransition, StoreFailure
from engine.executions import Executions
from engine.records.execution import Execution
from engine.runners.base import RunResult
from engine.status import Status
from engine.store import executions as store
from engine.store import journal
from engine.store.database import Database
from engine.store.vault import write_private

log = logging.getLogger(__name__)

_UNKNOWN_END = "The server was stopped while this action ran, and how far it came cannot be known."
_RESTORED = "The database was restored from a backup, and what became of this action cannot be known."


class Recovery:
    """`server` names us in claims; `mark` is the file that remembers the journal's end."""

    def __init__(
        self, database: Database, executions: Executions, *, server: str, lease_s: float, mark: Path
    ) -> None:
        self._database = database
        self._executions = executions
        self._server = server
        self.lease = timedelta(seconds=lease_s)
        self._mark = mark
        self._marked = 0
        # A stop marks in its own thread, while the one that keeps leases may be at it.
        self._marking = threading.Lock()
        self.is_restored = False
        """Whether the database is older than the data folder."""

    def held(self, may_go_on: Callable[[Execution], bool]) -> list[store.Claim]:
        """What an earlier server held and `may_go_on`; the rest is abandoned."""
        with self._database.read() as connection:
            self._marked = journal.newest(connection)
            # Nobody else can hold anything in a SQLite database: it is ours alone.
            claims = store.held(connection, server=None if self._database.is_sqlite else self._server)
            waiting = store.waiting(connection)
            has_run = store.newest(connection) is not None
        self.is_restored = self._is_behind(has_run=has_run)
        if self.is_restored:
            log.warning("the database was restored from a backup: nothing is started a second time")
            for execution in waiting:
                self.abandon(execution, _RESTORED)
        self.mark()
        adoptable = []
        for claim in claims:
            if may_go_on(claim.execution):
                log.info("looking after execution %s, started before this server", claim.execution.id)
                adoptable.append(claim)
            else:
                self.abandon(claim.execution, _UNKNOWN_END)
        return adoptable

    def give_back(self, execution: Execution) -> None:
        """It was never started, or may run a second time: it waits again, unless a backup was restored."""
        if self.is_restored:
            self.abandon(execution, _RESTORED)
            return
        log.info("execution %s waits again", execution.id)
        self._executions.give_back(execution.id, attempt=execution.attempt)

    def abandon(self, execution: Execution, reason: str) -> None:
        result = RunResult(status=Status.ABANDONED, result={"error": reason, "traceback": ""})
        try:
            self._executions.finish(execution.id, result, attempt=execution.attempt)
        except IllegalTransition as error:
            log.warning("execution %s: %s", execution.id, error)

    # while the server lives

    def keep(self, stopping: threading.Event, *, is_busy: Callable[[], bool]) -> None:
        """Extend leases and move the mark until `stopping`; for a thread of its own."""
        while not stopping.wait(self.lease.total_seconds() / 3):
            try:
                if is_busy():
                    self._database.write(self._extend)
                if not self._database.is_sqlite:
                    self._abandon_expired()
                self.mark()
            except StoreFailure:
                return
            except OSError as error:
                log.error("the mark of the journal cannot be written: %s", error)

    def mark(self) -> None:
        """Remember how far the journal has come. Also called at a stop in order."""
        with self._marking:
            with self._database.read() as connection:
                newest = journal.newest(connection)
            if newest > self._marked or not self._mark.exists():
                write_private(self._mark, str(newest).encode())
                self._marked = newest

    def _is_behind(self, *, has_run: bool) -> bool:
        """A folder without a mark is new, or got an old database put into it: one that knows executions.
        Commands that need no server (`user add`, `import`) write into a new one too.
        """
        try:
            return self._marked < int(self._mark.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return has_run

    def _extend(self, connection: Connection) -> None:
        store.extend_leases(connection, self._server, utcnow() + self.lease)

    def _abandon_expired(self) -> None:
        """Servers share a PostgreSQL: what one held that fell silent is given up by another."""
        with self._database.read() as connection:
            claims = store.held(connection, expired_at=utcnow() - self.lease)
        for claim in claims:
            if claim.execution.claimed_by != self._server:
                self.abandon(claim.execution, _UNKNOWN_END)
