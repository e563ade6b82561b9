"""The datastore: small strings by scope and name, secrets sealed, some with a time to live."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from engine.clock import isoformat, utcnow
from engine.errors import BadInput, Conflict, StoreFailure
from engine.records.audit import Act
from engine.records.datastore import DatastoreKey, DatastoreRow, Expected, KeyFilter
from engine.records.execution import new_id
from engine.store import audit, journal
from engine.store.backends import Backends
from engine.store.database import Database
from engine.store.keyczar import KeyczarKey
from engine.store.vault import Vault

T = TypeVar("T")

# The journal's kinds; their subject is the key's name, and their data:
# {"scope", "user", "old": document or None, "new": document or None, "value_changed": bool}.
# A removal at the end of a key's time to live has "expired": True. Secret values are ********.
CHANGED = "datastore.changed"
REMOVED = "datastore.removed"

MASK = "********"
SCOPES = {"system": "system", "user": "user", "st2kv.system": "system", "st2kv.user": "user"}
# Most keys that leave in one transaction when their time is up.
EXPIRY_BATCH = 200

_TABLE = DatastoreRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
_SORTABLE = {"name": _C.name, "id": _C.id, "secret": _C.secret, "expire_timestamp": _C.expires_at}


class Datastore:
    """`user` is the owner in the scope `user`, and ignored in the scope `system`.

    What a backend holds is read only, always secret, and in no list.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        backends: Backends | None = None,
        *,
        st2_key: KeyczarKey | None = None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._backends = backends or Backends()
        self._st2_key = st2_key

    # read

    def get(self, scope: str, name: str, *, user: str | None = None) -> str | None:
        """What templates see: the text, or the sealed text of a secret; None when there is none."""
        found = self.read(scope, name, user=user)
        return None if found is None else found.value

    def read(
        self, scope: str, name: str, *, user: str | None = None, decrypt: bool = False
    ) -> DatastoreKey | None:
        scope, owner = _place(scope, user)
        if scope == "system" and self._backends.owns(name):
            return self._of_backend(name, decrypt=decrypt)
        with self._database.read() as connection:
            row = connection.execute(select(_TABLE).where(_at(scope, owner, name), _alive())).first()
        return None if row is None else self._key(row, decrypt=decrypt)

    def keys(
        self,
        scope: str,
        *,
        user: str | None = None,
        prefix: str = "",
        decrypt: bool = False,
        wanted: KeyFilter | None = None,
    ) -> list[DatastoreKey]:
        """In the order of their names, unless `wanted` says otherwise."""
        scope, owner = _place(scope, user)
        wanted = wanted or KeyFilter(prefix=prefix)
        query = select(_TABLE).where(_C.scope == scope, _C.user == owner, _alive())
        if wanted.prefix:
            query = query.where(_C.name.startswith(wanted.prefix, autoescape=True))
        if wanted.name is not None:
            query = query.where(_C.name == wanted.name)
        if wanted.ids is not None:
            query = query.where(_C.id.in_(wanted.ids))
        query = query.order_by(*_order(wanted.sort), _C.name).offset(wanted.offset)
        if wanted.limit is not None:
            query = query.limit(wanted.limit)
        with self._database.read() as connection:
            return [self._key(row, decrypt=decrypt) for row in connection.execute(query)]

    def decrypt(self, text: str) -> str:
        """The value behind the sealed text that `get` gave. Raises StoreFailure."""
        return self._open(text)[1]

    def opened(self, scope: str, name: str, text: str, *, user: str | None = None) -> str:
        """The value behind an encrypted text that a caller gives: this very key's own sealed text, as a
        list holds it, or what StackStorm encrypted, where its key file is configured. Raises BadInput."""
        scope, owner = _place(scope, user)
        if is_sealed_text(text):
            try:
                place, value = self._open(text)
            except StoreFailure as error:
                raise BadInput(error.message, hint=error.hint) from error
            if place != seal_place(scope, owner, name):
                raise BadInput("The sealed value belongs to another key.", hint="Send it in clear.")
            return value
        if self._st2_key is None:
            raise BadInput(
                "A value that StackStorm encrypted needs StackStorm's key.",
                hint='Set datastore.st2_key_file, or send it in clear with "secret": true.',
            )
        return self._st2_key.decrypt(text)

    # write

    def put(
        self,
        scope: str,
        name: str,
        value: str,
        *,
        user: str | None = None,
        secret: bool | None = None,
        ttl_s: float | None = None,
        description: str | None = None,
        expected: Expected | None = None,
    ) -> DatastoreKey:
        """Make or replace a key; committed when it returns. Without `ttl_s` it lives on.

        `secret` and `description` None: as they are. `expected`: only when the key holds just that,
        whoever writes at the same moment. Raises BadInput, Conflict.
        """
        scope, owner = self._writable(scope, name, user)
        if self._is_sealed_here(value):
            # Under another name a template would open it for whoever put it there.
            hint = "Send it in clear, or under the key's own name with `encrypted: true`."
            raise BadInput("This is the sealed value of a key, not a value.", hint=hint)

        def work(connection: Connection) -> DatastoreKey | Conflict:
            row = connection.execute(select(_TABLE).where(_at(scope, owner, name))).first()
            old = row if row is not None and _is_alive(row) else None
            before = None if old is None else self._plain(old)
            if expected is not None and expected.value != before:
                return _unexpected(name, expected)
            is_secret = secret if secret is not None else bool(old is not None and old.secret)
            plain = value.encode()
            values = {
                "id": old.id if old is not None else new_id(),
                "value": self._vault.seal(plain, place=seal_place(scope, owner, name))
                if is_secret
                else plain,
                "secret": is_secret,
                "description": description if description is not None else (old.description if old else ""),
                "expires_at": None if ttl_s is None else utcnow() + timedelta(seconds=ttl_s),
            }
            if row is None:
                at = {"scope": scope, "user": owner, "name": name}
                connection.execute(insert(_TABLE), {**values, **at})
            else:
                connection.execute(update(_TABLE).where(_at(scope, owner, name)).values(values))
            new = connection.execute(select(_TABLE).where(_at(scope, owner, name))).one()
            self._tell(connection, CHANGED, old, new, value_changed=before != value)
            return self._key(new, decrypt=False)

        return _or_raise(self._database.write(work))

    def remove(
        self, scope: str, name: str, *, user: str | None = None, expected: Expected | None = None
    ) -> bool:
        """Whether there was such a key. Raises BadInput, and Conflict where it holds something else."""
        scope, owner = self._writable(scope, name, user)

        def work(connection: Connection) -> bool | Conflict:
            row = connection.execute(select(_TABLE).where(_at(scope, owner, name), _alive())).first()
            if row is None:
                return False
            if expected is not None and self._plain(row) != expected.value:
                return _unexpected(name, expected)
            connection.execute(delete(_TABLE).where(_at(scope, owner, name)))
            self._tell(connection, REMOVED, row, None, value_changed=True)
            return True

        return _or_raise(self._database.write(work))

    def expire(self) -> int:
        """Remove keys whose time is up; how many."""

        def work(connection: Connection) -> int:
            ended = select(_TABLE).where(_C.expires_at <= utcnow()).order_by(_C.expires_at)
            rows = connection.execute(ended.limit(EXPIRY_BATCH)).all()
            for row in rows:
                connection.execute(delete(_TABLE).where(_at(row.scope, row.user, row.name)))
                self._tell(connection, REMOVED, row, None, value_changed=True, expired=True)
            return len(rows)

        return self._database.write(work)

    def next_end(self) -> datetime | None:
        """When the next key's time is up; None when none has one."""
        with self._database.read() as connection:
            query = select(func.min(_C.expires_at)).where(_C.expires_at.is_not(None))
            found: datetime | None = connection.execute(query).scalar()
        return found

    def _writable(self, scope: str, name: str, user: str | None) -> tuple[str, str]:
        if not name or "\0" in name:
            raise BadInput("A datastore key needs a name, without NUL characters.")
        scope, owner = _place(scope, user)
        if scope == "system" and self._backends.owns(name):
            raise BadInput(
                f'The key "{name}" comes from a backend, which is read only.',
                hint="Change it there; the setting datastore.backends names the prefixes.",
            )
        return scope, owner

    # forms of a value

    def _tell(
        self,
        connection: Connection,
        kind: str,
        old: Row[Any] | None,
        new: Row[Any] | None,
        *,
        value_changed: bool,
        expired: bool = False,
    ) -> None:
        row = new if new is not None else old
        assert row is not None  # noqa: S101  one of them is there
        data = {
            "scope": row.scope,
            "user": row.user,
            "old": None if old is None else _document(old),
            "new": None if new is None else _document(new),
            "value_changed": value_changed,
        }
        journal.append(connection, kind, row.name, {**data, "expired": True} if expired else data)
        if not expired:
            where = {"scope": row.scope, "secret": row.secret, **({"of": row.user} if row.user else {})}
            act = "key.set" if new is not None else "key.removed"
            audit.record(connection, Act(kind=act, object=row.name, details=where))

    def _of_backend(self, name: str, *, decrypt: bool) -> DatastoreKey | None:
        value = self._backends.read(name)
        if value is None:
            return None
        where = seal_place("system", "", name)
        shown = value if decrypt else _sealed_text(where, self._vault.seal(value.encode(), place=where))
        return DatastoreKey(
            id=new_id(),
            scope="system",
            user="",
            name=name,
            value=shown,
            secret=True,
            encrypted=not decrypt,
            description=self._backends.about(name),
            expires_at=None,
        )

    def _open(self, text: str) -> tuple[str, str]:
        """Place and value of a sealed text."""
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
        return where, self._vault.unseal(bytes_, place=where).decode()

    def _is_sealed_here(self, text: str) -> bool:
        try:
            self._open(text)
        except (StoreFailure, UnicodeError):
            return False
        return True

    def _plain(self, row: Row[Any]) -> str:
        raw: bytes = row.value
        if row.secret:
            raw = self._vault.unseal(raw, place=seal_place(row.scope, row.user, row.name))
        return raw.decode()

    def _key(self, row: Row[Any], *, decrypt: bool) -> DatastoreKey:
        if row.secret and not decrypt:
            value = _sealed_text(seal_place(row.scope, row.user, row.name), row.value)
        else:
            value = self._plain(row)
        return DatastoreKey(
            id=row.id,
            scope=row.scope,
            user=row.user,
            name=row.name,
            value=value,
            secret=row.secret,
            encrypted=row.secret and not decrypt,
            description=row.description,
            expires_at=row.expires_at,
        )


