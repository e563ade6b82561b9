"""The file secret.key: the keys of a data folder, the one that seals first, older ones behind it.

    {"keys": [{"key": "...", "made_at": "..."}, {"key": "...", "made_at": "...", "signs_until": "..."}]}

A file of 32 bytes is one key, as it is.
"""

import base64
import secrets
import stat
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from engine.clock import isoformat, utcnow
from engine.errors import StoreFailure
from engine.store.vault import SealKey, Vault, write_private

KEY_BYTES = 32
# As long as a token of a run or a session may live.
OLD_SIGNATURES = timedelta(hours=24)


class KeyRing:
    """Reads the file; where there is none a key is made, and written by `keep`."""

    def __init__(self, path: Path) -> None:
        """Raises StoreFailure when the file can be read by others, or makes no sense."""
        self.path = path
        self.is_new = not path.exists()
        self._keys = [_new_key()] if self.is_new else _read(path)
        self._fresh = self._keys
        self.vault = Vault(*self._keys)

    @property
    def ids(self) -> list[bytes]:
        """The first one seals."""
        return [key.id for key in self._keys]

    def keep(self) -> None:
        """Write a key that was made; before anything is sealed with it."""
        if self.is_new:
            self._write(self._keys)
            self.is_new = False

    def add(self, *, is_leaked: bool) -> bytes:
        """A new key, first in the file and not in use before `renew`; its id.

        Signatures of the older ones count for a day more, or no longer where they have leaked.
        """
        until = utcnow() + (timedelta() if is_leaked else OLD_SIGNATURES)
        older = [replace(key, signs_until=min(until, key.signs_until or until)) for key in self._keys]
        self._fresh = [_new_key(), *older]
        self._write(self._fresh)
        return self._fresh[0].id

    def renew(self) -> None:
        """Seal and sign with the key that `add` made from now on."""
        self._keys = self._fresh
        self.vault.use(*self._keys)

    def drop_old(self, *, still_used: Collection[bytes]) -> list[bytes]:
        """Forget keys that neither seal nor sign any more; their ids. `still_used`: keys of sealed values."""
        now = utcnow()
        gone = [
            key.id
            for key in self._keys[1:]
            if key.id not in still_used and (key.signs_until is None or key.signs_until <= now)
        ]
        if gone:
            self._keys = [key for key in self._keys if key.id not in gone]
            self._write(self._keys)
            self.vault.use(*self._keys)
        return gone

    def _write(self, keys: list[SealKey]) -> None:
        documents = [_document(key) for key in keys]
        write_private(self.path, orjson.dumps({"keys": documents}, option=orjson.OPT_INDENT_2) + b"\n")


def _new_key() -> SealKey:
    return SealKey(secret=secrets.token_bytes(KEY_BYTES), made_at=utcnow())


def _document(key: SealKey) -> dict[str, str]:
    made = {"key": base64.urlsafe_b64encode(key.secret).decode(), "made_at": isoformat(key.made_at)}
    return {**made, "signs_until": isoformat(key.signs_until)} if key.signs_until else made


def _read(path: Path) -> list[SealKey]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreFailure(f"{path} can be read by others.", hint=f"chmod 600 {path}")
        raw = path.read_bytes()
        if len(raw) == KEY_BYTES:
            return [SealKey(secret=raw, made_at=datetime.fromtimestamp(path.stat().st_mtime, UTC))]
        keys = [_key(document) for document in orjson.loads(raw)["keys"]]
    except OSError as error:
        raise StoreFailure(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreFailure(f"{path} is no key file.", hint="Put the file back from a backup.") from error
    if not keys:
        raise StoreFailure(f"{path} holds no key.", hint="Put the file back from a backup.")
    return keys


def _key(document: dict[str, Any]) -> SealKey:
    secret = base64.urlsafe_b64decode(document["key"])
    if len(secret) != KEY_BYTES:
        raise ValueError(f"a key has {len(secret)} bytes")
    until = document.get("signs_until")
    return SealKey(
        secret=secret,
        made_at=datetime.fromisoformat(document["made_at"]),
        signs_until=datetime.fromisoformat(until) if until else None,
    )
