"""The SQL of the tokens that people log in for, and of the ends of their logins."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select

from engine.records.access import ACCESS_CHANGED, LoginEndRow, Token, TokenRow
from engine.records.audit import Act
from engine.store import audit, journal

_TABLE = TokenRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_ENDS = LoginEndRow.__table__  # type: ignore[attr-defined]  # as above


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


def end(connection: Connection, token_id: str) -> None:
    """Of a token that is ended before its time."""
    audit.record(connection, Act(kind="login.ended", object=token_id))
    connection.execute(delete(_TABLE).where(_TABLE.c.id == token_id))
    journal.append(connection, ACCESS_CHANGED, token_id, {})


def end_all(connection: Connection, user: str, now: datetime) -> int:
    """All logins of a user, and for them; how many tokens there were."""
    ended = connection.execute(
        delete(_TABLE).where(or_(_TABLE.c.user == user, _TABLE.c.acting_user == user))
    ).rowcount
    connection.execute(delete(_ENDS).where(_ENDS.c.user == user))
    connection.execute(insert(_ENDS), {"user": user, "at": now})
    audit.record(connection, Act(kind="login.all_ended", object=user, details={"tokens": ended}))
    journal.append(connection, ACCESS_CHANGED, user, {})
    return ended


def ends(connection: Connection) -> dict[str, datetime]:
    """When all logins of a user were ended the last time, where they were."""
    return {row.user: row.at for row in connection.execute(select(_ENDS))}


def drop_expired(connection: Connection, now: datetime) -> None:
    connection.execute(delete(_TABLE).where(_TABLE.c.expires_at <= now))
