"""The SQL of what gates remember and of rules that are due; always inside somebody's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, or_, select, tuple_, update

from engine.clock import utcnow
from engine.records.datastore import DatastoreRow
from engine.records.journal import JournalEntry
from engine.records.rule_state import Due, RuleDueRow, RuleStateRow
from engine.store.database import note

# Told after a commit that made a rule due; it stands in no journal.
RULE_DUE = "rule.due"
# Of what nobody asks about any more, a new key takes so many with it.
_SWEPT = 4

_STATE = RuleStateRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_DUE = RuleDueRow.__table__  # type: ignore[attr-defined]  # as above
_KEYS = DatastoreRow.__table__  # type: ignore[attr-defined]  # as above
_S = _STATE.c
_D = _DUE.c
# Made once: building a statement costs more than running it.
_GET = select(_S.data).where(
    _S.rule_ref == bindparam("r"), _S.gate == bindparam("g"), _S.key == bindparam("k")
)
_ADD = insert(_STATE)
_CHANGE = (
    update(_STATE)
    .where(_S.rule_ref == bindparam("r"), _S.gate == bindparam("g"), _S.key == bindparam("k"))
    .values(data=bindparam("d"), expires_at=bindparam("e"))
)
_FORGET = delete(_STATE).where(
    _S.rule_ref == bindparam("r"), _S.gate == bindparam("g"), _S.key == bindparam("k")
)
_OLD = (
    select(_S.rule_ref, _S.gate, _S.key)
    .where(_S.expires_at < bindparam("now"))
    .order_by(_S.expires_at)
    .limit(_SWEPT)
)
_SWEEP = delete(_STATE).where(tuple_(_S.rule_ref, _S.gate, _S.key).in_(_OLD))
_ADD_DUE = insert(_DUE)
_CHANGE_DUE = (
    update(_DUE)
    .where(_D.rule_ref == bindparam("r"), _D.gate == bindparam("g"), _D.key == bindparam("k"))
    .values(instance_id=bindparam("i"), first_at=bindparam("f"), count=bindparam("c"), due_at=bindparam("d"))
)
_FIRST_DUE = select(_DUE).order_by(_D.due_at).limit(1)
_GET_DUE = select(_DUE).where(
    _D.rule_ref == bindparam("r"), _D.gate == bindparam("g"), _D.key == bindparam("k")
)


def remembered(connection: Connection, rule_ref: str, gate: str, key: str) -> dict[str, Any] | None:
    found = connection.execute(_GET, {"r": rule_ref, "g": gate, "k": key}).scalar()
    return None if found is None else orjson.loads(found)


def remember(
    connection: Connection,
    place: tuple[str, str, str],
    data: Mapping[str, Any],
    *,
    expires_at: datetime,
    now: datetime,
    is_new: bool,
) -> None:
    """`place`: rule, gate, key. `is_new`: nothing was remembered there."""
    rule_ref, gate, key = place
    if not is_new:
        connection.execute(
            _CHANGE, {"r": rule_ref, "g": gate, "k": key, "d": orjson.dumps(data), "e": expires_at}
        )
        return
    connection.execute(
        _ADD,
        {
            "rule_ref": rule_ref,
            "gate": gate,
            "key": key,
            "data": orjson.dumps(data),
            "expires_at": expires_at,
        },
    )
    connection.execute(_SWEEP, {"now": now})


def forget(connection: Connection, place: tuple[str, str, str]) -> None:
    rule_ref, gate, key = place
    connection.execute(_FORGET, {"r": rule_ref, "g": gate, "k": key})


def due(connection: Connection, rule_ref: str, gate: str, key: str) -> Due | None:
    row = connection.execute(_GET_DUE, {"r": rule_ref, "g": gate, "k": key}).first()
    return None if row is None else Due(**row._mapping)


def add_due(connection: Connection, wanted: Due) -> None:
    connection.execute(_ADD_DUE, {name: getattr(wanted, name) for name in Due.__slots__})
    entry = JournalEntry(id=0, at=wanted.due_at, kind=RULE_DUE, subject=wanted.rule_ref, data={})
    note(connection, entry)


def put_off(connection: Connection, wanted: Due) -> None:
    """In the place of the one with the same rule, gate and key. Nobody is woken: it is not earlier, unless
    its rule was changed meanwhile, and then it is found within a minute."""
    connection.execute(
        _CHANGE_DUE,
        {
            "r": wanted.rule_ref,
            "g": wanted.gate,
            "k": wanted.key,
            "i": wanted.instance_id,
            "f": wanted.first_at,
            "c": wanted.count,
            "d": wanted.due_at,
        },
    )


def first_due(connection: Connection) -> Due | None:
    row = connection.execute(_FIRST_DUE).first()
    return None if row is None else Due(**row._mapping)


def all_due(connection: Connection, *, limit: int = 1_000) -> list[Due]:
    """The next ones, the earliest first."""
    return [Due(**row._mapping) for row in connection.execute(select(_DUE).order_by(_D.due_at).limit(limit))]


def take_due(connection: Connection, wanted: Due) -> bool:
    """Whether it was still so, and is gone now."""
    gone = connection.execute(
        delete(_DUE).where(
            _D.rule_ref == wanted.rule_ref,
            _D.gate == wanted.gate,
            _D.key == wanted.key,
            _D.instance_id == wanted.instance_id,
            _D.due_at == wanted.due_at,
        )
    )
    return gone.rowcount > 0


def forget_due_of(connection: Connection, rule_ref: str, instance_id: str) -> None:
    """The rule fires on this event by other means."""
    connection.execute(delete(_DUE).where(_D.rule_ref == rule_ref, _D.instance_id == instance_id))


def is_lifted(connection: Connection, name: str) -> bool:
    """Whether the datastore key `name` of the scope system is `true`."""
    c = _KEYS.c
    found = connection.execute(
        select(c.value).where(
            c.scope == "system",
            c.user == "",
            c.name == name,
            c.secret.is_(False),
            or_(c.expires_at.is_(None), c.expires_at > utcnow()),
        )
    ).scalar()
    return found is not None and bytes(found).strip().lower() in (b"true", b"1", b"yes")
