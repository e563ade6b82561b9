"""The SQL of what policies remember; what changes it stands in the transaction of the change."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, or_, select, tuple_, update

from engine.records.journal import JournalEntry
from engine.records.policy import EntryState, PlaceInLine, PolicyEntry, PolicyEntryRow
from engine.store.database import note

# Told after a commit that set when a waiting execution may start; it stands in no journal.
POLICY_CLOCK = "policy.clock"
# Of starts that count no more, a new one takes so many with it.
_SWEPT = 4
# How many executions in front are named.
_NAMED = 5

_TABLE = PolicyEntryRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
_LINE = (_C.policy == bindparam("p")) & (_C.key == bindparam("k"))
_WAITS = _LINE & (_C.state == EntryState.WAITS.value)
_COUNTS = _LINE & or_(
    _C.state == EntryState.HOLDS.value,
    (_C.state == EntryState.SPENT.value) & (_C.until > bindparam("now")),
)
# Made once: building a statement costs more than running it.
_INSERT = insert(_TABLE)
_USED = select(func.count()).select_from(_TABLE).where(_COUNTS)
_OF = select(_TABLE).where(_C.execution_id == bindparam("e"))
_LEAVE = delete(_TABLE).where(
    _C.execution_id == bindparam("e"), _C.state.in_([EntryState.WAITS.value, EntryState.HOLDS.value])
)
_FORGET = delete(_TABLE).where(_C.execution_id == bindparam("e"))
_FIRST = select(_TABLE).where(_WAITS).order_by(_C.not_before, _C.seq).limit(1)
_AHEAD = select(
    exists().where(
        _WAITS,
        or_(
            _C.not_before < bindparam("at"),
            (_C.not_before == bindparam("at")) & (_C.seq < bindparam("s")),
        ),
    )
)
_FREES_AT = (
    select(_C.until)
    .where(_LINE, _C.state == EntryState.SPENT.value, _C.until > bindparam("now"))
    .order_by(_C.until)
    .offset(bindparam("over"))
    .limit(1)
)
_SPEND = (
    update(_TABLE)
    .where(_C.execution_id == bindparam("e"), _C.policy == bindparam("p"))
    .values(state=EntryState.SPENT.value, until=bindparam("u"))
)
_OLD = (
    select(_C.execution_id, _C.policy)
    .where(_C.state == EntryState.SPENT.value, _C.until <= bindparam("now"))
    .order_by(_C.until)
    .limit(_SWEPT)
)
_SWEEP = delete(_TABLE).where(tuple_(_C.execution_id, _C.policy).in_(_OLD))
_STOP_CLOCKS = update(_TABLE).where(_WAITS, _C.until.is_not(None)).values(until=None)
_CLOCK = (
    update(_TABLE)
    .where(_C.execution_id == bindparam("e"), _C.policy == bindparam("p"))
    .values(until=bindparam("u"))
)
_NEXT_CLOCK = select(func.min(_C.until)).where(_C.state == EntryState.WAITS.value)
_DUE = (
    select(_C.policy, _C.key)
    .where(_C.state == EntryState.WAITS.value, _C.until <= bindparam("now"))
    .distinct()
)


def add(connection: Connection, entries: Iterable[PolicyEntry]) -> None:
    rows = [{name: getattr(entry, name) for name in PolicyEntry.__slots__} for entry in entries]
    if rows:
        connection.execute(_INSERT, [{**row, "state": row["state"].value} for row in rows])


def used(connection: Connection, policy: str, key: str, *, now: datetime) -> int:
    """How many places are taken."""
    return connection.execute(_USED, {"p": policy, "k": key, "now": now}).scalar_one()


def of_execution(connection: Connection, execution_id: str) -> list[PolicyEntry]:
    return [_entry(row) for row in connection.execute(_OF, {"e": execution_id})]


def leave(connection: Connection, execution_id: str) -> None:
    """It waits no more and holds nothing; what it has spent stays spent."""
    connection.execute(_LEAVE, {"e": execution_id})


def forget(connection: Connection, execution_id: str) -> None:
    connection.execute(_FORGET, {"e": execution_id})


def first_waiting(connection: Connection, policy: str, key: str) -> PolicyEntry | None:
    row = connection.execute(_FIRST, {"p": policy, "k": key}).first()
    return None if row is None else _entry(row)


def is_waited_for(connection: Connection, policy: str, key: str, *, at: datetime, seq: int) -> bool:
    """Whether somebody waits there who came earlier."""
    return bool(connection.execute(_AHEAD, {"p": policy, "k": key, "at": at, "s": seq}).scalar())


def frees_at(connection: Connection, policy: str, key: str, *, most: int, now: datetime) -> datetime | None:
    """When fewer than `most` places are taken because windows end; None: that depends on who holds one."""
    over = used(connection, policy, key, now=now) - most
    if over < 0:
        return now
    found: datetime | None = connection.execute(
        _FREES_AT, {"p": policy, "k": key, "now": now, "over": over}
    ).scalar()
    return found


def spend(connection: Connection, execution_id: str, policy: str, *, until: datetime) -> None:
    """It starts, and counts until then."""
    connection.execute(_SPEND, {"e": execution_id, "p": policy, "u": until})


def sweep(connection: Connection, *, now: datetime) -> None:
    """Drop a few starts that count no more, of keys that nobody may ask about again."""
    connection.execute(_SWEEP, {"now": now})


def set_clock(connection: Connection, first: PolicyEntry, until: datetime | None) -> None:
    """The first of a line may start then; None: when somebody makes room."""
    connection.execute(_STOP_CLOCKS, {"p": first.policy, "k": first.key})
    if until is not None:
        connection.execute(_CLOCK, {"e": first.execution_id, "p": first.policy, "u": until})
        note(connection, JournalEntry(id=0, at=until, kind=POLICY_CLOCK, subject=first.policy, data={}))


def next_clock(connection: Connection) -> datetime | None:
    """When the next of those who wait for a rate may start."""
    found: datetime | None = connection.execute(_NEXT_CLOCK).scalar()
    return found


def due_lines(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """(policy, key) of lines whose first may start."""
    return [(row.policy, row.key) for row in connection.execute(_DUE, {"now": now})]


def holders(connection: Connection) -> set[str]:
    query = select(_C.execution_id).where(_C.state == EntryState.HOLDS.value)
    return set(connection.execute(query).scalars())


def spent(connection: Connection) -> list[PolicyEntry]:
    """Starts that count for a while."""
    query = select(_TABLE).where(_C.state == EntryState.SPENT.value)
    return [_entry(row) for row in connection.execute(query)]


def set_key(connection: Connection, entry: PolicyEntry, key: str) -> None:
    connection.execute(
        update(_TABLE).where(_C.execution_id == entry.execution_id, _C.policy == entry.policy).values(key=key)
    )


def clear(connection: Connection, *, rates: Collection[str]) -> None:
    """Forget everything but what was spent under the policies `rates`."""
    connection.execute(delete(_TABLE).where(or_(_C.state != EntryState.SPENT.value, _C.policy.not_in(rates))))


def place_of(connection: Connection, execution_id: str) -> PlaceInLine | None:
    """Where it waits; None when it does not."""
    found = connection.execute(
        select(_TABLE).where(_C.execution_id == execution_id, _C.state == EntryState.WAITS.value)
    ).first()
    if found is None:
        return None
    line = (_C.policy == found.policy) & (_C.key == found.key)
    waits = line & (_C.state == EntryState.WAITS.value)
    earlier = (_C.not_before == found.not_before) & (_C.seq < found.seq)
    ahead = waits & or_(_C.not_before < found.not_before, earlier)
    counts = [
        connection.execute(select(func.count()).select_from(_TABLE).where(those)).scalar_one()
        for those in (ahead, waits)
    ]
    in_front = (
        select(_C.execution_id)
        .where(line, _C.state == EntryState.HOLDS.value)
        .order_by(_C.not_before, _C.seq)
        .limit(_NAMED)
    )
    return PlaceInLine(
        policy=found.policy,
        position=counts[0] + 1,
        waiting=counts[1],
        behind=tuple(connection.execute(in_front).scalars()),
        until=found.until,
    )


def _entry(row: Row[Any]) -> PolicyEntry:
    return PolicyEntry(**{**row._mapping, "state": EntryState(row.state)})
