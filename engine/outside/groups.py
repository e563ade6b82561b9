"""The groups that LDAP, an issuer or a proxy named at somebody's last login.

All of it is in memory, and read again when a login on this server or another has changed it. A group
counts while its source is configured and for `life_s` after the login; the next login of the same
source says it anew.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.records.outside import LDAP, PROXY, OutsidePerson, Said, folded
from engine.settings import Settings
from engine.store import outside as store
from engine.store.database import Database

# What did not change is written again so seldom: only its time is new.
_AGAIN = timedelta(hours=1)


def sources(settings: Settings) -> tuple[str, ...]:
    """Whose word on groups counts."""
    found = [one.name for one in settings.auth.oidc_logins]
    found += [LDAP] if settings.ldap.host else []
    return (*found, PROXY) if settings.auth.proxy_user_header else tuple(found)


class OutsideGroups:
    """`sources`: those of the settings."""

    def __init__(self, database: Database, *, sources: Collection[str], life_s: int) -> None:
        self._database = database
        self.sources = frozenset(sources)
        self._life = timedelta(seconds=life_s)
        self._lock = threading.Lock()
        self._said: Mapping[tuple[str, str], Said] = {}
        # By source and name: names of LDAP are the same in any case.
        self._users: Mapping[tuple[str, str], tuple[str, ...]] = {}
        self._is_old = False

    def load(self) -> None:
        with self._database.read() as connection:
            self._adopt(store.all_said(connection))

    def look_again(self) -> None:
        """From any thread: somebody may have written."""
        self._is_old = True

    def _refresh(self) -> None:
        if not self._is_old:
            return
        with self._lock:
            if self._is_old:
                # First: what is written while we read is read the next time.
                self._is_old = False
                self.load()

    def _adopt(self, said: Collection[Said]) -> None:
        found: dict[tuple[str, str], list[str]] = {}
        for one in said:
            for group in one.groups:
                found.setdefault((one.source, folded(one.source, group)), []).append(one.user)
        self._said = {(one.user, one.source): one for one in said}
        self._users = {group: tuple(users) for group, users in found.items()}

    def note(self, person: OutsidePerson) -> None:
        """What a login said; committed when it returns."""
        put = self.noting(person)
        if put is not None:
            self._database.write(put)
            self.look_again()

    def noting(self, person: OutsidePerson | None) -> Callable[[Connection], None] | None:
        """What writes into a transaction what a login said; None: there is nothing new."""
        if person is None or person.groups is None:
            return None
        self._refresh()
        now = utcnow()
        groups = tuple(sorted(set(person.groups)))
        known = self._said.get((person.user, person.source))
        if known is not None and known.groups == groups and now - known.said_at < _AGAIN:
            return None
        said = Said(user=person.user, source=person.source, groups=groups, said_at=now)
        return lambda connection: store.put(connection, said)

    def members(self, group: str, *, source: str = "") -> frozenset[str]:
        """Who is in it now; `source` empty: according to any."""
        self._refresh()
        sources = (source,) if source else self.sources
        users, said = self._users, self._said
        return frozenset(
            user
            for one in sources
            for user in users.get((one, folded(one, group)), ())
            if (user, one) in said and self._counts(said[user, one])
        )

    def of(self, user: str) -> tuple[tuple[Said, bool], ...]:
        """All that was said of a user, and whether it counts now."""
        self._refresh()
        return tuple((one, self._counts(one)) for (name, _), one in self._said.items() if name == user)

    def _counts(self, said: Said) -> bool:
        return said.source in self.sources and utcnow() - said.said_at < self._life
