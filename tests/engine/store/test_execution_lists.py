"""Lists of executions are read from an index that has both what is asked for and the order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from engine.records.execution import ExecutionFilter
from engine.store import executions
from engine.store.database import Database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path))
    made.start()
    yield made
    made.close()


def plans(connection: Connection, wanted: ExecutionFilter) -> list[str]:
    """How SQLite finds the page, and counts what there is."""
    asked: list[tuple[str, Any]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    executions.page(connection, wanted)
    return [
        " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given))
        for statement, given in tuple(asked)
    ]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (ExecutionFilter(limit=50), "execution_by_start"),
        (ExecutionFilter(limit=50, status="succeeded"), "execution_by_status_and_start"),
        (ExecutionFilter(limit=50, action="core.local"), "execution_by_action"),
        (ExecutionFilter(limit=50, action="core.local", status="succeeded"), "execution_by_action"),
    ],
)
def test_a_list_takes_the_index_that_has_its_order(
    database: Database, wanted: ExecutionFilter, index: str
) -> None:
    with database.read() as connection:
        _counted, page = plans(connection, wanted)
    assert f"INDEX {index}" in page
    assert "TEMP B-TREE" not in page


def test_a_list_of_one_status_is_counted_in_an_index(database: Database) -> None:
    with database.read() as connection:
        counted, _page = plans(connection, ExecutionFilter(limit=50, status="succeeded"))
    assert "COVERING INDEX" in counted
