"""The SQL of schedules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from engine.records.schedule import Schedule, ScheduleRow

_TABLE = ScheduleRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c


def add(connection: Connection, schedule: Schedule) -> int:
    """Its number."""
    result = connection.execute(
        insert(_TABLE),
        {
            "user": schedule.user,
            "chat_user": schedule.chat_user,
            "text": schedule.text,
            "zone": schedule.zone,
            "command": schedule.command,
            "action": schedule.action,
            "parameters": orjson.dumps(schedule.parameters),
            "context": orjson.dumps(schedule.context),
            "created_at": schedule.created_at,
            "outcome": "",
            "delivery_key": schedule.delivery_key,
            "ended_by": "",
            "last_failure": "",
        },
    )
    number: int = result.inserted_primary_key[0]  # type: ignore[index]  # an INSERT of one row has one
    return number


def get(connection: Connection, number: int) -> Schedule | None:
    row = connection.execute(select(_TABLE).where(_C.number == number)).first()
    return None if row is None else _schedule(row)


def by_delivery_key(connection: Connection, key: str) -> int | None:
    found: int | None = connection.execute(select(_C.number).where(_C.delivery_key == key)).scalar()
    return found


def page(connection: Connection, *, with_ended: bool, limit: int) -> list[Schedule]:
    """Those that are not over, or all, the newest first. Uses the index schedule_by_end."""
    query = select(_TABLE).order_by(_C.number.desc()).limit(limit)
    if not with_ended:
        query = query.where(_C.ended_at.is_(None))
    return [_schedule(row) for row in connection.execute(query)]


def end(connection: Connection, number: int, *, at: datetime, outcome: str, by: str = "") -> bool:
    """Whether it was not over yet."""
    values = {"ended_at": at, "outcome": outcome, "ended_by": by}
    query = update(_TABLE).where(_C.number == number, _C.ended_at.is_(None))
    return connection.execute(query.values(**values)).rowcount == 1


def note_run(connection: Connection, number: int, values: Mapping[str, Any]) -> None:
    """`values`: last_execution_id, last_due_at, last_failure."""
    connection.execute(update(_TABLE).where(_C.number == number).values(**values))


def _schedule(row: Row[Any]) -> Schedule:
    fields = dict(row._mapping)
    return Schedule(
        **{
            **fields,
            "parameters": orjson.loads(fields["parameters"]),
            "context": orjson.loads(fields["context"]),
        }
    )
