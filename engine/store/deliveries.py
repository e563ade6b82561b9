"""SQL of the inbox: what chats have delivered."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from engine.clock import utcnow
from engine.records.deliveries import Delivery, DeliveryRow
from engine.store.vault import Vault

_T = DeliveryRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_INSERT = insert(_T)
_KNOWN = select(_T.c.seq).where(_T.c.adapter == bindparam("where"), _T.c.key == bindparam("wanted"))
_HANDLED = (
    update(_T)
    .where(_T.c.seq == bindparam("wanted"))
    .values(is_handled=True, body=None, error=bindparam("why"))
)


def seal_place(adapter: str, key: str) -> str:
    return f"delivery:{adapter}:{key}"


def add(connection: Connection, adapter: str, delivery: Delivery, sealed: bytes) -> int | None:
    """Its place in the order of arrival; None when it is known already."""
    if connection.execute(_KNOWN, {"where": adapter, "wanted": delivery.key}).scalar() is not None:
        return None
    values = {
        "adapter": adapter,
        "key": delivery.key,
        "lane": delivery.lane,
        "kind": delivery.kind,
        "body": sealed,
        "is_handled": False,
        "error": "",
        "received_at": utcnow(),
    }
    made = connection.execute(_INSERT.returning(_T.c.seq), values)
    return int(made.scalar_one())


def unhandled(connection: Connection, vault: Vault, adapter: str, *, before: datetime) -> list[Delivery]:
    """What came before that moment and was never worked on to its end, in the order of arrival.

    Uses the index chat_delivery_by_state. Raises StoreFailure when it was sealed with a key that is gone.
    """
    query = (
        select(_T)
        .where(_T.c.adapter == adapter, _T.c.is_handled.is_(False), _T.c.received_at < before)
        .order_by(_T.c.seq)
    )
    return [_delivery(vault, row) for row in connection.execute(query)]


def handled(connection: Connection, seq: int, *, error: str = "") -> None:
    """It was worked on; what it said is forgotten."""
    connection.execute(_HANDLED, {"wanted": seq, "why": error})


def _delivery(vault: Vault, row: Row[Any]) -> Delivery:
    plain = vault.unseal(row.body, place=seal_place(row.adapter, row.key))
    return Delivery(key=row.key, lane=row.lane, kind=row.kind, body=orjson.loads(plain), seq=row.seq)
