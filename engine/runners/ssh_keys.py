"""Private keys and passwords: where they come from, and how they log in."""

import hashlib
import io
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from engine.errors import RunnerFailure
from engine.settings import Settings

# Only tells credentials apart inside this process; without it a hash of a short password could be guessed.
_IDENTITY_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an action brings to log in with; `key` is the text of a private key."""

    password: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)

    @property
    def identity(self) -> str:
        """Equal for equal credentials; says nothing about them."""
        digest = hashlib.sha256(_IDENTITY_SALT)
        for part in (self.password, self.key, self.passphrase):
            digest.update(hashlib.sha256(_IDENTITY_SALT + part.encode("utf-8", "surrogateescape")).digest())
        return digest.hexdigest()


def find_credentials(*, password: str, private_key: str, passphrase: str, settings: Settings) -> Credentials:
    """The action's password and key; with neither, the key file of the settings.

    `private_key` is the key itself or the path of its file. Raises RunnerFailure.
    """
    if private_key:
        is_material = "private key-----" in private_key.lower()
        key = private_key if is_material else _read_key_file(settings.path(private_key))
    elif password:
        key = ""
    elif settings.ssh.key_file:
        key = _read_key_file(settings.path(settings.ssh.key_file))
    else:
        raise RunnerFailure(
            "There is nothing to log in with.",
            hint="Give the action a password or a private_key, or set ssh.key_file in config.yaml.",
        )
    return Credentials(password=password, key=key, passphrase=passphrase)


def _read_key_file(path: Path) -> str:
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            raise RunnerFailure(
                f"The private key {path} can be read by other users of this machine.",
                hint=f"Run: chmod 600 {path}",
            )
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise RunnerFailure(
            f"The private key {path} cannot be read: {error.strerror}.",
            hint="private_key is the path of a file on this machine, or the text of the key.",
        ) from error


def load_private_key(material: str, passphrase: str) -> paramiko.PKey:
    """Any RSA, ECDSA or Ed25519 key, in OpenSSH, PKCS#1, PKCS#8 or SEC1 form. Raises RunnerFailure."""
    text = material.replace("\r\n", "\n").strip() + "\n"
    data = text.encode("utf-8", "surrogateescape")
    password = passphrase.encode() or None
    load: Callable[..., object] = (
        serialization.load_ssh_private_key
        if b"OPENSSH PRIVATE KEY" in data
        else serialization.load_pem_private_key
    )
    try:
        key = load(data, password=password)
    except TypeError as error:
        # cryptography answers so when a passphrase is missing, or given for a key that has none.
        if password is not None:
            return load_private_key(material, "")
        raise RunnerFailure(
            "The private key is encrypted.", hint="Give its passphrase as `passphrase`."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RunnerFailure(
            "The private key cannot be read.",
            hint="Check the passphrase, and that the whole text of an RSA, ECDSA or Ed25519 key is there.",
        ) from error
    return _as_paramiko(key)


def _as_paramiko(key: object) -> paramiko.PKey:
    """paramiko parses only some of the forms, so it gets the one form that fits every type."""
    kind: type[paramiko.PKey]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = paramiko.ECDSAKey
    elif isinstance(key, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    else:
        raise RunnerFailure("This type of private key is not supported.", hint="Use Ed25519, ECDSA or RSA.")
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return kind.from_private_key(io.StringIO(plain.decode("ascii")))


def log_in(transport: paramiko.Transport, *, user: str, credentials: Credentials) -> None:
    """Password first, then key, on a connection whose host key was checked. Raises RunnerFailure.

    A host that asks for both gets both.
    """
    attempts: list[tuple[str, Callable[[], list[str]]]] = []
    if credentials.password:
        attempts.append(("password", lambda: transport.auth_password(user, credentials.password)))
    if credentials.key:
        key = load_private_key(credentials.key, credentials.passphrase)
        attempts.append(("private key", lambda: transport.auth_publickey(user, key)))
    tried = []
    for name, attempt in attempts:
        tried.append(name)
        try:
            attempt()
        except paramiko.AuthenticationException:
            continue
        if transport.is_authenticated():
            return
    raise RunnerFailure(
        f"The host refused the login of {user!r} with {' and '.join(tried)}.",
        hint="Check username, password and private_key, and authorized_keys on the host.",
    )
