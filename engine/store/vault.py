"""Secrets at rest: sealed with AES-256-GCM under the first of our keys, opened with each; signatures.

The place where a sealed value stands is part of what is authenticated: moved to another row,
it does not open. A sealed value begins with the id of its key, so that keys can be changed.
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.clock import utcnow
from engine.errors import StoreFailure

ID_BYTES = 4
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """One key of a data folder."""

    secret: bytes
    made_at: datetime
    signs_until: datetime | None = None
    """Until when its signatures count, for a key that was followed by another one."""

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"stormcrow key id" + self.secret).digest()[:ID_BYTES]


class _Tools:
    """What is made from one key."""

    def __init__(self, key: SealKey) -> None:
        self.key = key
        self.cipher = AESGCM(hashlib.sha256(b"stormcrow seal" + key.secret).digest())
        self.signing_key = hashlib.sha256(b"stormcrow sign" + key.secret).digest()

    def sign(self, purpose: str, text: str) -> str:
        digest = hmac.new(self.signing_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Vault:
    """Safe to use from many threads, also while `use` changes the keys."""

    def __init__(self, *keys: SealKey | bytes) -> None:
        """The first key seals and signs; bytes are a key made just now."""
        made = [SealKey(secret=key, made_at=utcnow()) if isinstance(key, bytes) else key for key in keys]
        self.use(*made)

    def use(self, *keys: SealKey) -> None:
        """From now on these keys, in one step."""
        tools = [_Tools(key) for key in keys]
        self._ring: tuple[list[_Tools], dict[bytes, _Tools]] = (tools, {one.key.id: one for one in tools})

    @property
    def key_id(self) -> bytes:
        """What every value that is sealed now begins with."""
        return self._ring[0][0].key.id

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """`place` says where it will stand, for example `execution:5e...`."""
        first = self._ring[0][0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return first.key.id + nonce + first.cipher.encrypt(nonce, plain, place.encode())

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Raises StoreFailure when it was sealed with a key that we do not have, or for another place."""
        key_id, nonce = sealed[:ID_BYTES], sealed[ID_BYTES : ID_BYTES + _NONCE_BYTES]
        tools = self._ring[1].get(key_id)
        if tools is None:
            raise StoreFailure(
                f"The secret of {place} is sealed with the key {key_id.hex()}, which is not in secret.key.",
                hint="Put back the secret.key that belongs to this database.",
            )
        try:
            return tools.cipher.decrypt(nonce, sealed[ID_BYTES + _NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreFailure(
                f"The secret of {place} cannot be opened: it was changed, or belongs to another place.",
                hint="Set it again.",
            ) from error

    def sign(self, purpose: str, text: str) -> str:
        """A signature of 43 URL-safe characters; another purpose gives another one."""
        return self._ring[0][0].sign(purpose, text)

    def signatures(self, purpose: str, text: str) -> tuple[str, ...]:
        """Every signature that counts now, the one of `sign` first."""
        now = utcnow()
        return tuple(
            one.sign(purpose, text)
            for one in self._ring[0]
            if one.key.signs_until is None or now < one.key.signs_until
        )

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Constant time."""
        given = signature.encode()
        return any(hmac.compare_digest(right.encode(), given) for right in self.signatures(purpose, text))


def write_private(path: Path, content: bytes) -> None:
    """A file of mode 0600, whole or not there at all, whenever we are killed."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
