"""What executions can be chosen by: their own columns, rule and event that began them; and all below one."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, func, select

from engine.records.execution import REJECTED_KEY, ExecutionFilter, ExecutionRow
from engine.records.progress import Part
from engine.records.trigger import EnforcementRow, TriggerInstanceRow

_C = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_E = EnforcementRow.__table__.c  # type: ignore[attr-defined]  # as above
_I = TriggerInstanceRow.__table__.c  # type: ignore[attr-defined]  # as above
_VALUES: Mapping[str, Any] = MappingProxyType(
    {
        "action": _C.action,
        "status": _C.status,
        "runner": _C.runner,
        "user": _C.user,
        "rule": _E.rule_ref,
        "trigger": _I.trigger,
        "trigger_type": _I.trigger_type,
    }
)

# Read from an index that does not begin with them.
_WITHOUT_INDEX = ("runner", "user")


def chosen(query: Select[Any], wanted: ExecutionFilter) -> Select[Any]:
    """The query with all that is asked of the executions."""
    if wanted.ids is not None:
        query = query.where(_C.id.in_(wanted.ids))
    if wanted.actions is not None:
        query = query.where(_C.action.in_(wanted.actions))
    query = query.where(*_of_status(wanted))
    for column, value in (
        (_C.action, wanted.action),
        (_C.runner, wanted.runner),
        (_C.user, wanted.user),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.parent_id == "null":
        query = query.where(_C.parent_id.is_(None))
    elif wanted.parent_id is not None:
        query = query.where(_C.parent_id == wanted.parent_id)
    begun = begun_by(wanted)
    if begun is not None:
        query = query.where(_C.id.in_(begun))
    if wanted.after is not None:
        query = query.where(_C.requested_at > wanted.after)
    if wanted.before is not None:
        query = query.where(_C.requested_at < wanted.before)
    return query


def _of_status(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    """Where an action is asked for too, its index is the better one: it has the status, and fewer rows.

    No database can know that, so the status is then a range, for which its own index is not preferred.
    """
    if wanted.status is None:
        return []
    is_alone = wanted.action is None
    return [_C.status == wanted.status if is_alone else _C.status.between(wanted.status, wanted.status)]


def begun_by(wanted: ExecutionFilter) -> Select[Any] | None:
    """The ids of executions that a rule began for such an event; None: nothing of that is asked."""
    events = ((_I.trigger, wanted.trigger), (_I.trigger_type, wanted.trigger_type))
    of_event = [(column, value) for column, value in events if value is not None]
    if wanted.rules is None and wanted.trigger_instance is None and not of_event:
        return None
    query = select(_E.execution_id).where(_E.execution_id.is_not(None))
    if wanted.rules is not None:
        query = query.where(_E.rule_ref.in_(wanted.rules))
    if wanted.trigger_instance is not None:
        query = query.where(_E.instance_id == wanted.trigger_instance)
    if of_event:
        instances = select(_I.id)
        for column, value in of_event:
            instances = instances.where(column == value)
        query = query.where(_E.instance_id.in_(instances))
    return query


def values(connection: Connection) -> dict[str, list[str]]:
    """Each value that there is of what executions are chosen by, in order."""
    return {
        name: sorted(value for value in connection.execute(_each(name, column)).scalars() if value)
        for name, column in _VALUES.items()
    }


def _each(name: str, column: Any) -> Select[Any]:
    """Each value once; where an index begins with the column by a step for each, to the next one."""
    if name in _WITHOUT_INDEX:
        return select(column).distinct()
    found = select(func.min(column).label("value")).cte("found", recursive=True)
    after = select(func.min(column)).where(column > found.c.value).correlate(found).scalar_subquery()
    found = found.union_all(select(after).where(found.c.value.is_not(None)))
    return select(found.c.value).where(found.c.value.is_not(None))


def children_of_each(connection: Connection, ids: Collection[str]) -> dict[str, list[str]]:
    """By the parent's id, in order; uses execution_by_parent."""
    found: dict[str, list[str]] = {}
    query = select(_C.parent_id, _C.id).where(_C.parent_id.in_(ids)).order_by(_C.seq)
    for parent_id, child_id in connection.execute(query).all() if ids else ():
        found.setdefault(parent_id, []).append(child_id)
    return found


def below(connection: Connection, execution_id: str) -> tuple[Part, ...]:
    """All that it has begun, itself or through what it began; uses execution_by_parent."""
    ids = select(_C.id).where(_C.parent_id == execution_id).cte("below", recursive=True)
    ids = ids.union_all(select(_C.id).join(ids, _C.parent_id == ids.c.id))
    shown = (_C.id, _C.parent_id, _C.action, _C.runner, _C.status, _C.context, _C.started_at, _C.ended_at)
    query = select(*shown).join(ids, ids.c.id == _C.id).order_by(_C.seq)
    return tuple(_part(row) for row in connection.execute(query).all())


def _part(row: Any) -> Part:
    context = orjson.loads(row.context)
    place = context.get("orquesta") or context.get("chain") or {}
    item = place.get("item_id")
    return Part(
        id=row.id,
        parent_id=row.parent_id,
        task=str(place.get("task_name") or place.get("name") or row.action),
        item=item if isinstance(item, int) else None,
        action=row.action,
        runner=row.runner,
        status=row.status,
        rejected_by=str(context.get(REJECTED_KEY) or ""),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
