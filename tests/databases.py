"""Databases that tests begin with: the migrations run once per process, and what follows is a copy of that.

A test that is about migrations itself starts a process of its own, or brings an older database.
"""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.engine import make_url

from engine.store.database import Database

_TEMPLATE = "stormcrow_template"
_NUMBERS = itertools.count(1)


class Copies:
    """Stands before `migrate.to_head`: an empty file of SQLite is filled with what the first one became."""

    def __init__(self, to_head: Callable[[SqlEngine], None]) -> None:
        self._to_head = to_head
        self._first = b""

    def __call__(self, database: SqlEngine) -> None:
        path = Path(database.url.database or "")
        is_empty = database.dialect.name == "sqlite" and path.is_file() and path.stat().st_size == 0
        if is_empty and self._first:
            path.write_bytes(self._first)
        # Also after a copy: it looks at the revision, as every start does.
        self._to_head(database)
        if is_empty and not self._first:
            connection = sqlite3.connect(path)
            self._first = connection.serialize()
            connection.close()


@contextmanager
def postgresql_database(server: str) -> Iterator[str]:
    """The URL of a database that nobody else has, on the server of the fixture `postgresql`."""
    name = f"stormcrow_{next(_NUMBERS)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            templates = text("SELECT count(*) FROM pg_database WHERE datname = :name")
            if not connection.execute(templates, {"name": _TEMPLATE}).scalar():
                connection.execute(text(f"CREATE DATABASE {_TEMPLATE}"))
                _migrate(_url(server, _TEMPLATE))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
        yield _url(server, name)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def _migrate(url: str) -> None:
    database = Database(url)
    database.start()
    database.close()


def _url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
