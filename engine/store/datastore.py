"""The datastore: small strings by scope and name, secrets sealed, some with a time to live."""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select

from engine.clock import utcnow
from engine.errors import BadInput, StoreFailure
from engine.records.datastore import DatastoreKey, DatastoreRow
from engine.records.execution import new_id
from engine.store import journal
from engine.store.database import Database
from engine.store.vault import Vault

_TABLE = DatastoreRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
SCOPES = {"system": "system", "user": "user", "st2kv.system": "system", "st2kv.user": "user"}


class Datastore:
    """`user` is the owner in the scope `user`, and ignored in the scope `system`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def get(self, scope: str, name: str, *, user: str | None = None) -> str | None:
        """What templates see: the text, or the sealed text of a secret; None when there is none."""
        found = self.read(scope, name, user=user)
        return None if found is None else found.value

    def read(
        self, scope: str, name: str, *, user: str | None = None, decrypt: bool = False
    ) -> DatastoreKey | None:
        scope, owner = _place(scope, user)
        with self._database.read() as connection:
            row = connection.execute(
                select(_TABLE).where(_C.scope == scope, _C.user == owner, _C.name == name, _alive())
            ).first()
        return None if row is None else self._key(row, decrypt=decrypt)

    def keys(
        self, scope: str, *, user: str | None = None, prefix: str = "", decrypt: bool = False
    ) -> list[DatastoreKey]:
        """In the order of their names."""
        scope, owner = _place(scope, user)
        query = select(_TABLE).where(_C.scope == scope, _C.user == owner, _alive()).order_by(_C.name)
        if prefix:
            query = query.where(_C.name.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            return [self._key(row, decrypt=decrypt) for row in connection.execute(query)]

    def put(
        self,
        scope: str,
        name: str,
        value: str,
        *,
        user: str | None = None,
        secret: bool = False,
        ttl_s: float | None = None,
    ) -> DatastoreKey:
        """Make or replace a key; committed when it returns."""
        if not name:
            raise BadInput("A datastore key needs a name.")
        scope, owner = _place(scope, user)
        plain = value.encode()
        stored = self._vault.seal(plain, place=_seal_place(scope, owner, name)) if secret else plain
        expires_at = None if ttl_s is None else utcnow() + timedelta(seconds=ttl_s)

        def work(connection: Connection) -> Row[Any]:
            old = connection.execute(select(_C.id).where(*_at(scope, owner, name))).scalar()
            connection.execute(delete(_TABLE).where(*_at(scope, owner, name)))
            connection.execute(
                insert(_TABLE),
                {
                    "id": old or new_id(),
                    "scope": scope,
                    "user": owner,
                    "name": name,
                    "value": stored,
                    "secret": secret,
                    "expires_at": expires_at,
                },
            )
            journal.append(connection, "datastore.changed", name, {"scope": scope, "user": owner})
            return connection.execute(select(_TABLE).where(*_at(scope, owner, name))).one()

        return self._key(self._database.write(work), decrypt=False)

    def remove(self, scope: str, name: str, *, user: str | None = None) -> bool:
        """Whether there was such a key."""
        scope, owner = _place(scope, user)

        def work(connection: Connection) -> bool:
            gone = connection.execute(delete(_TABLE).where(*_at(scope, owner, name))).rowcount > 0
            if gone:
                journal.append(connection, "datastore.removed", name, {"scope": scope, "user": owner})
            return gone

        return self._database.write(work)

    def decrypt(self, text: str) -> str:
        """The value behind the sealed text that `get` gave. Raises StoreFailure."""
        place, dot, sealed = text.partition(".")
        try:
            where = base64.urlsafe_b64decode(place).decode()
            bytes_ = base64.urlsafe_b64decode(sealed)
        except (binascii.Error, ValueError):
            dot = ""
        if not dot:
            raise StoreFailure(
                "This is not a sealed datastore value.", hint="Use decrypt_kv only on secret keys."
            )
        return self._vault.unseal(bytes_, place=where).decode()

    def _key(self, row: Row[Any], *, decrypt: bool) -> DatastoreKey:
        if not row.secret:
            value = row.value.decode()
        else:
            where = _seal_place(row.scope, row.user, row.name)
            if decrypt:
                value = self._vault.unseal(row.value, place=where).decode()
            else:
                value = f"{_b64(where.encode())}.{_b64(row.value)}"
        return DatastoreKey(
            id=row.id,
            scope=row.scope,
            user=row.user,
            name=row.name,
            value=value,
            secret=row.secret,
            encrypted=row.secret and not decrypt,
            expires_at=row.expires_at,
        )


def _place(scope: str, user: str | None) -> tuple[str, str]:
    if scope not in SCOPES:
        raise BadInput(f'Scope "{scope}" is unsupported.', hint="Use system or user.")
    plain = SCOPES[scope]
    return plain, (user or "") if plain == "user" else ""


def _at(scope: str, user: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return (and_(_C.scope == scope, _C.user == user, _C.name == name),)


def _alive(now: datetime | None = None) -> ColumnElement[bool]:
    return or_(_C.expires_at.is_(None), _C.expires_at > (now or utcnow()))


def _seal_place(scope: str, user: str, name: str) -> str:
    return f"datastore:{scope}:{user}:{name}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
