"""The data folders that a run of the tests left behind: which secrets they issued, and where one is found."""

import base64
import contextlib
import hashlib
import re
import shutil
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.errors import StoreFailure
from engine.expressions.masking import MASK
from engine.store import datastore, executions
from engine.store.key_ring import KeyRing

# Shorter ones are words that stand in any text.
SHORTEST = 8
# What an issued key or token may look like; whether it is one, its hash tells.
_CANDIDATE = re.compile(rb"[A-Za-z0-9_-]{32,}+")
# Where a key in clear belongs; all of them are for their owner alone.
_KEY_FILES = ("admin.key", "secret.key")


@dataclass(frozen=True, slots=True)
class Find:
    """A secret in a file. `what` names it without telling it."""

    path: Path
    what: str


class Site:
    """One data folder with its database."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.digests: frozenset[str] = frozenset()
        """Of API keys and tokens, as they are stored."""
        self.values: Mapping[str, str] = {}
        """Secret values in clear, each with what it is."""
        with tempfile.TemporaryDirectory() as copy, contextlib.suppress(sqlite3.DatabaseError):
            # A copy: what a killed server left in its write-ahead log is read, and nothing is changed.
            for file in data.glob("stormcrow.db*"):
                shutil.copy(file, copy)
            with contextlib.closing(sqlite3.connect(Path(copy) / "stormcrow.db")) as connection:
                connection.row_factory = sqlite3.Row
                self.digests = frozenset(_digests(connection))
                self.values = dict(_values(connection, data))

    def files(self) -> Iterator[Path]:
        """What the server wrote: its folder, and logs beside it."""
        for path in self.data.rglob("*"):
            if path.is_file() and "virtualenvs" not in path.parts and path.name not in _KEY_FILES:
                yield path
        yield from (path for path in self.data.parent.glob("*.log") if path.is_file())

    def found(self) -> Iterator[Find]:
        """Secret values of this site in what it wrote."""
        if not self.values:
            return
        names = {form: what for value, what in self.values.items() for form in forms(value)}
        wanted = re.compile(b"|".join(map(re.escape, names)))
        for path in self.files():
            for text in set(wanted.findall(path.read_bytes())):
                yield Find(path, names[text])


def sites(folder: Path) -> list[Site]:
    return [
        Site(path.parent) for path in folder.rglob("stormcrow.db") if (path.parent / "secret.key").exists()
    ]


def forms(value: str) -> list[bytes]:
    """How the value may stand in a text; of base64 what does not depend on the letters around it."""
    plain = value.encode()
    encoded = {base64.b64encode(b"-" * before + plain)[4 if before else 0 : -4] for before in range(3)}
    return list({plain, orjson.dumps(value)[1:-1], urllib.parse.quote(value).encode(), *encoded} - {b""})


def issued_keys(path: Path, digests: frozenset[str]) -> Iterator[Find]:
    """API keys and tokens in clear in a file."""
    for text in set(_CANDIDATE.findall(path.read_bytes())):
        if hashlib.sha256(text).hexdigest() in digests:
            yield Find(path, f"a key or token that begins with {text[:4].decode()}")


def _digests(connection: sqlite3.Connection) -> Iterator[str]:
    for table, column in (("api_key", "key_hash"), ("auth_token", "token_hash")):
        with contextlib.suppress(sqlite3.OperationalError):  # a database of an old version
            yield from (row[0] for row in connection.execute(f"SELECT {column} FROM {table}"))


def _values(connection: sqlite3.Connection, data: Path) -> Iterator[tuple[str, str]]:
    vault = KeyRing(data / "secret.key").vault
    for row in connection.execute("SELECT * FROM datastore WHERE secret"):
        with contextlib.suppress(StoreFailure):  # sealed with a key that is gone, as a test wanted it
            plain = vault.unseal(
                row["value"], place=datastore.seal_place(row["scope"], row["user"], row["name"])
            )
            for text in _texts(plain.decode()):
                yield text, f"the datastore key {row['name']}"
    for row in connection.execute("SELECT * FROM execution WHERE sealed IS NOT NULL"):
        with contextlib.suppress(StoreFailure):
            plain = vault.unseal(row["sealed"], place=executions.seal_place(row["id"]))
            opened = orjson.loads(plain)
            shown = orjson.loads(row["parameters"])
            for name, value in opened["parameters"].items():
                for text in _masked(value, shown.get(name)):
                    yield text, f"the parameter {name} of {row['action']} {row['id']}"
            for text in opened["secrets"]:
                if len(text) >= SHORTEST:
                    yield text, f"what {row['action']} {row['id']} has read"


def _masked(clear: Any, shown: Any) -> Iterator[str]:
    """Texts of `clear` in whose place `shown` has a mask."""
    if isinstance(clear, dict) and isinstance(shown, dict):
        for name, value in clear.items():
            yield from _masked(value, shown.get(name))
    elif isinstance(clear, list) and isinstance(shown, list):
        for value, seen in zip(clear, shown, strict=False):
            yield from _masked(value, seen)
    elif shown == MASK:
        yield from _texts(clear)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= SHORTEST:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
