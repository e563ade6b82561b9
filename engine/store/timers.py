"""The SQL of timers. A fire is moved on by naming the time it had, so that of two servers one fires it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from engine.records.timer import TimerRow, TimerState

_TABLE = TimerRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
_NEXT = select(_C.next_fire_at).where(_C.next_fire_at.is_not(None)).order_by(_C.next_fire_at).limit(1)
_MOVE = (
    update(_TABLE)
    .where(_C.trigger == bindparam("wanted"), _C.next_fire_at == bindparam("old"))
    .values(next_fire_at=bindparam("new"), last_fire_at=bindparam("last"), moved_at=bindparam("now"))
)


def everything(connection: Connection) -> dict[str, TimerState]:
    """By the trigger's ref."""
    return {row.trigger: _state(row) for row in connection.execute(select(_TABLE))}


def get(connection: Connection, trigger: str) -> TimerState | None:
    row = connection.execute(select(_TABLE).where(_C.trigger == trigger)).first()
    return None if row is None else _state(row)


def due(connection: Connection, now: datetime, *, limit: int, without: Collection[str]) -> list[TimerState]:
    """What is to fire by now, the longest due first. Uses the index timer_by_next."""
    query = select(_TABLE).where(_C.next_fire_at <= now).order_by(_C.next_fire_at, _C.trigger).limit(limit)
    if without:
        query = query.where(_C.trigger.not_in(without))
    return [_state(row) for row in connection.execute(query)]


def next_at(connection: Connection, *, without: Collection[str]) -> datetime | None:
    """When the first timer fires; None when none will. Uses the index timer_by_next."""
    query = _NEXT.where(_C.trigger.not_in(without)) if without else _NEXT
    found: datetime | None = connection.execute(query).scalar()
    return found


def add(connection: Connection, state: TimerState) -> None:
    """Nothing happens when it is there already."""
    if get(connection, state.trigger) is not None:
        return
    connection.execute(
        insert(_TABLE),
        {
            "trigger": state.trigger,
            "trigger_type": state.trigger_type,
            "parameters": orjson.dumps(state.parameters, option=orjson.OPT_NON_STR_KEYS, default=str),
            "misfire": state.misfire,
            "anchor_at": state.anchor_at,
            "next_fire_at": state.next_fire_at,
            "last_fire_at": state.last_fire_at,
            "moved_at": state.moved_at,
            "resting_since": state.resting_since,
        },
    )


def move(
    connection: Connection, state: TimerState, *, to: datetime | None, last: datetime | None, now: datetime
) -> bool:
    """Set the next time, if it is still the one in `state`; whether it was."""
    moved = connection.execute(
        _MOVE, {"wanted": state.trigger, "old": state.next_fire_at, "new": to, "last": last, "now": now}
    )
    return moved.rowcount == 1


def change(connection: Connection, trigger: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(_TABLE).where(_C.trigger == trigger).values(**values))


def remove(connection: Connection, trigger: str) -> None:
    connection.execute(delete(_TABLE).where(_C.trigger == trigger))


def _state(row: Row[Any]) -> TimerState:
    return TimerState(
        trigger=row.trigger,
        trigger_type=row.trigger_type,
        parameters=orjson.loads(row.parameters),
        misfire=row.misfire,
        anchor_at=row.anchor_at,
        next_fire_at=row.next_fire_at,
        last_fire_at=row.last_fire_at,
        moved_at=row.moved_at,
        resting_since=row.resting_since,
    )
