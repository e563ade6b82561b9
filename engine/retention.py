"""Removes what is older than the settings keep it: in small bites, and never what is not over.

A timer wakes it, not before the settings let something be old enough again.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Protocol

from sqlalchemy import Connection

from engine.clock import isoformat, utcnow
from engine.errors import BadInput, StoreFailure
from engine.records.audit import Act
from engine.settings.retention import RetentionSettings
from engine.store import audit, journal, old_rows
from engine.store import removal as store
from engine.store.database import Database
from engine.store.old_rows import Old

log = logging.getLogger(__name__)

# So many executions, events ... share a transaction: others wait for no more.
_BITE = 200
_ACTS_BITE = 1_000
FIRST_AFTER_S = 60.0
# Days are kept to the hour.
EVERY_S = 3600.0

Remove = Callable[[Connection, datetime], int]
_BITES: Mapping[str, Remove] = MappingProxyType(
    {
        "output": lambda connection, before: store.remove_output(connection, before=before, limit=_BITE),
        "workflows": lambda connection, before: store.remove_workflows(
            connection, before=before, limit=_BITE
        ),
        "events": lambda connection, before: store.remove_events(connection, before=before, limit=_BITE),
        "enforcements": lambda connection, before: store.remove_enforcements(
            connection, before=before, limit=_BITE
        ),
        "journal": lambda connection, before: store.remove_entries(
            connection, before=before, limit=_ACTS_BITE
        ),
        "audit": lambda connection, before: store.remove_acts(connection, before=before, limit=_ACTS_BITE),
    }
)
EXECUTIONS = "executions"
# What a person may have removed at once, whatever the settings say, and how it is counted before.
PURGED = (EXECUTIONS, "events", "enforcements", "messages", "alerts", "pipelines", "callbacks", "schedules")
# What a chat delivers again must be known, or it would be done again.
LEAST_DAYS: Mapping[str, int] = MappingProxyType({"messages": 7, "deliveries": 7, "schedules": 7})


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    kind: str
    count: int
    is_done: bool
    """False: there is more, to be asked for again."""


class Reads(Protocol):
    """Who reads the journal, and what of it."""

    @property
    def name(self) -> str: ...
    @property
    def kinds(self) -> Collection[str]: ...


class Retention:
    def __init__(
        self, database: Database, settings: RetentionSettings, *, readers: Callable[[], Iterable[Reads]]
    ) -> None:
        """`readers`: of the journal, those of this server."""
        self._readers = readers
        self._database = database
        self._days: dict[str, int] = {
            EXECUTIONS: settings.executions_days,
            "output": settings.output_days,
            "workflows": settings.workflows_days,
            "events": settings.events_days,
            "enforcements": settings.enforcements_days,
            "journal": settings.journal_days,
            "audit": settings.audit_days,
            "messages": settings.messages_days,
            "deliveries": LEAST_DAYS["deliveries"],
            "alerts": settings.alerts_days,
            "pipelines": settings.pipelines_days,
            "callbacks": settings.callbacks_days,
            "schedules": settings.schedules_days,
        }
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Between two bites. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        # Whoever starts the server waits for other things.
        pause_s = FIRST_AFTER_S
        while not self._stopping.wait(pause_s):
            pause_s = EVERY_S
            try:
                self.sweep(now=utcnow())
            except StoreFailure:
                return
            except Exception:  # the loop must outlive a fault of the database
                log.exception("removing what is old failed; trying again")

    def sweep(self, *, now: datetime) -> Mapping[str, int]:
        """Remove all that is too old at `now`; how many of each kind."""
        removed = {}
        for kind, days in self._days.items():
            if days and not self._stopping.is_set():
                kept = max(days, LEAST_DAYS.get(kind, 0))
                count = self._remove(kind, now - timedelta(days=kept))
                if count:
                    removed[kind] = count
                    log.info("removed what is older than %d days: %s", kept, kind, extra={"count": count})
        return removed

    def _remove(self, kind: str, before: datetime) -> int:
        """All of a kind, and an act that says so."""
        if kind == "journal":
            self._pass_over()
        count = sum(self._bites(kind, before))
        # Of what chats delivered only the keys were left.
        if count and kind != "deliveries":
            act = Act(
                kind="history.removed", object=kind, details={"before": isoformat(before), "count": count}
            )
            self._database.write(partial(audit.record, act=act))
        return count

    def _pass_over(self) -> None:
        """A reader for whom nothing came for long has a cursor that is far behind."""
        for reader in self._readers():
            with self._database.read() as connection:
                position, end = journal.position(connection, reader.name), journal.newest(connection)
                if position is None or not store.is_idle(connection, reader.kinds, after=position, up_to=end):
                    continue
            self._database.write(partial(_move_on, reader=reader.name, to=end))

    def _bites(self, kind: str, before: datetime, *, action: str = "") -> Iterator[int]:
        if kind == EXECUTIONS:
            yield from self._families(before, action=action)
            return
        for old in old_rows.KINDS.get(kind, ()):
            yield from self._rows(old, before)
        if kind in _BITES:
            yield from self._oldest(kind, before)

    def _oldest(self, kind: str, before: datetime) -> Iterator[int]:
        while not self._stopping.is_set():
            count = self._database.write(lambda connection: _BITES[kind](connection, before))
            if not count:
                return
            yield count

    def _rows(self, old: Old, before: datetime) -> Iterator[int]:
        """Until nothing more goes: what was needed by a row that went may go then."""
        found, after = 1, None
        while found and not self._stopping.is_set():
            found = 0
            while True:
                with self._database.read() as connection:
                    page = old_rows.page(connection, old, before=before, after=after, limit=_BITE)
                if page.orders:
                    job = partial(old_rows.remove, old=old, orders=page.orders, before=before)
                    count = self._database.write(job)
                    found += count
                    yield count
                after = page.last
                if after is None or self._stopping.is_set():
                    break

    def _families(self, before: datetime, *, action: str = "") -> Iterator[int]:
        """A family goes children first, so that a parent is never without them."""
        after = ""
        while not self._stopping.is_set():
            with self._database.read() as connection:
                roots = store.old_roots(connection, before=before, after=after, action=action, limit=_BITE)
                families = [family for root in roots if (family := store.family(connection, root))]
            if not roots:
                return
            after = roots[-1]
            for bite in _in_bites(families):
                self._database.write(partial(store.remove_executions, ids=bite))
                yield len(bite)

    # what a person wants

    def count(self, kind: str, *, before: datetime, action: str = "") -> int:
        """How many a purge would remove: of executions those without a parent. Raises BadInput."""
        _check(kind, action, before)
        with self._database.read() as connection:
            match kind:
                case "executions":
                    return store.count_roots(connection, before=before, action=action)
                case "events":
                    return store.count_events(connection, before=before)
                case "enforcements":
                    return store.count_enforcements(connection, before=before)
                case _:
                    return old_rows.count(connection, kind, before=before)

    def purge(self, kind: str, *, before: datetime, action: str = "", most: int = 20_000) -> Purged:
        """Remove what ended before that moment, at least `most` if there are so many. Raises BadInput.

        The act is written first: nothing is gone that nobody is known to have wanted gone.
        """
        _check(kind, action, before)
        details = {"before": isoformat(before), **({"action": action} if action else {})}
        act = Act(kind="history.purged", object=kind, details=details)
        self._database.write(partial(audit.record, act=act))
        count = 0
        for bite in self._bites(kind, before, action=action):
            count += bite
            if count >= most:
                return Purged(kind=kind, count=count, is_done=False)
        return Purged(kind=kind, count=count, is_done=True)


def _move_on(connection: Connection, *, reader: str, to: int) -> None:
    # It may have moved on itself meanwhile, and never goes back.
    if (journal.position(connection, reader) or 0) < to:
        journal.move(connection, reader, to)


def _check(kind: str, action: str, before: datetime) -> None:
    if kind not in PURGED:
        raise BadInput(f'"{kind}" cannot be purged.', hint=f"Choose from {', '.join(PURGED)}.")
    if action and kind != EXECUTIONS:
        raise BadInput("Only executions are of an action.", hint="Leave the action out.")
    least = LEAST_DAYS.get(kind, 0)
    if least and before > utcnow() - timedelta(days=least):
        raise BadInput(
            f"Of {kind} the last {least} days cannot be purged.",
            hint="A chat may deliver a message again, which must be known then.",
        )


def _in_bites(families: list[list[str]]) -> Iterator[list[str]]:
    """Whole families together where they are small; of large ones the last members first."""
    bite: list[str] = []
    for family in families:
        rest = family
        while len(rest) > _BITE:
            yield rest[-_BITE:]
            rest = rest[:-_BITE]
        if len(bite) + len(rest) > _BITE:
            yield bite
            bite = []
        bite = [*bite, *rest]
    if bite:
        yield bite
