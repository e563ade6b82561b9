"""Which sensors this server may run: all, or those it has a lease on where servers share a database."""

import logging
import time
from collections.abc import Collection

from engine.errors import EngineError
from engine.store import sensor_leases as store
from engine.store.database import Database

log = logging.getLogger(__name__)


class Leases:
    """A lease holds for less time here than in the database: who lost it knows before the next may start."""

    def __init__(self, database: Database, *, server: str, lease_s: float) -> None:
        self._database = database
        self._server = server
        self._lease_s = lease_s
        self._held: frozenset[str] = frozenset()
        self._until = 0.0

    @property
    def is_needed(self) -> bool:
        """SQLite has one server, which its data folder's lock sees to."""
        return not self._database.is_sqlite

    @property
    def pause_s(self) -> float | None:
        """How long to wait between two renewals; None: they are not needed."""
        return self._lease_s / 4 if self.is_needed else None

    def holds(self, ref: str) -> bool:
        return not self.is_needed or (ref in self._held and time.monotonic() < self._until)

    def renew(self, refs: Collection[str]) -> bool:
        """Ask for the leases of `refs`. Whether what we hold is another set than before."""
        if not self.is_needed:
            return False
        before, until = self._held, time.monotonic() + self._lease_s * 0.8
        try:
            self._held = self._database.write(
                lambda connection: store.renew(connection, self._server, refs, lease_s=self._lease_s)
            )
        except EngineError as error:
            log.warning("the leases of sensors were not renewed: %s", error)
            return time.monotonic() >= self._until
        self._until = until
        return before != self._held

    def release(self) -> None:
        """When no sensor of ours runs any more."""
        if not self.is_needed:
            return
        self._held = frozenset()
        try:
            self._database.write(lambda connection: store.release(connection, self._server))
        except EngineError as error:
            log.warning("the leases of sensors were not released, and run out: %s", error)
