"""Which account in a chat is which user: links made by a one-time code, by hand, or by e-mail.

All links are in memory, and read anew when one was made or ended, here or by another server. One
that is over stays: two names that were one person once must not approve each other's wishes.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import BadInput, Busy, Conflict, Denied, NotFound
from engine.records.access import ACCESS_CHANGED
from engine.records.account import Account, How, Link, LinkCode
from engine.records.audit import Act
from engine.records.journal import JournalEntry
from engine.store import accounts as store
from engine.store import audit
from engine.store.database import Database
from engine.store.vault import Vault

CODE_LIFE = timedelta(minutes=10)
_PURPOSE = "link code"
# Without letters and digits that look alike; 12 of them are 58 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4
# Wrong codes in ten minutes: of one account, and of all together.
_TRIES, _TRIES_OF_ALL = 5, 50
_WRONG = "That code is wrong, was used already, or is older than 10 minutes."


class Accounts:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._lock = threading.Lock()
        self._links: tuple[Link, ...] = ()
        self._active: Mapping[str, Link] = MappingProxyType({})
        self._of: Mapping[str, tuple[str, ...]] = MappingProxyType({})
        self._failures: deque[tuple[float, str]] = deque()
        self._reading = threading.Lock()
        # How often something changed, and how much of that is in memory.
        self._changes, self._read = 0, -1
        database.attach_everywhere(self._committed)

    def _committed(self, entries: list[JournalEntry]) -> None:
        """Of any server; in a thread that does not wait, so nothing is read yet."""
        if any(entry.kind == ACCESS_CHANGED for entry in entries):
            self._changes += 1

    def load(self) -> None:
        with self._reading:
            changes = self._changes
            with self._database.read() as connection:
                self._adopt(store.all_links(connection))
            self._read = changes

    def _refresh(self) -> None:
        if self._read != self._changes:
            self.load()

    def _adopt(self, links: Collection[Link]) -> None:
        self._links = tuple(links)
        self._active = MappingProxyType({one.account.ref: one for one in links if one.ended_at is None})
        refs: dict[str, list[str]] = {}
        for one in self._active.values():
            refs.setdefault(one.user, []).append(one.account.ref)
        self._of = MappingProxyType({user: tuple(found) for user, found in refs.items()})

    # read

    def all(self) -> tuple[Link, ...]:
        """Those that are over too, the oldest first."""
        self._refresh()
        return self._links

    def find(self, account: Account) -> Link | None:
        """The link of an account now."""
        self._refresh()
        return self._active.get(account.ref)

    def owner(self, ref: str) -> str:
        """The user of the account `slack.T1.U7` now; empty when it is linked to nobody."""
        self._refresh()
        found = self._active.get(ref)
        return found.user if found else ""

    def of(self, user: str) -> tuple[str, ...]:
        """The accounts that are this user's now, as settings spell them."""
        self._refresh()
        return self._of.get(user, ())

    def pairs(self) -> list[tuple[str, str]]:
        """Every account and user that are or were linked."""
        return [(one.account.ref, one.user) for one in self.all()]

    # link and unlink

    def link(self, account: Account, *, user: str, by: str, name: str = "") -> Link:
        """By hand of an administrator. Raises Conflict where the account is somebody else's."""
        return self._link(account, user=user, how=How.CODE, name=name, by=by)

    def unlink(self, account: Account, *, by: str) -> Link:
        """Raises NotFound; Conflict for a link that would come back by itself."""
        with self._lock:
            found = self.find(account)
            if found is None:
                raise NotFound(f"{account.ref} is linked to nobody.", hint="stormcrow account list")
            if found.how is How.EMAIL:
                raise Conflict(
                    f"{account.ref} belongs to {found.user} by its e-mail address.",
                    hint="Take the address out of people.emails in config.yaml.",
                )
            now = utcnow()
            self._database.write(lambda connection: store.end(connection, found.number, at=now, by=by))
            self.load()
            return replace(found, ended_at=now, ended_by=by)

    def note_email(self, account: Account, user: str, *, name: str) -> None:
        """What the verified address of an account says; empty: nothing (any more)."""
        found = self.find(account)
        if (found.user if found and found.how is How.EMAIL else "") == user:
            return
        if user:
            self._link(account, user=user, how=How.EMAIL, name=name, by="")
        elif found is not None:
            now = utcnow()
            with self._lock:
                self._database.write(lambda connection: store.end(connection, found.number, at=now, by=""))
                self.load()

    def _link(self, account: Account, *, user: str, how: How, name: str, by: str) -> Link:
        with self._lock:
            now = utcnow()
            self._database.write(
                lambda connection: self._add(
                    connection, account, user=user, how=how, name=name, at=now, by=by
                )
            )
            self.load()
            return self._active[account.ref]

    def _add(
        self,
        connection: Connection,
        account: Account,
        *,
        user: str,
        how: How,
        name: str,
        at: datetime,
        by: str,
    ) -> None:
        # As it is stored: another server may have linked it just now.
        found = store.active(connection, account)
        if found is not None and found.how is How.CODE and how is How.CODE:
            # Not whose it is: the code may have been stolen by whoever asks.
            raise Conflict(
                f"{account.ref} is linked already.", hint="End that first: say unlink, in a direct message."
            )
        if found is not None:
            store.end(connection, found.number, at=at, by=by)
        store.add(connection, account, user=user, how=how, name=name, at=at, by=by)

    # codes

    def new_code(self, user: str, *, account: str = "") -> tuple[str, LinkCode]:
        """A code for this user, shown this once; it takes the place of the user's last one.

        `account`: the only one that may say it, for example slack.T1.U7; empty: whoever has the code.
        """
        letters = "".join(secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP))
        code = "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
        made = LinkCode(user=user, account=account, expires_at=utcnow() + CODE_LIFE)

        def add(connection: Connection) -> None:
            store.drop_codes(connection, user=user, now=utcnow())
            store.add_code(connection, self._digests(code)[0], made)
            about = {"account": account} if account else {}
            audit.record(connection, Act(kind="account.code_made", object=user, details=about))

        self._database.write(add)
        return code, made

    def redeem(self, code: str, account: Account, *, name: str) -> Link:
        """Make the account that says the code the user's; the code is used up with that, also when it fails.

        Raises BadInput for a wrong code, Denied for one that is for another account, Conflict where the
        account is linked already, Busy after too many wrong ones.
        """
        self._check_tries(account.ref)
        found = self._take(code)
        if found is None or found.expires_at <= utcnow():
            with self._lock:
                self._failures.append((time.monotonic(), account.ref))
            raise BadInput(_WRONG, hint="Make a new one: stormcrow account code")
        if found.account and found.account != account.ref:
            raise Denied(
                "That code is for another account, and void now.",
                hint=f"Make one for this account: stormcrow account code --account {account.ref}",
            )
        return self._link(account, user=found.user, how=How.CODE, name=name, by=found.user)

    def void(self, code: str) -> None:
        """Others have seen it."""
        self._take(code)

    def _take(self, code: str) -> LinkCode | None:
        def take(connection: Connection) -> LinkCode | None:
            taken = (store.take_code(connection, digest) for digest in self._digests(code))
            return next((one for one in taken if one is not None), None)

        return self._database.write(take)

    def _digests(self, code: str) -> tuple[str, ...]:
        """Under each of our keys, the newest first: a code outlives a change of keys."""
        plain = code.lower().replace("-", "").replace(" ", "")
        return self._vault.signatures(_PURPOSE, plain)

    def _check_tries(self, ref: str) -> None:
        with self._lock:
            oldest = time.monotonic() - CODE_LIFE.total_seconds()
            while self._failures and self._failures[0][0] < oldest:
                self._failures.popleft()
            own = sum(one == ref for _, one in self._failures)
            if own >= _TRIES or len(self._failures) >= _TRIES_OF_ALL:
                raise Busy("Too many wrong codes.", hint="Wait ten minutes, then make a new one.")
