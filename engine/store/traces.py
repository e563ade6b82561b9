"""The SQL of traces: what followed from what, read from the rows of the things themselves.

A trace has no row. Its id is that of the event or execution that began it, or the one that a caller
gave. An execution whose `trace_id` is empty is the beginning of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from engine.records.execution import ExecutionRow
from engine.records.trace import TraceHead
from engine.records.trigger import EnforcementRow, TriggerInstanceRow

_EXECUTION = ExecutionRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_INSTANCE = TriggerInstanceRow.__table__  # type: ignore[attr-defined]  # as above
_ENFORCEMENT = EnforcementRow.__table__  # type: ignore[attr-defined]  # as above
_X, _I, _E = _EXECUTION.c, _INSTANCE.c, _ENFORCEMENT.c


def heads(
    connection: Connection, *, tag: str | None, offset: int, limit: int | None, oldest_first: bool
) -> list[TraceHead]:
    """Where traces begin, by time. `tag`: only those with it."""
    most = None if limit is None else offset + limit
    of_events = select(_I.trace_id, _I.trace_tag, _I.occurred_at).where(_I.trace_id == _I.id)
    of_executions = select(_X.id, _X.trace_tag, _X.requested_at).where(
        _X.trace_id.is_(None), _X.parent_id.is_(None)
    )
    if tag is not None:
        of_events = of_events.where(_I.trace_tag == tag)
        of_executions = of_executions.where(_X.trace_tag == tag)
    found = [
        *_first(connection, of_events, _I.seq, most, oldest_first=oldest_first),
        *_first(connection, of_executions, _X.seq, most, oldest_first=oldest_first),
    ]
    found.sort(key=lambda head: head.started_at, reverse=not oldest_first)
    return found[offset:most]


def count(connection: Connection, *, tag: str | None) -> int:
    """How many traces there are."""
    of_events = select(func.count()).where(_I.trace_id == _I.id)
    of_executions = select(func.count()).where(_X.trace_id.is_(None), _X.parent_id.is_(None))
    if tag is not None:
        of_events = of_events.where(_I.trace_tag == tag)
        of_executions = of_executions.where(_X.trace_tag == tag)
    return sum(connection.execute(query).scalar_one() for query in (of_events, of_executions))


def _first(
    connection: Connection, query: Select[Any], order: Any, most: int | None, *, oldest_first: bool
) -> list[TraceHead]:
    query = query.order_by(order if oldest_first else order.desc())
    if most is not None:
        query = query.limit(most)
    return [head_of(*row) for row in connection.execute(query)]


def head_of(trace_id: str, tag: str | None, started_at: datetime) -> TraceHead:
    return TraceHead(id=trace_id, tag=tag or f"execution-{trace_id}", started_at=started_at)


def head(connection: Connection, trace_id: str) -> TraceHead | None:
    """Where this trace begins; None when there is none."""
    of_events = (
        select(_I.trace_id, _I.trace_tag, _I.occurred_at)
        .where(_I.trace_id == trace_id)
        .order_by(_I.seq)
        .limit(1)
    )
    of_executions = (
        select(_X.id, _X.trace_tag, _X.requested_at)
        .where(or_(_X.id == trace_id, _X.trace_id == trace_id))
        .order_by(_X.seq)
        .limit(1)
    )
    row = connection.execute(of_events).first() or connection.execute(of_executions).first()
    return None if row is None else head_of(trace_id, row[1], row[2])


def of_execution(connection: Connection, execution_id: str) -> str | None:
    row = connection.execute(select(_X.trace_id).where(_X.id == execution_id)).first()
    return None if row is None else row.trace_id or execution_id


def of_instance(connection: Connection, instance_id: str) -> str | None:
    found: str | None = connection.execute(select(_I.trace_id).where(_I.id == instance_id)).scalar()
    return found


def of_rule(connection: Connection, rule_ref: str, *, limit: int) -> list[str]:
    """The newest traces in which a rule acted; uses rule_enforcement_by_rule."""
    query = (
        select(_I.trace_id)
        .join(_ENFORCEMENT, _E.instance_id == _I.id)
        .where(_E.rule_ref == rule_ref)
        .order_by(_E.seq.desc())
        .limit(limit)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


def instances(connection: Connection, trace_id: str) -> list[str]:
    query = select(_I.id).where(_I.trace_id == trace_id).order_by(_I.seq)
    return list(connection.execute(query).scalars())


def executions(connection: Connection, trace_id: str) -> list[str]:
    """Those that name the trace, the one that it is named after, and the children of them all."""
    query = select(_X.id).where(or_(_X.trace_id == trace_id, _X.id == trace_id)).order_by(_X.seq)
    found = dict.fromkeys(connection.execute(query).scalars())
    layer: Sequence[str] = list(found)
    while layer:
        below = connection.execute(select(_X.id).where(_X.parent_id.in_(layer)).order_by(_X.seq)).scalars()
        layer = [child for child in below if child not in found]
        found.update(dict.fromkeys(layer))
    return list(found)