def is_sealed_text(text: str) -> bool:
    """Whether it has the form of our own sealed values; what StackStorm encrypted has no dot in it."""
    return "." in text


def seal_place(scope: str, user: str, name: str) -> str:
    """Where the value of a key stands, for the vault."""
    return f"datastore:{scope}:{user}:{name}"


def _document(row: Row[Any]) -> dict[str, Any]:
    """A key as triggers tell of it: StackStorm's fields, a secret value masked."""
    key = DatastoreKey(
        id=row.id,
        scope=row.scope,
        user=row.user,
        name=row.name,
        value=MASK if row.secret else row.value.decode(),
        secret=row.secret,
        encrypted=row.secret,
        description=row.description,
        expires_at=row.expires_at,
    )
    document: dict[str, Any] = {
        "id": key.id,
        "uid": key.uid,
        "name": key.name,
        "value": key.value,
        "secret": key.secret,
        "encrypted": key.encrypted,
        "scope": key.stored_scope,
    }
    if key.scope == "user":
        document["user"] = key.user
    if key.description:
        document["description"] = key.description
    if key.expires_at is not None:
        document["expire_timestamp"] = isoformat(key.expires_at)
    return document


def _or_raise(outcome: T | Conflict) -> T:
    """Raised only now: in the job it would spoil the transaction of its neighbours."""
    if isinstance(outcome, Conflict):
        raise outcome
    return outcome


