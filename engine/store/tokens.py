"""The SQL of the tokens that people log in for."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from engine.records.access import Token, TokenRow
from engine.records.audit import Act
from engine.store import audit

_TABLE = TokenRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


def add(connection: Connection, token: Token, token_hash: str) -> None:
    by = {"by": token.acting_user} if token.acting_user else {}
    audit.record(connection, Act(kind="login.ok", object=token.id, user=token.user, details=by))
    connection.execute(
        insert(_TABLE),
        {
            "id": token.id,
            "token_hash": token_hash,
            "user": token.user,
            "stamp": token.stamp,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "acting_user": token.acting_user,
        },
    )


def by_hash(connection: Connection, token_hash: str) -> Token | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.token_hash == token_hash)).first()
    if row is None:
        return None
    return Token(
        id=row.id,
        user=row.user,
        stamp=row.stamp,
        created_at=row.created_at,
        expires_at=row.expires_at,
        acting_user=row.acting_user,
    )


def drop_expired(connection: Connection, now: datetime) -> None:
    connection.execute(delete(_TABLE).where(_TABLE.c.expires_at <= now))
