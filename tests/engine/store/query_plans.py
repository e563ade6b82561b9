"""How SQLite does what the store asks of it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection


def plans_of(connection: Connection, work: Callable[[Connection], Any]) -> list[str]:
    """One for each of the statements of `work`."""
    asked: list[tuple[str, Any]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    work(connection)
    return [
        " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given))
        for statement, given in tuple(asked)
    ]