def _unexpected(name: str, expected: Expected) -> Conflict:
    what = "is there already" if expected.value is None else "does not hold the expected value"
    return Conflict(f'The key "{name}" {what}.', hint="Read it again, and decide anew.")


def _order(sort: Sequence[str]) -> list[ColumnElement[Any]]:
    """Fields that cannot be sorted by are passed over."""
    found = [(_SORTABLE.get(field.lstrip("+-")), field.startswith("-")) for field in sort]
    return [column.desc() if is_down else column.asc() for column, is_down in found if column is not None]


def _place(scope: str, user: str | None) -> tuple[str, str]:
    if scope not in SCOPES:
        raise BadInput(f'Scope "{scope}" is unsupported.', hint="Use system or user.")
    plain = SCOPES[scope]
    return plain, (user or "") if plain == "user" else ""


def _at(scope: str, user: str, name: str) -> ColumnElement[bool]:
    return and_(_C.scope == scope, _C.user == user, _C.name == name)


def _alive() -> ColumnElement[bool]:
    return or_(_C.expires_at.is_(None), _C.expires_at > utcnow())


def _is_alive(row: Row[Any]) -> bool:
    return row.expires_at is None or row.expires_at > utcnow()


def _sealed_text(place: str, sealed: bytes) -> str:
    return f"{_b64(place.encode())}.{_b64(sealed)}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
