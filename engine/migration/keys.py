"""The datastore of the old box, as `st2 key list -n -1 --scope all -j` printed it, opened with its key."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.clock import utcnow
from engine.errors import BadInput
from engine.migration.exports import read_export
from engine.migration.finding import Item, Remark, fails, look
from engine.migration.pieces import Comparison, State
from engine.store.datastore import SCOPES, Datastore
from engine.store.keyczar import KeyczarKey

# Two exports a while apart give times to live that differ by as much as they are old.
_SAME_END = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPiece:
    """One key, in clear; `repr` does not show it."""

    name: str
    scope: str
    user: str
    value: str
    is_secret: bool
    description: str = ""
    ends_at: datetime | None = None
    kind: str = "key"

    def __repr__(self) -> str:
        return f"KeyPiece({self.scope}:{self.user}:{self.name})"

    def compare(self, datastore: Datastore) -> Comparison:
        there = datastore.read(self.scope, self.name, user=self.user, decrypt=True)
        if there is None:
            return Comparison(state=State.NEW)
        found = []
        if there.value != self.value:
            found.append("it has another value")
        if self.is_secret and not there.secret:
            found.append("it is no secret here")
        if not _is_same_end(there.expires_at, self.ends_at):
            found.append("it ends at another time")
        return Comparison(state=State.DIFFERENT if found else State.SAME, differences=tuple(found))

    def write(self, datastore: Datastore) -> None:
        """Raises BadInput, for example for a key that comes from a backend."""
        left = None if self.ends_at is None else (self.ends_at - utcnow()).total_seconds()
        if left is not None and left <= 0:
            return
        datastore.put(
            self.scope,
            self.name,
            self.value,
            user=self.user,
            secret=self.is_secret or None,
            ttl_s=left,
            description=self.description or None,
        )


def _is_same_end(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < _SAME_END


def read_keys(path: Path, crypto: KeyczarKey | None) -> tuple[list[Item], list[KeyPiece]]:
    """What is to be said about each key, and those that can be taken. Raises BadInput for another file."""
    items, pieces = [], []
    for number, entry in enumerate(read_export(path), start=1):
        where = f"{path.name}, entry {number}"
        if not isinstance(entry.get("name"), str) or "value" not in entry:
            raise BadInput(f"{where} is no key.", hint="It is made by: st2 key list -n -1 --scope all -j")
        where = f"{where}: {entry['name']}"
        piece, remarks = _key(entry, where, crypto)
        items.append(Item(kind="key", name=entry["name"], where=where, remarks=tuple(remarks)))
        if piece is not None:
            pieces.append(piece)
    return items, pieces


def _key(
    entry: Mapping[str, Any], where: str, crypto: KeyczarKey | None
) -> tuple[KeyPiece | None, list[Remark]]:
    scope = SCOPES.get(str(entry.get("scope") or "system"))
    if scope is None:
        return None, [fails(where, f"The scope {entry['scope']!r} is unknown.", "Use system or user.")]
    name, user = entry["name"], str(entry.get("user") or "") if scope == "user" else ""
    if scope == "user" and not user:
        # Documents of the database itself carry the user in the name.
        user, colon, name = name.partition(":")
        if not colon:
            return None, [fails(where, "A key of a user names none.", 'Add "user": "NAME".')]
    value = entry["value"]
    if not isinstance(value, str):
        return None, [fails(where, "The value is no text.", "Quote it in the file.")]
    if entry.get("encrypted") is True:
        try:
            value = _opened(value, crypto)
        except BadInput as error:
            return None, [fails(where, error.message, error.hint)]
    if not name or "\0" in name:
        return None, [fails(where, "The key has no name that can be used.")]
    ends_at = _end(entry)
    if ends_at is not None and ends_at <= utcnow():
        return None, [look(where, "Its time is up; it is left out.")]
    is_secret = entry.get("secret") is True or entry.get("encrypted") is True
    piece = KeyPiece(
        name=name,
        scope=scope,
        user=user,
        value=value,
        is_secret=is_secret,
        description=str(entry.get("description") or ""),
        ends_at=ends_at,
    )
    return piece, []


def _opened(value: str, crypto: KeyczarKey | None) -> str:
    if crypto is None:
        raise BadInput(
            "The value is encrypted, and StackStorm's key is not known.",
            hint="Name it: --keyczar FILE (keyvalue.encryption_key_path of st2.conf).",
        )
    return crypto.decrypt(value)


def _end(entry: Mapping[str, Any]) -> datetime | None:
    """Raises BadInput for a text that is no time."""
    stamp, ttl = entry.get("expire_timestamp"), entry.get("ttl")
    if stamp:
        try:
            end = datetime.fromisoformat(str(stamp))
        except ValueError as error:
            raise BadInput(f"{entry['name']}: expire_timestamp {stamp!r} is no time.") from error
        return end.replace(tzinfo=end.tzinfo or UTC)
    if isinstance(ttl, int | float) and not isinstance(ttl, bool) and math.isfinite(ttl) and ttl > 0:
        return utcnow() + timedelta(seconds=ttl)
    return None
