"""A database in memory for what is only tried: gates run on it as they would on the real one."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine
from sqlmodel import SQLModel

from engine.records.rule_state import RuleDueRow, RuleStateRow
from engine.store.database import may_note


@contextmanager
def scratch() -> Iterator[Connection]:
    """Holds the memory of gates and what is due, empty; gone afterwards."""
    made = create_engine("sqlite://")
    tables = [RuleStateRow.__table__, RuleDueRow.__table__]  # type: ignore[attr-defined]  # SQLModel hides the tables from mypy
    try:
        with made.connect() as connection:
            SQLModel.metadata.create_all(connection, tables=tables)
            may_note(connection)
            yield connection
    finally:
        made.dispose()
