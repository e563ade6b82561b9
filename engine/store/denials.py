"""The SQL of what somebody wanted and may not."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from engine.records.account import Denial, DenialRow

_DENIALS = DenialRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
# The oldest go, so that nobody can fill the disk by being denied.
KEPT = 10_000


def add(connection: Connection, denial: Denial) -> int:
    """Its number."""
    values = {
        "at": denial.at,
        "user": denial.user,
        "name": denial.name,
        "platform": denial.platform,
        "channel": denial.channel,
        "verb": denial.verb,
        "what": denial.what,
        "reason": denial.reason,
    }
    number: int = connection.execute(insert(_DENIALS), values).inserted_primary_key[0]  # type: ignore[index]
    connection.execute(delete(_DENIALS).where(_DENIALS.c.number <= number - KEPT))
    return number


def page(
    connection: Connection, *, user: str = "", offset: int = 0, limit: int | None = None
) -> tuple[list[Denial], int]:
    """The newest first, and how many there are in all; `user` empty: of everybody."""
    chosen = _DENIALS.c.user == user if user else _DENIALS.c.number > 0
    query = select(_DENIALS).where(chosen).order_by(_DENIALS.c.number.desc()).offset(offset).limit(limit)
    total = connection.execute(select(func.count()).select_from(_DENIALS).where(chosen)).scalar() or 0
    return [_denial(row) for row in connection.execute(query)], total


def _denial(row: Row[Any]) -> Denial:
    return Denial(
        number=row.number,
        at=row.at,
        user=row.user,
        name=row.name,
        platform=row.platform,
        channel=row.channel,
        verb=row.verb,
        what=row.what,
        reason=row.reason,
    )
