"""Known host keys: is this really the host that we think it is?"""

import base64
import binascii
import fcntl
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RunnerFailure

# One RSA key signs in several ways; known_hosts knows it by its oldest name only.
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` writes it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"SHA256:{digest}"

    @property
    def text(self) -> str:
        return f"{self.type} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    marker: str
    patterns: tuple[str, ...]
    key: HostKey


def host_name(host: str, port: int) -> str:
    """How known_hosts writes a host: plain on port 22, else [host]:port."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


class KnownHosts:
    """One known_hosts file, read anew for every question, since other programs write it too."""

    def __init__(self, path: Path, *, accept_new: bool) -> None:
        self._path = path
        self._accept_new = accept_new

    def key_algorithms(self, host: str, port: int) -> list[str]:
        """Signature algorithms of the keys that we know, to be asked for first.

        A host with several keys would otherwise show one that we cannot compare.
        """
        known = self._of(host, port)
        return [name for entry in known for name in _ALGORITHMS.get(entry.key.type, (entry.key.type,))]

    def check(self, host: str, port: int, key: HostKey, *, bastion: str = "") -> None:
        """Returns when the key is known, or was new and is remembered. Raises RunnerFailure.

        `bastion` is what `ssh -J` takes, when the host is reached through one.
        """
        if self._is_known(host, port, key):
            return
        if not self._accept_new:
            raise RunnerFailure(
                f"The host {host_name(host, port)} is not known. "
                f"It shows the {key.type} key {key.fingerprint}.",
                hint=f"Compare that with the host's own, then run: {self._next_step(host, port, bastion)}",
            )
        self._remember(host, port, key)

    def _is_known(self, host: str, port: int, key: HostKey) -> bool:
        """Raises RunnerFailure when the file knows the host by other keys, or the key as revoked."""
        known = self._of(host, port)
        if any(entry.marker == "@revoked" and entry.key == key for entry in known):
            raise RunnerFailure(
                f"The {key.type} key {key.fingerprint} of {host_name(host, port)} is revoked in {self._path}."
            )
        trusted = [entry.key for entry in known if not entry.marker]
        if key in trusted:
            return True
        if trusted:
            before = ", ".join(f"{other.type} {other.fingerprint}" for other in trusted)
            raise RunnerFailure(
                f"The host key of {host_name(host, port)} has changed: {self._path} has {before}, "
                f"the host shows {key.type} {key.fingerprint}. Nothing was sent to it.",
                hint="Somebody may sit in between. If the host was set up anew, run: "
                f"ssh-keygen -R '{host_name(host, port)}' -f '{self._path}'",
            )
        return False

    def _next_step(self, host: str, port: int, bastion: str) -> str:
        if bastion:
            return f"ssh -o UserKnownHostsFile='{self._path}' -J '{bastion}' -p {port} '{host}' true"
        return f"ssh-keyscan -p {port} '{host}' >> '{self._path}'"

    def _remember(self, host: str, port: int, key: HostKey) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RunnerFailure(
                f"The key of {host_name(host, port)} cannot be remembered in {self._path}: {error.strerror}."
            ) from error
        with os.fdopen(handle, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Somebody may have met this host while we waited for the lock.
            if self._is_known(host, port, key):
                return
            file.seek(0)
            before = file.read()
            gap = b"\n" if before and not before.endswith(b"\n") else b""
            file.write(gap + f"{host_name(host, port)} {key.text}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def _of(self, host: str, port: int) -> list[_Entry]:
        name = host_name(host, port)
        return [entry for entry in self._entries() if _matches(entry.patterns, name)]

    def _entries(self) -> Iterator[_Entry]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunnerFailure(f"{self._path} cannot be read: {error.strerror}.") from error
        for line in lines:
            entry = _parse(line)
            if entry is not None:
                yield entry


def _parse(line: str) -> _Entry | None:
    """None for comments, and for what is not an entry of the form `[@marker] hosts type base64`."""
    fields = line.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    try:
        blob = base64.b64decode(fields[2], validate=True)
    except binascii.Error:
        return None
    return _Entry(marker=marker, patterns=tuple(fields[0].split(",")), key=HostKey(type=fields[1], blob=blob))


def _matches(patterns: Iterable[str], name: str) -> bool:
    """OpenSSH's rule: some pattern fits and no `!pattern` does."""
    found = False
    for pattern in patterns:
        if pattern.startswith("|1|"):
            found = found or _is_hash_of(pattern, name)
        elif pattern.startswith("!"):
            if _fits(pattern[1:], name):
                return False
        else:
            found = found or _fits(pattern, name)
    return found


def _fits(pattern: str, name: str) -> bool:
    # Square brackets are part of a name here, not a set of characters.
    return fnmatch.fnmatchcase(name, pattern.lower().replace("[", "[[]"))


def _is_hash_of(pattern: str, name: str) -> bool:
    """`|1|salt|hash`: HMAC-SHA1 of the name, the form of HashKnownHosts."""
    try:
        _, _, salt, digest = pattern.split("|")
        wanted = base64.b64decode(digest, validate=True)
        made = hmac.new(base64.b64decode(salt, validate=True), name.encode(), hashlib.sha1).digest()
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(made, wanted)
