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


def put(
    connection: Connection,
    kind: str,
    ref: str,
    document: Mapping[str, Any],
    *,
    user: str,
    by: str | None = None,
) -> None:
    """Make or replace; what the document says of `enabled` counts again.

    `by`: who does it, where that is not the user whom it is for; empty: the actor of the transaction.
    """
    before = _document(connection, kind, ref)
    _tell(connection, kind, ref, before, document, user=user if by is None else by)
    write(connection, kind, ref, document, user=user)


def rename(
    connection: Connection, kind: str, ref: str, to: str, document: Mapping[str, Any], *, user: str
) -> None:
    """Put the document under the ref `to`, in the place of the one under `ref`."""
    _tell(connection, kind, to, _document(connection, kind, ref), document, user=user, was=ref)
    drop(connection, kind, ref)
    write(connection, kind, to, document, user=user)


def _document(connection: Connection, kind: str, ref: str) -> Mapping[str, Any] | None:
    query = select(_CONTENT.c.document).where(_CONTENT.c.kind == kind, _CONTENT.c.ref == ref)
    found = connection.execute(query).scalar()
    return None if found is None else orjson.loads(found)


def _tell(
    connection: Connection,
    kind: str,
    ref: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    user: str,
    was: str = "",
) -> None:
    """One act. Of what has changed the names alone: a value may be a secret."""
    details: dict[str, Any] = {}
    if before is not None:
        names = before.keys() | after.keys()
        details["fields"] = sorted(name for name in names if before.get(name) != after.get(name))
    if was and was != ref:
        details["was"] = was
    what = "created" if before is None else "changed"
    act = Act(kind=f"content.{what}", object=f"{kind}:{ref}", user=user, details=details)
    audit.record(connection, act)


def write(connection: Connection, kind: str, ref: str, document: Mapping[str, Any], *, user: str) -> None:
    """As `put`, for what is an act of its own already."""
    drop(connection, kind, ref)
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
    is_gone = drop(connection, kind, ref)
    if is_gone:
        audit.record(connection, Act(kind="content.removed", object=f"{kind}:{ref}"))
    return is_gone


def drop(connection: Connection, kind: str, ref: str) -> bool:
    """As `remove`, for what is an act of its own already, or none."""
    connection.execute(delete(_SWITCH).where(_SWITCH.c.kind == kind, _SWITCH.c.ref == ref))
    gone = connection.execute(delete(_CONTENT).where(_CONTENT.c.kind == kind, _CONTENT.c.ref == ref))
    return gone.rowcount > 0


def switch(
    connection: Connection, kind: str, ref: str, *, enabled: bool, user: str, by: str | None = None
) -> None:
    """`by` as in `put`."""
    connection.execute(delete(_SWITCH).where(_SWITCH.c.kind == kind, _SWITCH.c.ref == ref))
    what = "enabled" if enabled else "disabled"
    by = user if by is None else by
    audit.record(connection, Act(kind=f"content.{what}", object=f"{kind}:{ref}", user=by))
    values = {"kind": kind, "ref": ref, "enabled": enabled, "user": user, "changed_at": utcnow()}
    connection.execute(insert(_SWITCH), values)
