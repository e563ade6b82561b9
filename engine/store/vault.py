"""Secrets at rest: sealed with AES-256-GCM under a key file that only we can read, and signatures.

The place where a sealed value stands is part of what is authenticated: moved to another row,
it does not open.
"""

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import StoreFailure

_NONCE_BYTES = 12


class Vault:
    """`open_or_make` reads the key file, and makes it at the first start."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"stormcrow seal" + key).digest())
        self._signing_key = hashlib.sha256(b"stormcrow sign" + key).digest()

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """`place` says where it will stand, for example `execution:5e...`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Raises StoreFailure when it was sealed with another key or for another place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except InvalidTag as error:
            raise StoreFailure(
                f"The secret of {place} cannot be opened with this key.",
                hint="Put back the secret.key that belongs to this database.",
            ) from error

    def sign(self, purpose: str, text: str) -> str:
        """A signature of 43 URL-safe characters; another purpose gives another one."""
        digest = hmac.new(self._signing_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def open_or_make(path: Path, *, may_make: bool) -> Vault:
    """`may_make`: False when the database is not new, because then a missing key is a loss.

    Raises StoreFailure when the key is missing, or can be read by others.
    """
    if path.exists():
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StoreFailure(f"{path} can be read by others.", hint=f"chmod 600 {path}")
        return Vault(path.read_bytes())
    if not may_make:
        raise StoreFailure(
            f"{path} is missing, and the database holds secrets sealed with it.",
            hint="Put the file back from a backup.",
        )
    key = secrets.token_bytes(32)
    write_private(path, key)
    return Vault(key)


def write_private(path: Path, content: bytes) -> None:
    """A file of mode 0600, whole or not there at all, whenever we are killed."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
