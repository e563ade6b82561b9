"""Statements that run for every event and every execution, past SQLAlchemy's machinery.

SQLAlchemy takes several times as long to lead a statement of one row to the driver as SQLite takes
to carry it out. These are made with SQLAlchemy all the same, compiled once per kind of database,
and handed to the driver's cursor within the connection's own transaction.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Delete, Insert, Select, Update
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
        given = [compiled.parameters(values) for values in rows]
        _driven(connection, compiled.text, cursor.executemany, given)
        cursor.close()

    def first(self, connection: Connection, values: Mapping[str, Any] = _NOTHING) -> Any:
        """The first row: its columns in their order, and by their names; None where there is none."""
        cursor = self._execute(connection, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else self._in_words_of(connection).row(row)

    def all(self, connection: Connection, values: Mapping[str, Any] = _NOTHING) -> list[Any]:
        """Every row, as `first` gives one."""
        cursor = self._execute(connection, values)
        rows = cursor.fetchall()
        cursor.close()
        return [*map(self._in_words_of(connection).row, rows)]

    def insert(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """The primary key that the database gave to the new row; the statement returns it."""
        row = self.first(connection, values)
        key: int = row[0]
        return key

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        compiled = self._in_words_of(connection)
        cursor = connection.connection.cursor()
        _driven(connection, compiled.text, cursor.execute, compiled.parameters(values))
        return cursor

    def _in_words_of(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._statement, self._given, dialect)
        return compiled


def run_plain(connection: Connection, text: str) -> None:
    """A statement without parameters and rows."""
    cursor = connection.connection.cursor()
    _driven(connection, text, cursor.execute)
    cursor.close()


def _driven(connection: Connection, text: str, execute: Callable[..., object], *given: Any) -> None:
    """Raises what SQLAlchemy makes of the driver's errors."""
    try:
        execute(text, *given)
    except Exception as error:
        dbapi = connection.dialect.loaded_dbapi
        if isinstance(error, dbapi.Error):
            raise DBAPIError.instance(text, None, error, dbapi.Error) from error
        raise


class _Compiled:
    """A statement in the words of one kind of database."""

    def __init__(
        self, statement: Insert | Update | Delete | Select[Any], given: list[str], dialect: Dialect
    ) -> None:
        made = statement.compile(dialect=dialect, column_keys=given or None)
        self.text = str(made)
        self._fixed = {name: bind.value for name, bind in made.binds.items() if name not in given}
        places = (made.positiontup if made.positional else list(made.binds)) or ()
        self._is_positional = made.positional
        self._places = [(name, _bound(made.binds[name].type, dialect)) for name in places]
        columns = list(statement.exported_columns)
        self._row = namedtuple("_row", [column.name for column in columns], rename=True)._make  # type: ignore[attr-defined]  # mypy reads names that stand there
        read = [(number, _read(column.type, dialect)) for number, column in enumerate(columns)]
        self._reads = [(number, convert) for number, convert in read if convert is not None]

    def row(self, values: Sequence[Any]) -> Any:
        """A row of the driver's with the types of its columns."""
        if self._reads:
            values = list(values)
            for number, convert in self._reads:
                values[number] = convert(values[number])
        return self._row(values)

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


def _bound(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What a value is led through on its way to the driver, which takes bytes as they are."""
    if isinstance(kind, LargeBinary):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _read(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What a value is led through on its way from the driver, which gives bytes as they are."""
    if isinstance(kind, LargeBinary):
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, None)
