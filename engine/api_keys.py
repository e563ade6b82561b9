"""API keys: made, limited, found again, rotated and revoked; and when each was last used."""

import hashlib
import ipaddress
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import BadInput, Conflict, NotFound, Unauthenticated, nearest
from engine.records.access import ApiKey, KeyLimits, Scope
from engine.records.execution import new_id
from engine.specs.right import Right
from engine.store import keys
from engine.store.database import Database

READ = "read"
"""Among the rights of a key: all that only show something."""
# A key that another server of the same database has revoked opens nothing after so long, in seconds.
FRESH_S = 1.0
# The last use is written down so often at most, in seconds; in between it is only known here.
WRITE_EVERY_S = 60.0
LONGEST_GRACE_S = 30 * 86_400
_REMEMBERED = 10_000
_WORD = "crow"
_PATTERN = re.compile(r"[\w.*?-]{1,200}")
_URL = re.compile(r"[\w./*?~+@-]{1,200}")
_SHA512 = re.compile(r"[0-9a-f]{128}")
# StackStorm's digests of keys are made with it.
_STACKSTORM_SALT = b"saltnpeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    at: datetime
    address: str
    written: float
    """When it was written down, by the monotonic clock."""


class ApiKeys:
    """Keys are 256 random bits, shown once and stored as SHA-256."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # By digest: the key, and when it was read. What is changed here counts at once.
        self._known: dict[str, tuple[ApiKey, float]] = {}
        self._ids: dict[str, tuple[tuple[bool, tuple[str, ...]], float]] = {}
        self._changes = 0
        self._uses: dict[str, _Use] = {}

    # asked for each request

    def find(self, clear: str, *, address: str) -> ApiKey:
        """The key, which is good now, from there. Raises Unauthenticated."""
        key = self._read(clear)
        if not key.enabled:
            raise Unauthenticated("Unauthorized - API key is disabled.")
        now = utcnow()
        if key.limits.expires_at is not None and key.limits.expires_at <= now:
            raise Unauthenticated("Unauthorized - API key has expired.")
        if key.limits.networks and not _is_within(address, key.limits.networks):
            raise Unauthenticated("Unauthorized - API key is not good from this address.")
        self._note_use(key.id, now, address)
        return key

    def _read(self, clear: str) -> ApiKey:
        digest = _digest(clear)
        known = self._known.get(digest)
        now = time.monotonic()
        if known is not None and now - known[1] < FRESH_S:
            return known[0]
        changes = self._changes
        with self._database.read() as connection:
            key = keys.by_hash(connection, (digest, _stackstorm_digest(clear)))
        if key is None:
            self._known.pop(digest, None)
            raise Unauthenticated("Unauthorized - API key not found.")
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if changes == self._changes:
            self._known[digest] = (key, now)
        return key

    def _note_use(self, key_id: str, at: datetime, address: str) -> None:
        now = time.monotonic()
        last = self._uses.get(key_id)
        is_due = last is None or now - last.written >= WRITE_EVERY_S
        written = now if last is None or is_due else last.written
        self._uses[key_id] = _Use(at=at, address=address, written=written)
        if is_due:
            # Nobody waits for it: it shares the commit of whatever else is written.
            self._database.submit(partial(keys.note_use, key_id=key_id, at=at, address=address))

    def write_uses(self) -> None:
        """What was not written down yet; at the end of the server."""
        uses, self._uses = self._uses, {}

        def write(connection: Connection) -> None:
            for key_id, use in uses.items():
                keys.note_use(connection, key_id, at=use.at, address=use.address)

        if uses:
            self._database.write(write)

    def is_good(self, key_id: str, *, address: str) -> bool:
        """Whether the key of this id still opens something from there: for a session that began with it."""
        is_good, networks = self._known_by_id(key_id)
        return is_good and (not networks or _is_within(address, networks))

    def _known_by_id(self, key_id: str) -> tuple[bool, tuple[str, ...]]:
        """Whether the key is good, and from where; from everywhere where that is empty."""
        known = self._ids.get(key_id)
        now = time.monotonic()
        if known is not None and now - known[1] < FRESH_S:
            return known[0]
        changes = self._changes
        with self._database.read() as connection:
            key = keys.by_id(connection, key_id)
        end = key.limits.expires_at if key is not None else None
        is_good = key is not None and key.enabled and (end is None or end > utcnow())
        found = is_good, key.limits.networks if key is not None else ()
        if len(self._ids) >= _REMEMBERED:
            self._ids.clear()
        if changes == self._changes:
            self._ids[key_id] = (found, now)
        return found

    def end_of(self, key_id: str) -> datetime | None:
        """When the key of this id ends by itself; None: never, or it is none."""
        with self._database.read() as connection:
            key = keys.by_id(connection, key_id)
        return None if key is None else key.limits.expires_at

    # managed

    def create(
        self,
        *,
        user: str,
        metadata: Mapping[str, Any],
        limits: KeyLimits | None = None,
        acting_user: str = "",
        clear: str = "",
    ) -> tuple[str, ApiKey]:
        """The key in clear, for this once, and its record. `clear`: one made with `new_key`."""
        clear = clear or new_key()
        key = ApiKey(
            id=new_id(),
            user=user,
            enabled=True,
            metadata=dict(metadata),
            created_at=utcnow(),
            prefix=prefix_of(clear),
            limits=limits or KeyLimits(),
            acting_user=acting_user,
        )
        self._database.write(lambda connection: keys.add(connection, key, _digest(clear)))
        return clear, key

    def adopt(self, key_hash: str, *, user: str, metadata: Mapping[str, Any], limits: KeyLimits) -> ApiKey:
        """A key of StackStorm, by the digest that it keeps of it. Raises BadInput, Conflict."""
        if not _SHA512.fullmatch(key_hash):
            raise BadInput(
                "'key_hash' must be the 128 hexadecimal digits that StackStorm keeps of a key.",
                hint="There they are shown by: st2 apikey list --show-secrets",
            )
        key = ApiKey(
            id=new_id(),
            user=user,
            enabled=True,
            metadata=dict(metadata),
            created_at=utcnow(),
            limits=limits,
        )

        def add(connection: Connection) -> None:
            there = keys.by_hash(connection, (key_hash,))
            if there is not None:
                raise Conflict(f"There is a key with this key_hash: {there.id}.")
            keys.add(connection, key, key_hash)

        self._database.write(add)
        return key

    def rotate(self, key_id: str, *, grace_s: float) -> tuple[str, ApiKey]:
        """A new key with the same limits; the old one is good for `grace_s` seconds more.

        One that was to expire gets its whole life again. Raises NotFound.
        """
        old, now = self.get(key_id), utcnow()
        ends_at, end = old.limits.expires_at, now + timedelta(seconds=grace_s)
        lives = None if ends_at is None else now + (ends_at - old.created_at)
        clear = new_key()
        new = replace(
            old,
            id=new_id(),
            enabled=True,
            created_at=now,
            prefix=prefix_of(clear),
            limits=replace(old.limits, expires_at=lives),
            last_used_at=None,
            last_used_from="",
        )

        def write(connection: Connection) -> None:
            keys.end_at(connection, old.id, end if ends_at is None else min(end, ends_at))
            keys.add(connection, new, _digest(clear))

        self._database.write(write)
        self.forget()
        return clear, new

    def all(self) -> list[ApiKey]:
        with self._database.read() as connection:
            return [self._used(key) for key in keys.all_keys(connection)]

    def get(self, key_id: str) -> ApiKey:
        """Raises NotFound."""
        with self._database.read() as connection:
            key = keys.by_id(connection, key_id)
        if key is None:
            raise NotFound(f'There is no API key "{key_id}".', hint="List them: stormcrow apikey list")
        return self._used(key)

    def named(self, id_or_key: str) -> ApiKey:
        """By its id, or by the key itself, as StackStorm's clients may. Raises NotFound."""
        with self._database.read() as connection:
            key = keys.by_id(connection, id_or_key) or keys.by_hash(
                connection, (_digest(id_or_key), _stackstorm_digest(id_or_key))
            )
        if key is None:
            raise NotFound("There is no such API key.", hint="List them: stormcrow apikey list")
        return self._used(key)

    def set_enabled(self, key_id: str, *, enabled: bool) -> ApiKey:
        """Raises NotFound."""
        self.get(key_id)
        self._database.write(lambda connection: keys.set_enabled(connection, key_id, enabled=enabled))
        self.forget()
        return self.get(key_id)

    def revoke(self, key_id: str) -> None:
        """Raises NotFound."""
        self.get(key_id)
        self._database.write(lambda connection: keys.remove(connection, key_id))
        self.forget()
        self._uses.pop(key_id, None)

    def forget(self) -> None:
        """What was read of keys before; from any thread."""
        # Counted first: who has read the key before does not put it back.
        self._changes += 1
        self._known.clear()
        self._ids.clear()

    def _used(self, key: ApiKey) -> ApiKey:
        """With the last use as this server knows it."""
        use = self._uses.get(key.id)
        if use is None or (key.last_used_at is not None and key.last_used_at >= use.at):
            return key
        return replace(key, last_used_at=use.at, last_used_from=use.address)


