"""The audit: read, written to by those without a transaction of their own, and verified."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import partial
from typing import TypeVar

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine import acting
from engine.audit_chain import ChainCheck, Flaw, NotedHead
from engine.errors import EngineError
from engine.log_facts import known
from engine.records.audit import Act, Actor, AuditEntry, AuditFilter, AuditHead
from engine.seldom import Counted, Seldom
from engine.settings.watching import AuditSettings
from engine.specs.rights import RightsSpec
from engine.store import audit as store
from engine.store.database import Database

T = TypeVar("T")
log = logging.getLogger(__name__)

# Somebody's failed logins from one address are written down so often, in seconds.
_LOGINS_EVERY_S = 60.0
# Wrong keys from one address are counted so long before they are told again, in seconds; so many addresses
# are told apart: nobody with a network of them can fill the disk.
_REFUSALS_EVERY_S = 60.0
_MOST_ADDRESSES = 50
_RIGHTS = "rights.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    count: int
    head: AuditHead
    flaws: tuple[Flaw, ...]
    """Empty: every act is as it was written, and none is missing."""


class Audit:
    def __init__(self, database: Database, settings: AuditSettings | None = None) -> None:
        """Without settings the log does not tell the head of the chain."""
        self._database = database
        self._logins = Seldom(every_s=_LOGINS_EVERY_S)
        self._refusals = Counted(every_s=_REFUSALS_EVERY_S, most=_MOST_ADDRESSES)
        self._head_every_s = 0.0 if settings is None else settings.head_every_h * 3600
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tell the head of the chain now, and from time to time."""
        if self._head_every_s:
            self._thread = threading.Thread(target=self._tell_heads, name="audit head", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _tell_heads(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s = self._head_every_s
            try:
                head = self.head()
            except SQLAlchemyError as error:
                log.warning("the head of the audit cannot be read: %s", error)
                continue
            facts = {"number": head.number, "hash": head.hash.hex()}
            log.info(
                "the audit ends with act %d: %s@%d", head.number, head.hash.hex(), head.number, extra=facts
            )

    # write

    def record(self, *acts: Act) -> None:
        """Committed when it returns: for what is not in the database; else an act is part of its fact."""
        self._database.write(partial(_record_all, acts))

    def around(self, noun: str, subject: str, work: Callable[[], T], *, what: str = "") -> T:
        """What changes a file, which no transaction covers: the intention is committed before it, the
        outcome after it. An intention that nothing follows was cut off by a crash: the file may be changed.
        """
        details = {"what": what} if what else {}
        self.record(Act(kind=f"{noun}.writing", object=subject, details=details))
        try:
            made = work()
        except (EngineError, OSError) as error:
            # Its words may hold what was to be written.
            failed = {**details, "error": type(error).__name__}
            self.record(Act(kind=f"{noun}.not_written", object=subject, details=failed))
            raise
        self.record(Act(kind=f"{noun}.written", object=subject, details=details))
        return made

    def login_failed(self, user: str = "", *, via: str) -> None:
        """Written soon, and once a minute. `user` empty: a name that nobody has, which may be a password."""
        if self._logins.is_new((user, via, acting.current().address)):
            act = Act(kind="login.failed", object=user or "an unknown name", user=user, via=via)
            self._database.submit(partial(_record_all, (act,)))

    def refused(self, why: str, *, via: str, address: str) -> None:
        """A key or token that opens nothing. Written soon, once a minute for each address, and counted."""
        times, is_its_own = self._refusals.add(address)
        if times:
            actor = Actor(
                via=via, address=address if is_its_own else "", request_id=known().get("request_id", "")
            )
            act = Act(kind="access.refused", object=why, via=via, details={"times": times})
            with acting.acting_as(actor):
                self._database.submit(partial(_record_all, (act,)))

    def tell_rights(self, rights: RightsSpec) -> None:
        """The files of rights as they are in force now; written where they differ from the last time."""
        if rights.is_broken:
            return
        digest = hashlib.sha256(orjson.dumps(astuple(rights))).hexdigest()
        with self._database.read() as connection:
            last = store.newest_of(connection, _RIGHTS)
        before = "" if last is None else last.facts.get("digest", "")
        if digest == before or (not before and rights == RightsSpec()):
            return
        details = {
            "digest": digest,
            "roles": [role.name for role in rights.roles],
            "assignments": {one.username: one.roles for one in rights.assignments},
            "mappings": {one.group: one.roles for one in rights.mappings},
            "limits": len(rights.limits),
        }
        self.record(Act(kind=_RIGHTS, object="rbac", details=details))

    # read

    def page(
        self, wanted: AuditFilter, *, offset: int = 0, limit: int | None = None
    ) -> tuple[list[AuditEntry], int]:
        """The newest first, and how many there are in all."""
        with self._database.read() as connection:
            return store.page(connection, wanted, offset=offset, limit=limit)

    def get(self, number: int) -> AuditEntry | None:
        with self._database.read() as connection:
            return store.get(connection, number)

    def head(self) -> AuditHead:
        with self._database.read() as connection:
            return store.head(connection)

    def entries(self, wanted: AuditFilter, head: AuditHead) -> Iterator[AuditEntry]:
        """All that fit up to `head`, the oldest first, a batch at a time."""
        number = head.anchor_number
        while True:
            with self._database.read() as connection:
                batch = store.after(connection, number, wanted=wanted, up_to=head.number)
            if not batch:
                return
            yield from batch
            number = batch[-1].number

    def verify(self, noted: NotedHead | None = None) -> Verified:
        """Every act that is there, from the oldest to the head; `noted` must be met on the way."""
        head = self.head()
        check = ChainCheck(number=head.anchor_number, before=head.anchor_hash, noted=noted)
        for entry in self.entries(AuditFilter(), head):
            check.take(entry)
        check.end(number=head.number, head=head.hash)
        check.end_newest(head.newest)
        check.end_noted()
        return Verified(count=check.count, head=head, flaws=tuple(check.flaws))


def _record_all(acts: tuple[Act, ...], connection: Connection) -> None:
    for act in acts:
        store.record(connection, act)
