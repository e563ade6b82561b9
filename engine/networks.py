"""The networks of Errbot that we are on: the files that the section `errbot` names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import BadContent, BadSettings, nearest
from engine.settings import Settings
from engine.yaml_reader import line_of, read_file

IRC, XMPP = "irc", "xmpp"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
# Names of chats that are there without a network.
_TAKEN = ("web", "slack", "terminal")
_LOGINS = ("", "sasl", "nickserv", "server")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    IRC: ("server", "nickname"),
    XMPP: ("account", "password"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network as its file describes it; its password shows nowhere."""

    chat: str
    """The chat's name, as the settings name the network."""
    where: str
    """The file, for errors."""
    backend: str = IRC
    """`irc`, `xmpp`, or the name of a backend of Errbot's that is installed."""
    server: str = ""
    """Of XMPP only where the domain of the account does not say it."""
    port: int = 0
    """0: the usual one."""
    tls: bool = True
    ca_file: str = ""
    """Certificates to trust, in PEM; empty: those of the system."""
    nickname: str = ""
    account: str = ""
    """Of XMPP the JID."""
    password: str = field(default="", repr=False)
    password_file: str = ""
    login: str = ""
    """Of IRC: what the password is for: sasl, nickserv, server; empty: no password is used."""
    channels: tuple[str, ...] = ()
    lines_per_s: float = 1.0
    """How many lines a second the network takes, after a few at once."""
    max_lines: int = 15
    """Of a result so many lines are said; `output ID` says the rest."""
    repeat_after_s: float = 10.0
    """How long a message waits for its commit before it is handed over again."""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Of another backend: what its documentation wants in Errbot's config.py."""

    @property
    def team(self) -> str:
        """The middle of its accounts' names: `libera.irc.ann`."""
        return self.backend.lower()


def networks(settings: Settings) -> tuple[Network, ...]:
    """Raises BadSettings: a file that cannot be read, a key that is missing or wrong."""
    found = []
    for name, file in settings.errbot.networks.items():
        if not _NAME.fullmatch(name) or name in _TAKEN or name.startswith("slack-"):
            raise BadSettings(
                f"errbot.networks: {name!r} cannot name a network.",
                hint="Lower case letters, digits and hyphens, and no chat that is there already.",
            )
        found.append(_network(name, settings.path(file), settings))
    return tuple(found)


def _network(name: str, path: Path, settings: Settings) -> Network:
    given, where = _read(path)
    backend = str(given.get("backend", IRC))
    if backend.lower() in _NEEDED:
        given["backend"] = backend = backend.lower()
    for key in _NEEDED.get(backend, ()):
        if not given.get(key) and not (key == "password" and given.get("password_file")):
            raise BadSettings(f"{backend} needs {key}.", where=f"{path}:1")
    login = given.get("login", "")
    if login not in _LOGINS:
        raise BadSettings(
            f"login: {login!r} is none.", hint="sasl, nickserv, server, or left out.", where=where["login"]
        )
    if login and not (given.get("password") or given.get("password_file")):
        raise BadSettings(f"login: {login} needs a password.", where=where["login"])
    if given.get("password_file"):
        given["password"] = _secret(settings.path(given["password_file"]), where["password_file"])
    if given.get("ca_file"):
        given["ca_file"] = str(settings.path(given["ca_file"]))
    return Network(chat=name, where=str(path), **given)


_KEYS = tuple(one.name for one in fields(Network) if one.name not in ("chat", "where"))
_TEXTS = ("backend", "server", "ca_file", "nickname", "account", "password", "password_file", "login")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The values, and where each of them stands."""
    try:
        text, document = read_file(path, name=str(path))
    except BadContent as error:
        raise BadSettings(error.message, hint=error.hint, where=error.where) from error
    written: Any = document.value
    if not isinstance(written, dict):
        raise BadSettings("A mapping is wanted.", hint=f"Keys: {', '.join(_KEYS)}.", where=f"{path}:1")
    given: dict[str, Any] = {}
    where: dict[str, str] = {}
    for key, value in written.items():
        where[key] = f"{path}:{line_of(text, (key,))}"
        if key not in _KEYS:
            hint = nearest(str(key), _KEYS) or f"Keys: {', '.join(_KEYS)}."
            raise BadSettings(f"There is no key {key!r}.", hint=hint, where=where[key])
        given[key] = _checked(key, value, where[key])
    return given, where


def _checked(key: str, value: Any, where: str) -> Any:
    if key in _TEXTS:
        is_right, wanted = isinstance(value, str), "a text"
    elif key == "channels":
        is_right, wanted = (
            isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value),
            'a list of texts, in quotes: ["#ops"]',
        )
    elif key == "tls":
        is_right, wanted = isinstance(value, bool), "true or false"
    elif key in ("port", "max_lines"):
        least, most = (0, 65_535) if key == "port" else (1, 500)
        is_right, wanted = type(value) is int and least <= value <= most, f"a number from {least} to {most}"
    elif key == "options":
        is_right, wanted = isinstance(value, dict) and all(isinstance(one, str) for one in value), "a mapping"
    else:
        is_right = type(value) in (int, float) and 0.05 <= value <= 1_000
        wanted = "a number from 0.05 to 1000"
    if not is_right:
        raise BadSettings(f"{key} must be {wanted}.", where=where)
    return tuple(value) if key == "channels" else value


def _secret(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"The file {path} cannot be read.", hint="Check its name and its mode.", where=where
        ) from error
