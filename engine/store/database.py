"""The database: one thread that writes, many that read, and the migrations at start.

Writes are grouped: what waits while a commit is under way shares the next one. A caller only
sees "it is committed when this returns".
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from engine import acting
from engine.errors import StoreFailure
from engine.records.audit import Actor
from engine.records.journal import JournalEntry
from engine.store import audit, migrate
from engine.store.hot import run_plain

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[Connection], T]
Listener = Callable[[list[JournalEntry]], None]
# Told of each transaction: how many jobs it had, its seconds, and whether the database took it.
Observer = Callable[[int, float, bool], None]
# Runs at the end of a transaction, on the entries it wrote; what it returns runs after the commit.
Rider = Callable[[Connection, list[JournalEntry]], Callable[[], None] | None]

# Most jobs that share one commit: bounds how long the first of them waits for the last.
GROUP_LIMIT = 256
# A number of our own: writers of several servers on one PostgreSQL take turns, so that
# journal ids become visible in their order.
_ADVISORY_LOCK = 0x5707_C401
_ENTRIES = "stormcrow_entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    at_s: float
    """By time.monotonic()."""
    text: str


class _RiderFailed(Exception):
    """The jobs are good; what rode along with them is not."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A job that waits for its transaction, and whose it is."""

    job: Job[Any]
    actor: Actor
    future: Future[Any]


