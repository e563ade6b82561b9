"""Statements past SQLAlchemy's machinery do what SQLAlchemy would have done."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from engine.records.journal import JournalRow
from engine.store.database import Database
from engine.store.hot import HotStatement

JOURNAL = JournalRow.__table__  # type: ignore[attr-defined]
MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
INSERT = HotStatement(insert(JOURNAL).returning(JOURNAL.c.id), ("at", "kind", "subject", "data"))
ROW = {"at": MOMENT, "kind": "x", "subject": "ü", "data": b"\x00{}"}


def test_a_row_is_read_again_as_it_was_written(database: Database) -> None:
    key = database.write(lambda connection: INSERT.insert(connection, ROW))
    with database.read() as connection:
        row = connection.execute(select(JOURNAL).where(JOURNAL.c.id == key)).one()
    assert (row.at, row.kind, row.subject, row.data) == (MOMENT, "x", "ü", b"\x00{}")


def test_an_update_says_how_many_rows_it_changed(database: Database) -> None:
    changed = HotStatement(
        update(JOURNAL).where(JOURNAL.c.kind == bindparam("old")).values(subject=bindparam("new")),
        ("old", "new"),
    )
    database.write(lambda connection: INSERT.insert(connection, ROW))
    assert database.write(lambda c: changed.run(c, {"old": "x", "new": "y"})) == 1
    assert database.write(lambda c: changed.run(c, {"old": "z", "new": "y"})) == 0


def test_what_the_statement_fixes_need_not_be_given(database: Database) -> None:
    found = HotStatement(
        select(JOURNAL.c.subject).where(JOURNAL.c.kind == "x", JOURNAL.c.subject == bindparam("wanted")),
        ("wanted",),
    )
    database.write(lambda connection: INSERT.insert(connection, ROW))
    with database.read() as connection:
        assert found.first(connection, {"wanted": "ü"}) == ("ü",)
        assert found.first(connection, {"wanted": "o"}) is None


def test_it_is_part_of_the_transaction(database: Database) -> None:
    def fails(connection: Connection) -> None:
        INSERT.insert(connection, ROW)
        raise LookupError

    with pytest.raises(LookupError):
        database.write(fails)
    with database.read() as connection:
        assert connection.execute(select(JOURNAL)).all() == []


def test_rows_have_the_names_and_types_of_their_columns(database: Database) -> None:
    found = HotStatement(select(JOURNAL).where(JOURNAL.c.kind == bindparam("wanted")), ("wanted",))
    database.write(lambda connection: INSERT.insert(connection, ROW))
    with database.read() as connection:
        (row,) = found.all(connection, {"wanted": "x"})
        assert found.first(connection, {"wanted": "x"}) == row
        assert found.all(connection, {"wanted": "y"}) == []
    assert row._asdict() == {"id": row.id, **ROW}


def test_the_drivers_errors_are_those_of_sqlalchemy(database: Database) -> None:
    def twice(connection: Connection) -> None:
        key = INSERT.insert(connection, ROW)
        HotStatement(insert(JOURNAL), ("id", *ROW)).run(connection, {"id": key, **ROW})

    with pytest.raises(IntegrityError):
        database.write(twice)
