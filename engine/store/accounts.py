"""The SQL of accounts in chats, and of the codes that link them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from engine.records.access import ACCESS_CHANGED
from engine.records.account import Account, AccountRow, How, Link, LinkCode, LinkCodeRow
from engine.records.audit import Act
from engine.store import audit, journal

_LINKS = AccountRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_CODES = LinkCodeRow.__table__  # type: ignore[attr-defined]


def all_links(connection: Connection) -> list[Link]:
    """Those that are over too, the oldest first: there are as many as people, and few more."""
    return [_link(row) for row in connection.execute(select(_LINKS).order_by(_LINKS.c.number))]


def active(connection: Connection, account: Account) -> Link | None:
    """The link of an account that is not over."""
    is_its = (_LINKS.c.platform == account.platform) & (_LINKS.c.team == account.team)
    query = select(_LINKS).where(is_its, _LINKS.c.account_id == account.id, _LINKS.c.ended_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None else _link(row)


def add(
    connection: Connection, account: Account, *, user: str, how: How, name: str, at: datetime, by: str
) -> int:
    """Its number."""
    values = {
        "platform": account.platform,
        "team": account.team,
        "account_id": account.id,
        "user": user,
        "how": how.value,
        "name": name,
        "at": at,
        "by": by,
        "ended_by": "",
    }
    number: int = connection.execute(insert(_LINKS), values).inserted_primary_key[0]  # type: ignore[index]
    about = {"of": user, "how": how.value}
    audit.record(connection, Act(kind="account.linked", object=account.ref, user=by, details=about))
    journal.append(connection, ACCESS_CHANGED, account.ref, {})
    return number


def end(connection: Connection, number: int, *, at: datetime, by: str) -> bool:
    """Whether it was not over yet."""
    query = update(_LINKS).where(_LINKS.c.number == number, _LINKS.c.ended_at.is_(None))
    ended = connection.execute(query.values(ended_at=at, ended_by=by)).rowcount == 1
    if ended:
        row = connection.execute(select(_LINKS).where(_LINKS.c.number == number)).one()
        ref = _link(row).account.ref
        audit.record(connection, Act(kind="account.unlinked", object=ref, user=by, details={"of": row.user}))
        journal.append(connection, ACCESS_CHANGED, ref, {})
    return ended


def add_code(connection: Connection, digest: str, code: LinkCode) -> None:
    values = {"user": code.user, "account": code.account, "expires_at": code.expires_at}
    connection.execute(insert(_CODES), {"digest": digest, **values})


def take_code(connection: Connection, digest: str) -> LinkCode | None:
    """The code, which is gone with that: of two who say it one gets it."""
    row = connection.execute(select(_CODES).where(_CODES.c.digest == digest)).first()
    if row is None or connection.execute(delete(_CODES).where(_CODES.c.digest == digest)).rowcount != 1:
        return None
    return LinkCode(user=row.user, account=row.account, expires_at=row.expires_at)


def drop_codes(connection: Connection, *, user: str, now: datetime) -> None:
    """Those of a user, of whom only the newest code counts, and those that are over."""
    connection.execute(delete(_CODES).where((_CODES.c.user == user) | (_CODES.c.expires_at <= now)))


def _link(row: Row[Any]) -> Link:
    return Link(
        number=row.number,
        account=Account(platform=row.platform, team=row.team, id=row.account_id),
        user=row.user,
        how=How(row.how),
        name=row.name,
        at=row.at,
        by=row.by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )
