"""Lists of executions are read from an index that has both what is asked for and the order."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from engine.clock import utcnow
from engine.records.execution import ExecutionFilter
from engine.store import execution_lists, executions
from engine.store.database import Database, sqlite_url
from tests.engine.store.query_plans import plans_of


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path))
    made.start()
    yield made
    made.close()


def plans(connection: Connection, wanted: ExecutionFilter) -> list[str]:
    """How SQLite finds the page, and counts what there is."""
    return plans_of(connection, lambda one: executions.page(one, wanted))


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


@pytest.mark.parametrize(
    "wanted",
    [
        ExecutionFilter(status="succeeded"),
        ExecutionFilter(action="core.local"),
        ExecutionFilter(action="core.local", status="succeeded"),
        ExecutionFilter(user="ann"),
        ExecutionFilter(runner="noop"),
        # As `st2 execution list` asks.
        ExecutionFilter(parent_id="null"),
        ExecutionFilter(parent_id="null", action="core.local"),
        ExecutionFilter(parent_id="null", action="core.local", status="succeeded"),
        ExecutionFilter(parent_id="null", status="succeeded"),
        ExecutionFilter(parent_id="null", user="ann"),
        ExecutionFilter(parent_id="null", before=utcnow()),
    ],
)
def test_what_a_list_shows_is_counted_in_an_index_alone(database: Database, wanted: ExecutionFilter) -> None:
    with database.read() as connection:
        counted, page = plans(connection, wanted)
    assert "COVERING INDEX" in counted
    assert "TEMP B-TREE" not in page


def test_the_newest_is_read_from_an_index(database: Database) -> None:
    with database.read() as connection:
        (plan,) = plans_of(connection, executions.newest)
    assert "INDEX execution_by_parent" in plan
    assert "TEMP B-TREE" not in plan


def test_values_are_found_from_one_to_the_next_and_not_in_every_row(database: Database) -> None:
    with database.read() as connection:
        found = plans_of(connection, execution_lists.values)
    scanned = [plan for plan in found if "TEMP B-TREE" in plan]
    assert len(found) == 7
    # Of runners and users there is no index of their own, but one that has them.
    assert all("COVERING INDEX execution_by_" in plan for plan in scanned)
    assert len(scanned) == 2