def new_key() -> str:
    """256 random bits, URL-safe, behind a word and eight characters by which people tell keys apart."""
    return f"{_WORD}_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def prefix_of(clear: str) -> str:
    word, _, rest = clear.partition("_")
    shown, _, _ = rest.partition("_")
    return f"{word}_{shown}"


def checked_scope(actions: Iterable[str], webhooks: Iterable[str], rights: Iterable[str]) -> Scope | None:
    """None where nothing is named: such a key is not limited. Raises BadInput."""
    scope = Scope(actions=tuple(actions), webhooks=tuple(webhooks), rights=tuple(rights))
    for pattern in scope.actions:
        if not _PATTERN.fullmatch(pattern):
            raise BadInput(f"{pattern!r} is no action.", hint="Write PACK.NAME or a pattern: deploy.*")
    for url in scope.webhooks:
        if not _URL.fullmatch(url):
            raise BadInput(f"{url!r} is no webhook.", hint="Write what stands behind /webhooks/.")
    known = [READ, *(right.value for right in Right)]
    for right in scope.rights:
        if right not in known:
            raise BadInput(
                f"There is no right {right!r}.",
                hint=nearest(right, known) or "They are StackStorm's permission types, and `read`.",
            )
    return scope if scope.actions or scope.webhooks or scope.rights else None


def checked_networks(texts: Iterable[str]) -> tuple[str, ...]:
    """In their usual spelling. Raises BadInput."""
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text)))
        except ValueError as error:
            raise BadInput(
                f"{text!r} is no network: {error}.", hint="Write 10.0.0.0/8, or one address."
            ) from error
    return tuple(found)


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in _network(text) for text in networks)


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


def _digest(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()


def _stackstorm_digest(clear: str) -> str:
    return hashlib.sha512(_STACKSTORM_SALT + clear.encode()).hexdigest()
