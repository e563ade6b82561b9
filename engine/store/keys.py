"""The SQL of API keys."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.records.access import ApiKey, ApiKeyRow

_TABLE = ApiKeyRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


def add(connection: Connection, key: ApiKey, key_hash: str) -> None:
    connection.execute(
        insert(_TABLE),
        {
            "id": key.id,
            "user": key.user,
            "key_hash": key_hash,
            "enabled": key.enabled,
            "meta": orjson.dumps(key.metadata),
            "created_at": key.created_at,
        },
    )


def by_hash(connection: Connection, key_hash: str) -> ApiKey | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.key_hash == key_hash)).first()
    return None if row is None else _key(row)


def by_id(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == key_id)).first()
    return None if row is None else _key(row)


def all_keys(connection: Connection) -> list[ApiKey]:
    return [_key(row) for row in connection.execute(select(_TABLE).order_by(_TABLE.c.created_at))]


def how_many(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()


def set_enabled(connection: Connection, key_id: str, *, enabled: bool) -> None:
    connection.execute(update(_TABLE).where(_TABLE.c.id == key_id).values(enabled=enabled))


def remove(connection: Connection, key_id: str) -> None:
    connection.execute(delete(_TABLE).where(_TABLE.c.id == key_id))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        user=row.user,
        enabled=row.enabled,
        metadata=orjson.loads(row.meta),
        created_at=row.created_at,
    )
