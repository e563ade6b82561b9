"""The SQL of stored content and of switches."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from engine.clock import utcnow
from engine.records.audit import Act
from engine.records.content import ContentSwitchRow, StoredContentRow, StoredDocument
from engine.store import audit

_CONTENT = StoredContentRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_SWITCH = ContentSwitchRow.__table__  # type: ignore[attr-defined]  # as above


def documents(connection: Connection) -> list[StoredDocument]:
    query = select(_CONTENT).order_by(_CONTENT.c.kind, _CONTENT.c.ref)
    return [
        StoredDocument(kind=row.kind, ref=row.ref, document=orjson.loads(row.document), user=row.user)
        for row in connection.execute(query)
    ]


def switches(connection: Connection) -> dict[tuple[str, str], bool]:
    """(kind, ref) -> enabled."""
    return {(row.kind, row.ref): row.enabled for row in connection.execute(select(_SWITCH))}


def put(connection: Connection, kind: str, ref: str, document: Mapping[str, Any], *, user: str) -> None:
    """Make or replace; what the document says of `enabled` counts again."""
    connection.execute(delete(_SWITCH).where(_SWITCH.c.kind == kind, _SWITCH.c.ref == ref))
    gone = connection.execute(delete(_CONTENT).where(_CONTENT.c.kind == kind, _CONTENT.c.ref == ref))
    what = "changed" if gone.rowcount else "created"
    audit.record(connection, Act(kind=f"content.{what}", object=f"{kind}:{ref}", user=user))
    values = {
        "kind": kind,
        "ref": ref,
        "document": orjson.dumps(document),
        "user": user,
        "changed_at": utcnow(),
    }
    connection.execute(insert(_CONTENT), values)


def remove(connection: Connection, kind: str, ref: str) -> bool:
    """Also its switch. Whether there was such content."""
    connection.execute(delete(_SWITCH).where(_SWITCH.c.kind == kind, _SWITCH.c.ref == ref))
    gone = connection.execute(delete(_CONTENT).where(_CONTENT.c.kind == kind, _CONTENT.c.ref == ref))
    if gone.rowcount:
        audit.record(connection, Act(kind="content.removed", object=f"{kind}:{ref}"))
    return gone.rowcount > 0


def switch(connection: Connection, kind: str, ref: str, *, enabled: bool, user: str) -> None:
    connection.execute(delete(_SWITCH).where(_SWITCH.c.kind == kind, _SWITCH.c.ref == ref))
    what = "enabled" if enabled else "disabled"
    audit.record(connection, Act(kind=f"content.{what}", object=f"{kind}:{ref}", user=user))
    values = {"kind": kind, "ref": ref, "enabled": enabled, "user": user, "changed_at": utcnow()}
    connection.execute(insert(_SWITCH), values)
