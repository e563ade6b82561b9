"""Who may log in with a password, changed from the command line and told in the audit; needs no server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from engine.acting import acting_as
from engine.audit import Audit
from engine.records.audit import Actor
from engine.settings import Settings
from engine.store.database import Database, sqlite_url
from engine.user_file import UserFile

T = TypeVar("T")


class UserChanges:
    """Each is an act of `actor`, committed before the file is written. Raises StoreFailure where that cannot
    be, and what the file raises."""

    def __init__(self, settings: Settings, *, actor: Actor) -> None:
        self._settings = settings
        self._actor = actor
        self._file = UserFile(settings.data_folder / "users")

    def put(self, name: str, password: str) -> bool:
        """Whether the name is new."""
        self._file.check(name, password)
        what = "new password" if name in self._file.names() else "added"
        return self._told(name, what, lambda: self._file.put(name, password))

    def remove(self, name: str) -> None:
        self._file.check_known(name)
        self._told(name, "removed", lambda: self._file.remove(name))

    def _told(self, name: str, what: str, work: Callable[[], T]) -> T:
        with acting_as(self._actor), self._audit() as audit:
            return audit.around("user", name, work, what=what)

    @contextmanager
    def _audit(self) -> Iterator[Audit]:
        # A server may have the database open: each act takes the head of the chain as it then is.
        store = self._settings.store
        database = Database(store.url or sqlite_url(self._settings.data_folder), durability=store.durability)
        try:
            database.start()
            yield Audit(database)
        finally:
            database.close()
