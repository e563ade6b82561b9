"""The SQL of API keys."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.clock import isoformat
from engine.records.access import ACCESS_CHANGED, ApiKey, ApiKeyRow, KeyLimits, Scope
from engine.records.audit import Act
from engine.store import audit, journal

_TABLE = ApiKeyRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


def add(connection: Connection, key: ApiKey, key_hash: str) -> None:
    about = {"of": key.user, "is_limited": key.limits != KeyLimits()}
    audit.record(connection, Act(kind="api_key.made", object=key.id, details=about))
    connection.execute(
        insert(_TABLE),
        {
            "id": key.id,
            "user": key.user,
            "key_hash": key_hash,
            "enabled": key.enabled,
            "meta": orjson.dumps(key.metadata),
            "created_at": key.created_at,
            "prefix": key.prefix,
            "scope": None if key.limits.scope is None else orjson.dumps(asdict(key.limits.scope)),
            "networks": orjson.dumps(key.limits.networks) if key.limits.networks else None,
            "expires_at": key.limits.expires_at,
            "last_used_from": "",
            "acting_user": key.acting_user,
        },
    )


def by_hash(connection: Connection, key_hashes: Sequence[str]) -> ApiKey | None:
    """The key that has one of these digests."""
    row = connection.execute(select(_TABLE).where(_TABLE.c.key_hash.in_(key_hashes))).first()
    return None if row is None else _key(row)


def by_id(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == key_id)).first()
    return None if row is None else _key(row)


def all_keys(connection: Connection) -> list[ApiKey]:
    return [_key(row) for row in connection.execute(select(_TABLE).order_by(_TABLE.c.created_at))]


def how_many(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()


def set_enabled(connection: Connection, key_id: str, *, enabled: bool) -> None:
    what = "enabled" if enabled else "disabled"
    audit.record(connection, Act(kind=f"api_key.{what}", object=key_id))
    connection.execute(update(_TABLE).where(_TABLE.c.id == key_id).values(enabled=enabled))
    journal.append(connection, ACCESS_CHANGED, key_id, {})


def end_at(connection: Connection, key_id: str, moment: datetime) -> None:
    audit.record(connection, Act(kind="api_key.ends", object=key_id, details={"at": isoformat(moment)}))
    connection.execute(update(_TABLE).where(_TABLE.c.id == key_id).values(expires_at=moment))
    journal.append(connection, ACCESS_CHANGED, key_id, {})


def note_use(connection: Connection, key_id: str, *, at: datetime, address: str) -> None:
    """Never back in time: another server may have seen it later."""
    is_older = _TABLE.c.last_used_at.is_(None) | (_TABLE.c.last_used_at < at)
    connection.execute(
        update(_TABLE).where(_TABLE.c.id == key_id, is_older).values(last_used_at=at, last_used_from=address)
    )


def remove(connection: Connection, key_id: str) -> None:
    audit.record(connection, Act(kind="api_key.revoked", object=key_id))
    connection.execute(delete(_TABLE).where(_TABLE.c.id == key_id))
    journal.append(connection, ACCESS_CHANGED, key_id, {})


def _key(row: Row[Any]) -> ApiKey:
    scope = orjson.loads(row.scope) if row.scope is not None else None
    return ApiKey(
        id=row.id,
        user=row.user,
        enabled=row.enabled,
        metadata=orjson.loads(row.meta),
        created_at=row.created_at,
        prefix=row.prefix,
        limits=KeyLimits(
            scope=None
            if scope is None
            else Scope(**{name: tuple(patterns) for name, patterns in scope.items()}),
            networks=tuple(orjson.loads(row.networks)) if row.networks is not None else (),
            expires_at=row.expires_at,
        ),
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
        acting_user=row.acting_user,
    )
