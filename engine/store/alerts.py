"""The SQL of the alert board."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from engine.records.alert import AlertRow, AlertStatus, Episode, alert_of

_TABLE = AlertRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
_INSERT = insert(_TABLE)
_NEWEST = (
    select(_TABLE)
    .where(_C.source == bindparam("of_source"), _C.fingerprint == bindparam("of_fingerprint"))
    .order_by(_C.seq.desc())
    .limit(1)
)
_UPDATE = update(_TABLE).where(_C.id == bindparam("wanted"))
_OPEN = (AlertStatus.FIRING.value, AlertStatus.ACKED.value)


def newest(connection: Connection, source: str, fingerprint: str) -> Episode | None:
    """The newest episode of a fingerprint; uses alert_by_fingerprint."""
    row = connection.execute(_NEWEST, {"of_source": source, "of_fingerprint": fingerprint}).first()
    return None if row is None else _episode(row)


def add(connection: Connection, episode: Episode) -> None:
    connection.execute(_INSERT, {"id": episode.id, **_values(episode)})


def change(connection: Connection, episode: Episode) -> None:
    """Write the whole episode over the stored one."""
    connection.execute(_UPDATE.values(**_values(episode)), {"wanted": episode.id})


def get(connection: Connection, episode_id: str) -> Episode | None:
    row = connection.execute(select(_TABLE).where(_C.id == episode_id)).first()
    return None if row is None else _episode(row)


def by_ending(connection: Connection, ending: str) -> list[Episode]:
    """The newest of those whose id ends so; more than one means that the ending says too little."""
    query = select(_TABLE).where(_C.id.endswith(ending, autoescape=True)).order_by(_C.seq.desc()).limit(2)
    return [_episode(row) for row in connection.execute(query)]


def page(
    connection: Connection, *, open_only: bool, channel: str | None, offset: int, limit: int | None
) -> tuple[list[Episode], int]:
    """Newest first, and how many there are in all."""
    query, counted = select(_TABLE), select(func.count()).select_from(_TABLE)
    if open_only:
        query, counted = query.where(_C.status.in_(_OPEN)), counted.where(_C.status.in_(_OPEN))
    if channel is not None:
        query, counted = query.where(_C.channel == channel), counted.where(_C.channel == channel)
    query = query.order_by(_C.seq.desc()).offset(offset)
    if limit is not None:
        query = query.limit(limit)
    return [_episode(row) for row in connection.execute(query)], connection.execute(counted).scalar_one()


def begun_since(connection: Connection, channel: str, moment: datetime) -> int:
    """How many episodes began in a channel after `moment`; uses alert_by_channel."""
    query = select(func.count()).where(_C.channel == channel, _C.first_seen_at > moment)
    return connection.execute(query.select_from(_TABLE)).scalar_one()


def open_digest(connection: Connection, channel: str, *, since: datetime) -> str:
    """The storm of a channel that an alert joined after `since`; empty when there is none."""
    query = (
        select(_C.digest)
        .where(_C.channel == channel, _C.first_seen_at > since, _C.digest != "")
        .order_by(_C.first_seen_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() or ""


def in_digest(connection: Connection, digest: str) -> list[Episode]:
    """All of a storm, in the order of their beginning; uses alert_by_digest."""
    query = select(_TABLE).where(_C.digest == digest).order_by(_C.seq)
    return [_episode(row) for row in connection.execute(query)]


def open_digests(connection: Connection) -> list[str]:
    """Storms in which something has not ended."""
    query = select(_C.digest).where(_C.digest != "", _C.status.in_(_OPEN)).distinct()
    return list(connection.execute(query).scalars())


def next_silence_end(connection: Connection) -> datetime | None:
    """When the first silence over an open alert ends; None when there is none."""
    query = select(func.min(_C.silenced_until)).where(_C.status.in_(_OPEN), _C.silenced_until.is_not(None))
    found: datetime | None = connection.execute(query).scalar()
    return found


def ended_silences(connection: Connection, now: datetime) -> list[Episode]:
    """Open alerts whose silence is over and was not told yet."""
    query = select(_TABLE).where(_C.status.in_(_OPEN), _C.silenced_until <= now).order_by(_C.seq)
    return [_episode(row) for row in connection.execute(query)]


def _values(episode: Episode) -> dict[str, Any]:
    return {
        "source": episode.alert.source,
        "fingerprint": episode.alert.fingerprint,
        "status": episode.status.value,
        "severity": episode.alert.severity.value,
        "channel": episode.channel,
        "digest": episode.digest,
        "count": episode.count,
        "first_seen_at": episode.first_seen_at,
        "last_seen_at": episode.last_seen_at,
        "resolved_at": episode.resolved_at,
        "silenced_until": episode.silenced_until,
        "silenced_by": episode.silenced_by,
        "acked_by": episode.acked_by,
        "resolved_by": episode.resolved_by,
        "alert": orjson.dumps(episode.alert.payload()),
    }


def _episode(row: Row[Any]) -> Episode:
    return Episode(
        id=row.id,
        alert=alert_of(orjson.loads(row.alert)),
        status=AlertStatus(row.status),
        channel=row.channel,
        digest=row.digest,
        count=row._mapping["count"],
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        resolved_at=row.resolved_at,
        silenced_until=row.silenced_until,
        silenced_by=row.silenced_by,
        acked_by=row.acked_by,
        resolved_by=row.resolved_by,
    )
