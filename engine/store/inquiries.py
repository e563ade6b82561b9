"""The SQL of inquiries: the row, its votes, and what is due."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.records.execution import ExecutionRow
from engine.records.inquiry import (
    Asked,
    InquiryRow,
    InquiryState,
    InquiryVoteRow,
    Outcome,
    Vote,
    dump,
    load_asked,
    load_outcome,
    load_vote,
)
from engine.status import Status
from engine.store.vault import Vault

_TABLE = InquiryRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_VOTES = InquiryVoteRow.__table__  # type: ignore[attr-defined]  # as above
_EXECUTION = ExecutionRow.__table__  # type: ignore[attr-defined]  # as above
_C, _V, _X = _TABLE.c, _VOTES.c, _EXECUTION.c
_SHOWN = tuple(column for column in _TABLE.columns if column.name != "sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInquiry:
    """An inquiry as its rows have it."""

    id: str
    action: str
    asked: Asked
    state: InquiryState = InquiryState.PENDING
    version: int = 0
    raised_at: datetime
    level: int = 0
    level_at: datetime
    deadline_at: datetime | None
    reminders: int = 0
    wake_at: datetime | None = None
    outcome: Outcome | None = None
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearResponse:
    """With its secrets: for the workflow that goes on with it, never for showing."""

    response: Any
    schema: Mapping[str, Any]
    """Says what is secret."""


def seal_place(inquiry_id: str) -> str:
    """Where the response of an inquiry stands in clear, for the vault."""
    return f"inquiry:{inquiry_id}"


def add(connection: Connection, made: StoredInquiry) -> None:
    connection.execute(
        insert(_TABLE),
        {
            "id": made.id,
            "action": made.action,
            "state": made.state.value,
            "version": made.version,
            "raised_at": made.raised_at,
            "level": made.level,
            "level_at": made.level_at,
            "deadline_at": made.deadline_at,
            "reminders": made.reminders,
            "wake_at": made.wake_at,
            "asked": dump(made.asked),
        },
    )


def change(connection: Connection, inquiry_id: str, *, version: int, values: Mapping[str, Any]) -> bool:
    """Whether it was still pending and at that version; then `values` are written, and the next one is on."""
    query = update(_TABLE).where(
        _C.id == inquiry_id, _C.version == version, _C.state == InquiryState.PENDING.value
    )
    return connection.execute(query.values(**values, version=version + 1)).rowcount == 1


def end(
    connection: Connection, inquiry_id: str, *, version: int, outcome: Outcome, sealed: bytes | None = None
) -> bool:
    """As `change`: it is over."""
    values = {"state": outcome.state.value, "outcome": dump(outcome), "wake_at": None, "sealed": sealed}
    return change(connection, inquiry_id, version=version, values=values)


def put_vote(connection: Connection, inquiry_id: str, person: str, vote: Vote) -> None:
    """In the place of what this person said before."""
    connection.execute(delete(_VOTES).where(_V.inquiry_id == inquiry_id, _V.user == person))
    values = {"inquiry_id": inquiry_id, "user": person, "at": vote.at, "vote": dump(vote)}
    connection.execute(insert(_VOTES), values)


def get(connection: Connection, inquiry_id: str) -> StoredInquiry | None:
    row = connection.execute(select(*_SHOWN).where(_C.id == inquiry_id)).first()
    return None if row is None else _with_votes(connection, [row])[0]


def page(
    connection: Connection, *, only_pending: bool, offset: int = 0, limit: int | None = None
) -> tuple[list[StoredInquiry], int]:
    """The newest first, and how many there are in all."""
    query = select(*_SHOWN).order_by(_C.raised_at.desc(), _C.id.desc()).offset(offset).limit(limit)
    count = select(func.count()).select_from(_TABLE)
    if only_pending:
        is_pending = _C.state == InquiryState.PENDING.value
        query, count = query.where(is_pending), count.where(is_pending)
    return _with_votes(connection, connection.execute(query).all()), connection.execute(count).scalar_one()


def of_execution(connection: Connection, execution_id: str) -> list[StoredInquiry]:
    """Those that this execution and all below it ask or have asked, in order; uses execution_by_parent."""
    below = select(_X.id).where(_X.id == execution_id).cte("below", recursive=True)
    below = below.union_all(select(_X.id).join(below, _X.parent_id == below.c.id))
    query = select(*_SHOWN).join(below, below.c.id == _C.id).order_by(_C.raised_at, _C.id)
    return _with_votes(connection, connection.execute(query).all())


def pending_ending_with(connection: Connection, ending: str) -> list[str]:
    """Ids of those that wait, two at most."""
    query = select(_C.id).where(
        _C.state == InquiryState.PENDING.value, _C.id.endswith(ending, autoescape=True)
    )
    return list(connection.execute(query.limit(2)).scalars())


def next_wake(connection: Connection) -> datetime | None:
    """When the first of them wants something done; uses inquiry_by_wake."""
    found: datetime | None = connection.execute(
        select(_C.wake_at).where(_C.wake_at.is_not(None)).order_by(_C.wake_at).limit(1)
    ).scalar()
    return found


def due(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    query = select(_C.id).where(_C.wake_at <= now).order_by(_C.wake_at).limit(limit)
    return list(connection.execute(query).scalars())


def strays(connection: Connection) -> list[str]:
    """Those that are taken to be pending, although their execution has gone on."""
    query = (
        select(_C.id)
        .join(_EXECUTION, _X.id == _C.id)
        .where(_C.state == InquiryState.PENDING.value, _X.status != Status.PENDING.value)
    )
    return list(connection.execute(query).scalars())


def seal(vault: Vault, inquiry_id: str, response: Any) -> bytes:
    return vault.seal(orjson.dumps(response), place=seal_place(inquiry_id))


def in_clear(connection: Connection, vault: Vault, inquiry_ids: Collection[str]) -> dict[str, ClearResponse]:
    """Of those whose response holds a secret. Raises StoreFailure."""
    query = select(_C.id, _C.sealed, _C.asked).where(_C.id.in_(inquiry_ids), _C.sealed.is_not(None))
    return {
        row.id: ClearResponse(
            response=orjson.loads(vault.unseal(row.sealed, place=seal_place(row.id))),
            schema=load_asked(row.asked).schema,
        )
        for row in connection.execute(query)
    }


def _with_votes(connection: Connection, rows: Collection[Row[Any]]) -> list[StoredInquiry]:
    votes: dict[str, list[Vote]] = {}
    if rows:
        query = select(_V.inquiry_id, _V.vote).where(_V.inquiry_id.in_([row.id for row in rows]))
        for inquiry_id, data in connection.execute(query.order_by(_V.at, _V.user)):
            votes.setdefault(inquiry_id, []).append(load_vote(data))
    return [_inquiry(row, votes.get(row.id, ())) for row in rows]


def _inquiry(row: Row[Any], votes: Iterable[Vote]) -> StoredInquiry:
    fields = dict(row._mapping)
    outcome = fields["outcome"]
    return StoredInquiry(
        **{
            **fields,
            "asked": load_asked(fields["asked"]),
            "state": InquiryState(fields["state"]),
            "outcome": None if outcome is None else load_outcome(outcome),
            "votes": tuple(votes),
        }
    )
