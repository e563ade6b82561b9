"""Statements that run for every event and every execution, past SQLAlchemy's machinery.

SQLAlchemy takes several times as long to lead a statement of one row to the driver as SQLite takes
to carry it out. These are made with SQLAlchemy all the same, compiled once per kind of database,
and handed to the driver's cursor within the connection's own transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary
from sqlalchemy.sql import Delete, Insert, Select, Update

Convert = Callable[[Any], Any]


class HotStatement:
    """`given`: the names that each run gives values for: the columns of an INSERT, else the binds."""

    def __init__(self, statement: Insert | Update | Delete | Select[Any], given: Sequence[str] = ()) -> None:
        self._statement = statement
        self._given = list(given)
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it changed."""
        cursor = self._execute(connection, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each row."""
        compiled = self._in_words_of(connection)
        cursor = connection.connection.cursor()
        cursor.executemany(compiled.text, [compiled.parameters(values) for values in rows])
        cursor.close()

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row as the driver gives it: times are whole microseconds, see records/columns."""
        cursor = self._execute(connection, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        cursor.close()
        return row

    def insert(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """The primary key that the database gave to the new row; the statement returns it."""
        row = self.first(connection, values)
        assert row is not None  # noqa: S101 - an INSERT of one row returns one
        key: int = row[0]
        return key

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        compiled = self._in_words_of(connection)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(values))
        return cursor

    def _in_words_of(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._statement, self._given, dialect)
        return compiled


class _Compiled:
    """A statement in the words of one kind of database."""

    def __init__(
        self, statement: Insert | Update | Delete | Select[Any], given: list[str], dialect: Dialect
    ) -> None:
        made = statement.compile(dialect=dialect, column_keys=given or None)
        self.text = str(made)
        converts = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in made.binds.items()
        }
        self._fixed = {name: bind.value for name, bind in made.binds.items() if name not in given}
        places = (made.positiontup if made.positional else list(made.binds)) or ()
        self._is_positional = made.positional
        # The drivers take bytes as they are.
        self._places = [
            (name, None if isinstance(made.binds[name].type, LargeBinary) else converts[name])
            for name in places
        ]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        if self._fixed:
            values = {**self._fixed, **values}
        if self._is_positional:
            return [
                values[name] if convert is None else convert(values[name]) for name, convert in self._places
            ]
        return {
            name: values[name] if convert is None else convert(values[name]) for name, convert in self._places
        }
