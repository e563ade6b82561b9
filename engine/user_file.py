"""The flat file of people who log in with a password: a name and an scrypt hash on each line."""

import base64
import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput, NotFound, StoreFailure
from engine.records.access import USER_NAME
from engine.store.vault import write_private

# OWASP's parameters for 32 MiB; each line holds its own, so that they may change.
_LOG_N, _R, _P = 15, 8, 3
_MEMORY_LIMIT = 256 * 1024 * 1024
_KEY_BYTES = 32
SHORTEST = 8
LONGEST = 1024
_HEAD = (
    "# Who may log in with a password; written by `stormcrow user`. "
    "A line taken out ends the tokens of that user.\n"
)


@dataclass(frozen=True, slots=True)
class _Hash:
    log_n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str) -> "_Hash":
        salt = secrets.token_bytes(16)
        return cls(_LOG_N, _R, _P, salt, _derive(password, salt, _LOG_N, _R, _P))

    @classmethod
    def read(cls, text: str) -> "_Hash":
        """Raises ValueError."""
        kind, log_n, r, p, salt, key = text.split("$")
        found = cls(int(log_n), int(r), int(p), base64.b64decode(salt), base64.b64decode(key))
        if kind != "scrypt" or not 10 <= found.log_n <= 20 or not (1 <= found.r <= 32 and 1 <= found.p <= 16):
            raise ValueError(text)
        return found

    def fits(self, password: str) -> bool:
        return hmac.compare_digest(self.key, _derive(password, self.salt, self.log_n, self.r, self.p))

    def __str__(self) -> str:
        salt, key = (base64.b64encode(part).decode() for part in (self.salt, self.key))
        return f"scrypt${self.log_n}${self.r}${self.p}${salt}${key}"


def _derive(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=2**log_n, r=r, p=p, dklen=_KEY_BYTES, maxmem=_MEMORY_LIMIT
    )


class UserFile:
    """May be written by `stormcrow user` while the server reads it: a change counts at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._lines: Mapping[str, str] = {}

    def names(self) -> list[str]:
        return sorted(self._read())

    def fits(self, name: str, password: str) -> bool:
        """Takes as long for a name that is not there."""
        line = self._read().get(name)
        if line is None:
            _derive(password[:LONGEST], bytes(16), _LOG_N, _R, _P)
            return False
        try:
            return len(password) <= LONGEST and _Hash.read(line).fits(password)
        except ValueError as error:
            raise StoreFailure(
                f"{self.path}: the line of {name} cannot be read.", hint=f"stormcrow user add {name}"
            ) from error

    def stamp(self, name: str) -> str:
        """Another one after a new password; empty for a name that is not there."""
        line = self._read().get(name)
        return hashlib.sha256(line.encode()).hexdigest()[:16] if line else ""

    def put(self, name: str, password: str) -> bool:
        """Whether the name is new. Raises BadInput."""
        self.check(name, password)
        known = dict(self._read())
        is_new = name not in known
        self._write({**known, name: str(_Hash.of(password))})
        return is_new

    @staticmethod
    def check(name: str, password: str) -> None:
        """Raises BadInput for what `put` does not take."""
        if not USER_NAME.fullmatch(name):
            raise BadInput(f"{name!r} is no name for a user.", hint="Letters, digits and . _ @ - are.")
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadInput(f"A password has {SHORTEST} to {LONGEST} characters.")

    def check_known(self, name: str) -> None:
        """Raises NotFound."""
        if name not in self._read():
            raise NotFound(f"There is no user {name!r} with a password.", hint="stormcrow user list")

    def remove(self, name: str) -> None:
        """Raises NotFound."""
        self.check_known(name)
        self._write({known: line for known, line in self._read().items() if known != name})

    def _write(self, lines: Mapping[str, str]) -> None:
        text = "".join(f"{name}:{line}\n" for name, line in sorted(lines.items()))
        write_private(self.path, (_HEAD + text).encode())

    def _read(self) -> Mapping[str, str]:
        """Raises StoreFailure."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - asked for every request with a token
        except FileNotFoundError:
            return {}
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            if version != self._seen:
                try:
                    text = self.path.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise StoreFailure(f"{self.path} cannot be read: {error}") from error
                pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
                self._lines = {name: rest for name, colon, rest in pairs if colon}
                self._seen = version
            return self._lines
