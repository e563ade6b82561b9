"""Commits of other servers on the same PostgreSQL: told to whom they matter, right away.

Each transaction that writes into the journal ends with a NOTIFY, which PostgreSQL delivers with the
commit. A thread of ours listens on a connection of its own, reads what was written, and tells. When the
connection is lost it is made again, and everything since then is told: a listener may hear of an entry
twice, and of its own, so for it an entry is a reason to look, nothing more.
"""

import logging
import select
import socket
import threading
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from engine.clock import utcnow
from engine.records.journal import JournalEntry
from engine.store import journal
from engine.store.database import Database

log = logging.getLogger(__name__)

_CHANNEL = "stormcrow_journal"
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
# PostgreSQL takes less than 8000 bytes.
_LONGEST_BYTES = 7500
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Wakes:
    """Rings with each transaction of `database`, and tells it what others rang for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._us = uuid4().hex
        self._engine = create_engine(database.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        # Whoever writes into the first end wakes the thread, which looks at the second.
        self._stop_here, self._stops = socket.socketpair()
        self._stopping = threading.Event()
        self._position = 0
        """Everything up to this entry was told, or was there before us."""
        self._is_lost = False
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakes", daemon=True)

    def start(self, *, timeout_s: float = 10.0) -> None:
        """Returns when it listens, so that nothing after it is missed; or after the time."""
        self._database.ring_with(self._ring)
        self._thread.start()
        self._listens.wait(timeout_s)

    def stop(self) -> None:
        """Idempotent."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._stop_here.send(b"x")
        if self._thread.ident is not None:
            self._thread.join()
        self._stop_here.close()
        self._stops.close()
        self._engine.dispose()

    def _ring(self, connection: Connection, entries: list[JournalEntry]) -> None:
        """In the transaction that wrote these entries."""
        ids = [entry.id for entry in entries if entry.id]
        said = [[entry.kind, entry.subject, entry.data] for entry in entries if not entry.id]
        payload: dict[str, Any] = {"from": self._us, "ids": [min(ids), max(ids)] if ids else [], "said": said}
        raw = orjson.dumps(payload)
        if len(raw) > _LONGEST_BYTES:
            # What is only mentioned can be read again elsewhere.
            raw = orjson.dumps({**payload, "said": []})
        connection.execute(_NOTIFY, {"channel": _CHANNEL, "payload": raw.decode()})

    # the thread

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg.Error, SQLAlchemyError, OSError) as error:
                if not self._is_lost:
                    log.warning("commits of other servers are not heard: %s; trying again", error)
                self._is_lost = True
                self._stopping.wait(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
            else:
                pause_s = _FIRST_PAUSE_S

    def _listen(self) -> None:
        """Until the end, or until the connection is lost. Raises psycopg.Error, SQLAlchemyError, OSError."""
        with self._engine.connect() as sql:
            driver: psycopg.Connection[Any] = sql.connection.driver_connection  # type: ignore[assignment]  # psycopg is the only driver
            driver.execute(f"LISTEN {_CHANNEL}")
            self._catch_up()
            self._listens.set()
            while not self._stopping.is_set():
                select.select([driver.fileno(), self._stops.fileno()], [], [])
                if self._stopping.is_set():
                    return
                driver.pgconn.consume_input()
                while (notice := driver.pgconn.notifies()) is not None:
                    self._hear(notice.extra)

    def _catch_up(self) -> None:
        """What was committed while nobody listened."""
        if self._position == 0:
            with self._database.read() as connection:
                self._position = journal.newest(connection)
            return
        log.info("commits of other servers are heard again")
        self._is_lost = False
        while missed := self._entries(self._position):
            self._database.tell_remote(missed)
            self._position = missed[-1].id

    def _hear(self, raw: bytes) -> None:
        payload = orjson.loads(raw)
        ids = payload["ids"]
        if payload["from"] != self._us:
            now = utcnow()
            said = [
                JournalEntry(id=0, at=now, kind=kind, subject=subject, data=data)
                for kind, subject, data in payload["said"]
            ]
            # Writers take turns: between the two there is nothing of anybody else.
            written = self._between(*ids) if ids else []
            if said or written:
                self._database.tell_remote([*written, *said])
        if ids:
            self._position = max(self._position, ids[1])

    def _between(self, first: int, last: int) -> list[JournalEntry]:
        found: list[JournalEntry] = []
        while batch := self._entries(found[-1].id if found else first - 1):
            found += [entry for entry in batch if entry.id <= last]
            if batch[-1].id >= last:
                break
        return found

    def _entries(self, after: int) -> list[JournalEntry]:
        with self._database.read() as connection:
            return journal.entries_after(connection, after)
