"""The journal: appended in the transaction of the fact, read by readers that keep a cursor."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select, update

from engine.clock import utcnow
from engine.records.journal import CursorRow, JournalEntry, JournalRow
from engine.store.database import note
from engine.store.hot import HotStatement

_JOURNAL = JournalRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_CURSOR = CursorRow.__table__  # type: ignore[attr-defined]  # as above
_INSERT = HotStatement(insert(_JOURNAL).returning(_JOURNAL.c.id), ("at", "kind", "subject", "data"))
_MOVE = HotStatement(
    update(_CURSOR).where(_CURSOR.c.reader == bindparam("name")).values(position=bindparam("to")),
    ("name", "to"),
)


def append(
    connection: Connection, kind: str, subject: str, data: Mapping[str, Any], *, at: datetime | None = None
) -> int:
    """Write one entry; its id. Listeners are told after the commit."""
    moment = at or utcnow()
    values = {"at": moment, "kind": kind, "subject": subject, "data": orjson.dumps(data)}
    entry_id = _INSERT.insert(connection, values)
    note(connection, JournalEntry(id=entry_id, at=moment, kind=kind, subject=subject, data=data))
    return entry_id


def mention(connection: Connection, kind: str, subject: str, data: Mapping[str, Any]) -> None:
    """Tell listeners after the commit, without an entry: for what can be read again elsewhere."""
    note(connection, JournalEntry(id=0, at=utcnow(), kind=kind, subject=subject, data=data))


def entries_after(
    connection: Connection, position: int, *, kinds: Collection[str] | None = None, limit: int = 200
) -> list[JournalEntry]:
    """Up to `limit` entries with an id above `position`, in order."""
    query = select(_JOURNAL).where(_JOURNAL.c.id > position).order_by(_JOURNAL.c.id).limit(limit)
    if kinds is not None:
        query = query.where(_JOURNAL.c.kind.in_(kinds))
    return [
        JournalEntry(id=row.id, at=row.at, kind=row.kind, subject=row.subject, data=orjson.loads(row.data))
        for row in connection.execute(query)
    ]


def newest(connection: Connection) -> int:
    """The id of the newest entry; 0 in an empty journal."""
    return connection.execute(select(_JOURNAL.c.id).order_by(_JOURNAL.c.id.desc()).limit(1)).scalar() or 0


def newest_at(connection: Connection) -> datetime | None:
    """When the newest entry was written, by the clock of its server."""
    return connection.execute(select(_JOURNAL.c.at).order_by(_JOURNAL.c.id.desc()).limit(1)).scalar()


def position(connection: Connection, reader: str) -> int | None:
    """How far `reader` has come; None when it never read."""
    return connection.execute(select(_CURSOR.c.position).where(_CURSOR.c.reader == reader)).scalar()


def move(connection: Connection, reader: str, to: int) -> None:
    """Remember that `reader` is done with everything up to `to`."""
    if _MOVE.run(connection, {"name": reader, "to": to}) == 0:
        connection.execute(insert(_CURSOR), {"reader": reader, "position": to})
