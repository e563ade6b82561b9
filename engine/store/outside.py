"""The SQL of what others said about people who logged in."""

from datetime import datetime

import orjson
from sqlalchemy import Connection, delete, insert, select

from engine.records.access import ACCESS_CHANGED
from engine.records.outside import OutsideGroupsRow, Said, TakenTokenRow
from engine.store import journal

_GROUPS = OutsideGroupsRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_TAKEN = TakenTokenRow.__table__  # type: ignore[attr-defined]


def all_said(connection: Connection) -> list[Said]:
    """One per user and source: as many as people who log in."""
    return [
        Said(user=row.user, source=row.source, groups=tuple(orjson.loads(row.groups)), said_at=row.said_at)
        for row in connection.execute(select(_GROUPS).order_by(_GROUPS.c.user, _GROUPS.c.source))
    ]


def put(connection: Connection, said: Said) -> None:
    """In the place of what the same source said of them before."""
    connection.execute(delete(_GROUPS).where(_GROUPS.c.user == said.user, _GROUPS.c.source == said.source))
    values = {"user": said.user, "source": said.source, "said_at": said.said_at}
    connection.execute(insert(_GROUPS), {**values, "groups": orjson.dumps(said.groups)})
    journal.append(connection, ACCESS_CHANGED, said.user, {})


def take(connection: Connection, digest: str, *, expires_at: datetime, now: datetime) -> bool:
    """Whether this foreign token comes for the first time."""
    connection.execute(delete(_TAKEN).where(_TAKEN.c.expires_at <= now))
    if connection.execute(select(_TAKEN.c.digest).where(_TAKEN.c.digest == digest)).first() is not None:
        return False
    connection.execute(insert(_TAKEN), {"digest": digest, "expires_at": expires_at})
    return True
