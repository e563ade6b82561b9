"""The SQL of callbacks: asked for with an execution, due at its end, tried until they are delivered."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from engine.clock import utcnow
from engine.records.callback import (
    Callback,
    CallbackAttempt,
    CallbackAttemptRow,
    CallbackRow,
    CallbackState,
    NewCallback,
)
from engine.records.execution import ExecutionRow
from engine.status import FINISHED
from engine.store.vault import Vault

_T = CallbackRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_A = CallbackAttemptRow.__table__  # type: ignore[attr-defined]  # as above
_X = ExecutionRow.__table__  # type: ignore[attr-defined]  # as above
_C = _T.c
_SHOWN = tuple(column for column in _T.columns if column.name not in ("seq", "claimed_by"))
_TRY = tuple(column for column in _A.columns if column.name != "callback_id")
_ENDED = tuple(sorted(status.value for status in FINISHED))


def seal_place(callback_id: str) -> str:
    """Where the address stands, for the vault."""
    return f"callback:{callback_id}"


def addition(wanted: NewCallback, execution_id: str, vault: Vault) -> Callable[[Connection], None]:
    """What writes it, in the transaction of its execution."""
    sealed = vault.seal(wanted.url.encode(), place=seal_place(wanted.id))
    return lambda connection: _add(connection, wanted, execution_id, sealed)


def _add(connection: Connection, wanted: NewCallback, execution_id: str, sealed: bytes) -> None:
    connection.execute(
        insert(_T),
        {
            "id": wanted.id,
            "execution_id": execution_id,
            "url": sealed,
            "place": wanted.place,
            "key_scope": wanted.key_scope,
            "key_user": wanted.key_user,
            "key_name": wanted.key_name,
            "state": CallbackState.WAITING.value,
            "attempts": 0,
            "made_at": utcnow(),
        },
    )


def move(connection: Connection, execution_id: str, to: str) -> None:
    """The execution is tried again, as another one: the end of that counts."""
    connection.execute(update(_T).where(_C.execution_id == execution_id).values(execution_id=to))


def release(connection: Connection, server: str) -> None:
    """What this server had in hand when it was killed is tried again at once."""
    mine = (_C.state == CallbackState.DUE.value, _C.claimed_by == server)
    connection.execute(update(_T).where(*mine).values(due_at=utcnow(), claimed_by=None))


def claim(
    connection: Connection, *, server: str, now: datetime, lease: timedelta, limit: int
) -> list[Callback]:
    """What is to be told now; whoever dies with it in hand loses it after the lease."""
    ended = select(_X.c.id).where(_X.c.id == _C.execution_id, _X.c.status.in_(_ENDED))
    connection.execute(
        update(_T)
        .where(_C.state == CallbackState.WAITING.value, ended.exists())
        .values(state=CallbackState.DUE.value, due_at=now, first_due_at=now)
    )
    due = select(*_SHOWN).where(_C.state == CallbackState.DUE.value, _C.due_at <= now)
    rows = connection.execute(due.order_by(_C.due_at).limit(limit)).all()
    if rows:
        connection.execute(
            update(_T)
            .where(_C.id.in_([row.id for row in rows]))
            .values(attempts=_C.attempts + 1, due_at=now + lease, claimed_by=server)
        )
    return [_callback(row, attempts=row.attempts + 1) for row in rows]


def next_due(connection: Connection) -> datetime | None:
    """Uses callback_by_state."""
    found: datetime | None = connection.execute(
        select(func.min(_C.due_at)).where(_C.state == CallbackState.DUE.value)
    ).scalar()
    return found


def again(connection: Connection, callback_id: str, *, now: datetime) -> bool:
    """Due now, and for as long as at first. False: its execution goes on, or a server tries it just now."""
    settled = _C.state.in_([CallbackState.DELIVERED.value, CallbackState.GIVEN_UP.value])
    waits = and_(_C.state == CallbackState.DUE.value, _C.claimed_by.is_(None))
    done = connection.execute(
        update(_T)
        .where(_C.id == callback_id, or_(settled, waits))
        .values(state=CallbackState.DUE.value, due_at=now, first_due_at=now, ended_at=None)
    )
    return done.rowcount == 1


def settle(
    connection: Connection,
    callback_id: str,
    attempt: CallbackAttempt,
    state: CallbackState,
    *,
    due_at: datetime | None,
) -> bool:
    """What came of a try. False: somebody else has taken it over meanwhile, and it is only noted."""
    noted = select(_A.c.number).where(_A.c.callback_id == callback_id, _A.c.number == attempt.number)
    if connection.execute(noted).first() is None:
        values = {
            "callback_id": callback_id,
            "number": attempt.number,
            "at": attempt.at,
            "status_code": attempt.status_code,
            "error": attempt.error,
            "took_ms": attempt.took_ms,
        }
        connection.execute(insert(_A), values)
    ended_at = None if state is CallbackState.DUE else utcnow()
    done = connection.execute(
        update(_T)
        .where(_C.id == callback_id, _C.attempts == attempt.number)
        .values(state=state.value, due_at=due_at, claimed_by=None, ended_at=ended_at)
    )
    return done.rowcount == 1


def of_execution(connection: Connection, execution_id: str) -> Callback | None:
    """With every try. Uses callback_by_execution."""
    row = connection.execute(select(*_SHOWN).where(_C.execution_id == execution_id)).first()
    if row is None:
        return None
    tries = connection.execute(select(*_TRY).where(_A.c.callback_id == row.id).order_by(_A.c.number))
    log = tuple(CallbackAttempt(**one._mapping) for one in tries)
    return _callback(row, log=log)


def page(
    connection: Connection, *, state: CallbackState | None, offset: int, limit: int | None
) -> tuple[list[Callback], int]:
    """The newest first, each with its last try; and how many there are in all."""
    last = select(func.max(_A.c.number)).where(_A.c.callback_id == _C.id).correlate(_T).scalar_subquery()
    # The names of both tables meet in one row: those of a try say so.
    tries = [column.label(f"try_{column.name}") for column in _TRY]
    joined = _T.outerjoin(_A, and_(_A.c.callback_id == _C.id, _A.c.number == last))
    query, count = select(*_SHOWN, *tries).select_from(joined), select(func.count()).select_from(_T)
    if state is not None:
        query, count = query.where(_C.state == state.value), count.where(_C.state == state.value)
    query = query.order_by(_C.seq.desc()).offset(offset).limit(limit)
    total: int = connection.execute(count).scalar_one()
    return [_with_last(row) for row in connection.execute(query)], total


def _with_last(row: Row[Any]) -> Callback:
    fields = dict(row._mapping)
    tried = {column.name: fields.pop(f"try_{column.name}") for column in _TRY}
    log = () if tried["number"] is None else (CallbackAttempt(**tried),)
    return Callback(**{**fields, "state": CallbackState(fields["state"]), "log": log})


def _callback(row: Row[Any], **changed: Any) -> Callback:
    fields = {**row._mapping, **changed}
    return Callback(**{**fields, "state": CallbackState(fields["state"])})
