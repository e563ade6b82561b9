"""Who asks: API keys, tokens that people log in for, and those that running actions get for themselves."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.api_keys import ApiKeys, new_key
from engine.clock import utcnow
from engine.errors import Unauthenticated, Untrusted
from engine.records.access import ApiKey, KeyLimits, Requester, Token
from engine.records.execution import Execution, new_id
from engine.status import HELD
from engine.store import outside, tokens
from engine.store.database import Database
from engine.store.vault import Vault, write_private
from engine.user_file import UserFile
from engine.withdrawals import Withdrawals

ADMIN = "admin"
API_KEY = "API key"
TOKEN = "authentication token"  # noqa: S105 - how somebody has shown who they are
_TOKEN_PURPOSE = "run token"  # noqa: S105 - the name of a purpose, not a secret
_TOKEN_LIFE = timedelta(hours=24)


class Access:
    """`keys`: those that are made, managed and limited. `withdrawals`: word of what ends."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        users: UserFile,
        *,
        execution: Callable[[str], Execution | None],
        sources: Collection[str] = (),
    ) -> None:
        """`sources`: the ways in besides the file of users; tokens of others do not count any more."""
        self.keys = ApiKeys(database)
        self.withdrawals = Withdrawals(database)
        self.withdrawals.attach(self.keys.forget)
        # User -> when all their logins were ended; None: it must be read.
        self._ends: Mapping[str, datetime] | None = None
        self._end_changes = 0
        self.withdrawals.attach(self._forget_ends)
        self._database = database
        self._vault = vault
        self._users = users
        self._execution = execution
        self._sources = frozenset(sources)
        # Tokens of processes that end with this server, by their SHA-256: user.
        self._lent: dict[str, str] = {}

    def authenticate(
        self, *, api_key: str | None = None, token: str | None = None, address: str = ""
    ) -> Requester:
        """A token wins over a key when both are given, as in StackStorm. Raises Unauthenticated.

        `address`: where the request comes from, for keys that are only good from some.
        """
        if token:
            return self._by_token(token)
        if api_key:
            return self._by_key(api_key, address)
        raise Unauthenticated("Unauthorized - One of Token or API key required.")

    def create_key(
        self, *, user: str, metadata: Mapping[str, Any], limits: KeyLimits | None = None
    ) -> tuple[str, ApiKey]:
        """The key in clear, for this once, and its record."""
        return self.keys.create(user=user, metadata=metadata, limits=limits)

    def first_key(self, folder: Path) -> str | None:
        """The first start makes a key for the administrator, in the file admin.key, which stands alone.

        The key in clear, for this once; None when there are keys already.
        """
        if self.keys.all():
            return None
        clear = new_key()
        # The file first: a stored key whose file was never written would lock everybody out.
        write_private(folder / "admin.key", f"{clear}\n".encode())
        self.keys.create(user=ADMIN, metadata={"made_by": "the first start"}, clear=clear)
        return clear

    def create_token(
        self,
        user: str,
        *,
        life_s: int,
        stamp: str,
        acting_user: str = "",
        taken: tuple[str, datetime] | None = None,
        noting: Callable[[Connection], None] | None = None,
    ) -> tuple[str, Token]:
        """The token in clear, for this once, and its record.

        `stamp`: see UserFile; of `acting_user`, where somebody logs in to act for `user`. `taken`: digest
        and end of a foreign token that it is given for. `noting`: writes what else the login said, in the
        same transaction. Raises Untrusted for the second time.
        """
        clear, now = secrets.token_hex(16), utcnow()
        token = Token(
            id=new_id(),
            user=user,
            stamp=stamp,
            created_at=now,
            expires_at=now + timedelta(seconds=life_s),
            acting_user=acting_user,
        )

        def add(connection: Connection) -> None:
            if taken and not outside.take(connection, taken[0], expires_at=taken[1], now=now):
                raise Untrusted("this very token was exchanged before")
            tokens.drop_expired(connection, now)
            tokens.add(connection, token, _digest(clear))
            if noting is not None:
                noting(connection)

        self._database.write(add)
        return clear, token

    def end_token(self, token_id: str) -> None:
        """Of a login, before its time; nothing happens for one that is over."""
        self._database.write(lambda connection: tokens.end(connection, token_id))

    def end_logins(self, user: str) -> int:
        """All tokens that a user has logged in for, or that others have for them, and all sessions of the
        web chat; API keys stay. How many tokens there were."""
        now = utcnow()
        return self._database.write(lambda connection: tokens.end_all(connection, user, now))

    def is_over(self, user: str, began: float) -> bool:
        """Whether all logins of this user were ended after that moment, in seconds since 1970."""
        ends = self._ends
        if ends is None:
            changes = self._end_changes
            with self._database.read() as connection:
                ends = tokens.ends(connection)
            if changes == self._end_changes:
                self._ends = ends
        end = ends.get(user)
        return end is not None and began < end.timestamp()

    def _forget_ends(self) -> None:
        # Counted first: who has read them before does not put them back.
        self._end_changes += 1
        self._ends = None

    def run_token(self, execution_id: str, attempt: int) -> str:
        """The token of one attempt: good while the execution runs, and the same after a restart."""
        return f"{execution_id}.{attempt}.{self._vault.sign(_TOKEN_PURPOSE, f'{execution_id}.{attempt}')}"

    def lend_token(self, user: str) -> tuple[str, Callable[[], None]]:
        """A token for a process of ours, and what ends it; no restart of the server outlives it."""
        token = f"lent.{new_key()}"
        self._lent[_digest(token)] = user

        def give_back() -> None:
            self._lent.pop(_digest(token), None)

        return token, give_back

    def run_tokens(self, execution_id: str, attempt: int) -> tuple[str, ...]:
        """All that count now: after a change of the key the run still has the one it began with."""
        text = f"{execution_id}.{attempt}"
        return tuple(f"{text}.{signature}" for signature in self._vault.signatures(_TOKEN_PURPOSE, text))

    def _by_key(self, clear: str, address: str) -> Requester:
        key = self.keys.find(clear, address=address)
        return Requester(
            user=key.user,
            method=API_KEY,
            expires_at=key.limits.expires_at,
            key_id=key.id,
            scope=key.limits.scope,
            acting_user=key.acting_user,
        )

    def _by_token(self, token: str) -> Requester:
        borrower = self._lent.get(_digest(token))
        if borrower is not None:
            return Requester(user=borrower, method=TOKEN, is_lent=True)
        execution_id, dot, rest = token.partition(".")
        if not dot:
            return self._by_login(token)
        attempt, _, signature = rest.partition(".")
        if not self._vault.is_signed(_TOKEN_PURPOSE, f"{execution_id}.{attempt}", signature):
            raise Unauthenticated("Unauthorized - Token not found.")
        execution = self._execution(execution_id)
        expires_at = _expiry(execution)
        if execution is None or str(execution.attempt) != attempt or expires_at < utcnow():
            raise Unauthenticated("Unauthorized - Token has expired.")
        return Requester(
            user=execution.user,
            method=TOKEN,
            expires_at=expires_at,
            execution_id=execution.id,
        )

    def _by_login(self, clear: str) -> Requester:
        with self._database.read() as connection:
            token = tokens.by_hash(connection, _digest(clear))
        if token is None:
            raise Unauthenticated("Unauthorized - Token not found.")
        # A new password, or none any more, ends what was given for the old one.
        whose = token.acting_user or token.user
        is_current = token.stamp in self._sources or token.stamp == self._users.stamp(whose)
        if token.expires_at <= utcnow() or not is_current:
            raise Unauthenticated("Unauthorized - Token has expired.")
        return Requester(
            user=token.user,
            method=TOKEN,
            expires_at=token.expires_at,
            key_id=token.id,
            acting_user=token.acting_user,
        )


def _expiry(execution: Execution | None) -> datetime:
    if execution is None or execution.status not in HELD:
        return utcnow() - timedelta(seconds=1)
    return (execution.started_at or execution.requested_at) + _TOKEN_LIFE


def _digest(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()