class Database:
    """Opened by `start`, closed by `close`. Jobs get a connection inside a transaction.

    A job may run a second time, when a neighbour in its group failed: it must do nothing but
    SQL on the connection it is given, and return or raise.
    """

    def __init__(self, url: str, *, durability: str = "full") -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._durability = durability
        self._writer = self._engine(immediate=True)
        self._reader = self._engine(immediate=False)
        self._waiting: deque[_Wanted] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._listeners: list[Listener] = []
        self._remote: list[Listener] = []
        self._ring: Callable[[Connection, list[JournalEntry]], None] = lambda _connection, _entries: None
        self._rider: Rider = lambda _connection, _entries: None
        self._observe: Observer = lambda _jobs, _seconds, _is_good: None
        self.commits = 0
        """How many transactions were committed since the start."""
        self.trouble: Trouble | None = None
        """What the database itself said when it last took no transaction."""

    def start(self) -> None:
        """Migrate and start the writer. Raises StoreFailure."""
        try:
            if self.is_sqlite:
                # Ours alone from its first moment; SQLite gives its other files the same mode.
                Path(self._writer.url.database or "").touch(mode=0o600)
            migrate.to_head(self._writer)
        except (SQLAlchemyError, OSError) as error:
            raise StoreFailure(
                f"The database cannot be used: {error}",
                hint="Check store.url in config.yaml, or the data folder.",
            ) from error
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, then close. Idempotent."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._writer.dispose()
        self._reader.dispose()

    def write(self, job: Job[T]) -> T:
        """Run `job` and return what it returns, once that is committed. Raises what it raises."""
        return self.submit(job).result()

    def submit(self, job: Job[T]) -> "Future[T]":
        """Like `write`, without waiting. Jobs keep the order in which they were submitted."""
        future: Future[T] = Future()
        # What is submitted cannot be taken back: whoever waits for it may give up, the job goes on.
        future.set_running_or_notify_cancel()
        with self._wake:
            if self._closing:
                raise StoreFailure("The server is stopping.")
            self._waiting.append(_Wanted(job, acting.current(), future))
            self._wake.notify()
        return future

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees what is committed."""
        with self._reader.connect() as connection:
            yield connection

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` what each commit of ours put into the journal; returns what detaches it.

        It is called from the writer's thread and must return at once.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def attach_remote(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` what other servers on this database committed; returns what detaches it.

        It may be told of an entry twice, and of ours, so an entry is a reason to look and no more.
        Called from a thread of its own. On SQLite there are no others.
        """
        self._remote.append(listener)
        return lambda: self._remote.remove(listener)

    def attach_everywhere(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of our own commits and of those of others; returns what detaches it."""
        detach, detach_remote = self.attach(listener), self.attach_remote(listener)

        def leave() -> None:
            detach()
            detach_remote()

        return leave

    def tell_remote(self, entries: list[JournalEntry]) -> None:
        """Whoever hears the other servers says here what they committed."""
        _tell(self._remote, entries)

    def ring_with(self, ring: Callable[[Connection, list[JournalEntry]], None]) -> None:
        """Have `ring` called at the end of each transaction that wrote entries. There is one place for it."""
        self._ring = ring

    def ride(self, rider: Rider) -> Callable[[], None]:
        """Have `rider` add its own writes to each transaction, so that they need no commit of their own.

        It is called from the writer's thread, maybe again for the same jobs when the first try
        was rolled back. There is one place for it. Returns what takes it out again.
        """
        self._rider = rider

        def leave() -> None:
            self._rider = lambda _connection, _entries: None

        return leave

    def observe(self, observer: Observer) -> None:
        """Have `observer` told of each transaction, in the writer's thread. There is one place for it."""
        self._observe = observer

    @property
    def waiting(self) -> int:
        """How many jobs wait for their transaction."""
        return len(self._waiting)

    # the writer's thread

    def _run(self) -> None:
        with self._writer.connect() as connection:
            while True:
                with self._wake:
                    while not self._waiting and not self._closing:
                        self._wake.wait()
                    if not self._waiting:
                        return
                    group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
                self._run_group(connection, group, rider=self._rider)

    def _run_group(self, connection: Connection, group: list[_Wanted], *, rider: Rider) -> None:
        try:
            results, entries = self._commit(connection, group, rider=rider)
        except _RiderFailed:
            log.exception("what rides along with the writes failed")
            self._run_group(connection, group, rider=lambda _connection, _entries: None)
            return
        except BaseException as error:  # noqa: BLE001 - handed to the callers, who raise it
            if len(group) == 1:
                group[0].future.set_exception(error)
                return
            # One job spoiled the transaction of all: each gets its own.
            for single in group:
                self._run_group(connection, [single], rider=rider)
            return
        # Listeners first: they wake those who carry on, and callers mostly only answer.
        if entries:
            _tell(self._listeners, entries)
        for wanted, result in zip(group, results, strict=True):
            wanted.future.set_result(result)

    def _commit(
        self, connection: Connection, group: list[_Wanted], *, rider: Rider
    ) -> tuple[list[Any], list[JournalEntry]]:
        began = time.perf_counter()
        try:
            results, entries, after = self._transaction(connection, group, rider=rider)
        except SQLAlchemyError as error:
            if isinstance(error, OperationalError):
                self.trouble = Trouble(at_s=time.monotonic(), text=str(error.__cause__).splitlines()[0])
            self._observe(len(group), time.perf_counter() - began, False)
            raise
        self.commits += 1
        self._observe(len(group), time.perf_counter() - began, True)
        if after is not None:
            after()
        return results, entries

    def _transaction(
        self, connection: Connection, group: list[_Wanted], *, rider: Rider
    ) -> tuple[list[Any], list[JournalEntry], Callable[[], None] | None]:
        entries: list[JournalEntry] = []
        connection.info[_ENTRIES] = entries
        audit.open_acts(connection)
        with connection.begin():
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            results = [_result(connection, wanted) for wanted in group]
            audit.act_as(connection, acting.NOBODY)
            try:
                after = rider(connection, entries)
            except Exception as error:
                raise _RiderFailed from error
            audit.seal(connection)
            if entries:
                self._ring(connection, entries)
        return results, entries, after

    # opening

    def _engine(self, *, immediate: bool) -> SqlEngine:
        if not self.is_sqlite:
            return create_engine(
                self.url, pool_pre_ping=True, isolation_level=None if immediate else "AUTOCOMMIT"
            )
        made = create_engine(self.url, connect_args={"timeout": 30, "check_same_thread": False})
        durability = {"full": "FULL", "normal": "NORMAL"}[self._durability]

        @event.listens_for(made, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            # The driver's own transactions are off: we say BEGIN, so that DDL takes part too.
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={durability}")
            connection.execute("PRAGMA foreign_keys=ON")

        @event.listens_for(made, "begin")
        def begin(connection: Connection) -> None:
            if immediate:
                run_plain(connection, "BEGIN IMMEDIATE")

        return made


def _result(connection: Connection, wanted: _Wanted) -> Any:
    audit.act_as(connection, wanted.actor)
    return wanted.job(connection)


def _tell(listeners: list[Listener], entries: list[JournalEntry]) -> None:
    for listener in list(listeners):
        try:
            listener(entries)
        except Exception:  # a reader's fault must not end the writer
            log.exception("a listener of the journal failed")


def note(connection: Connection, entry: JournalEntry) -> None:
    """Have listeners told of `entry` once this transaction is committed."""
    connection.info[_ENTRIES].append(entry)


def may_note(connection: Connection) -> None:
    """Let `note` be called on a connection that is not the writer's: nobody is told, and no act is kept."""
    connection.info[_ENTRIES] = []
    audit.open_acts(connection)


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'stormcrow.db'}"
