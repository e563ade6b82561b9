"""The SQL of trigger instances and rule enforcements."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, insert, select, update

from engine.records.trigger import (
    ENFORCED,
    Enforcement,
    EnforcementFilter,
    EnforcementRow,
    EnforcementStatus,
    Event,
    InstanceFilter,
    InstanceStatus,
    TriggerInstance,
    TriggerInstanceRow,
)
from engine.store import journal
from engine.store.hot import HotStatement

# The journal's kind for an event that came in; its data: {"trigger", "trigger_type", "source"}.
TRIGGERED = "trigger.instance"
DEDUPE_WINDOW = timedelta(hours=24)

_INSTANCE = TriggerInstanceRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_ENFORCEMENT = EnforcementRow.__table__  # type: ignore[attr-defined]  # as above
_I = _INSTANCE.c
_E = _ENFORCEMENT.c
# Made once: building a statement costs more than running it.
_INSERT = HotStatement(insert(_INSTANCE), [column.name for column in _I if column.name != "seq"])
_INSERT_ENFORCEMENT = HotStatement(
    insert(_ENFORCEMENT), [column.name for column in _E if column.name != "seq"]
)
_KNOWS_KEY = HotStatement(select(_I.id).where(_I.dedupe_key == bindparam("wanted")), ("wanted",))
_BY_KEY = select(_INSTANCE).where(_I.dedupe_key == bindparam("wanted"))
_BY_ID = select(_INSTANCE).where(_I.id == bindparam("wanted"))
_OF_INSTANCE = select(_ENFORCEMENT).where(_E.instance_id == bindparam("wanted")).order_by(_E.seq)


def dedupe_key(event: Event) -> str | None:
    """Keys of different sources never meet, and a long key costs no more than a short one."""
    if not event.dedupe_key:
        return None
    return hashlib.sha256(f"{event.source}\0{event.dedupe_key}".encode()).hexdigest()


def first_of_key(connection: Connection, key: str, *, now: datetime) -> TriggerInstance | None:
    """The instance that came with this key within the window; an older one gives the key back."""
    if _KNOWS_KEY.first(connection, {"wanted": key}) is None:
        return None
    row = connection.execute(_BY_KEY, {"wanted": key}).one()
    if row.occurred_at > now - DEDUPE_WINDOW:
        return _instance(row)
    connection.execute(update(_INSTANCE).where(_I.id == row.id).values(dedupe_key=None))
    return None


def seal_place(instance_id: str) -> str:
    """Where the sealed payload of an instance stands, for the vault."""
    return f"trigger_instance:{instance_id}"


def add(connection: Connection, instance: TriggerInstance, *, key: str | None) -> None:
    hidden = instance.hidden
    _INSERT.run(
        connection,
        {
            "id": instance.id,
            "trigger": instance.trigger,
            "trigger_type": instance.trigger_type,
            "parameters": orjson.dumps(instance.parameters),
            "payload": orjson.dumps(
                instance.payload if hidden is None else hidden.shown, option=orjson.OPT_NON_STR_KEYS
            ),
            "sealed": None if hidden is None else hidden.sealed,
            "occurred_at": instance.occurred_at,
            "status": instance.status.value,
            "reason": instance.reason,
            "source": instance.source,
            "user": instance.user,
            "trace_id": instance.trace_id,
            "trace_tag": instance.trace_tag,
            "depth": instance.depth,
            "dedupe_key": key,
        },
    )
    data = {
        "trigger": instance.trigger,
        "trigger_type": instance.trigger_type,
        "source": instance.source,
        **({"traceparent": instance.traceparent} if instance.traceparent else {}),
    }
    journal.append(connection, TRIGGERED, instance.id, data)


def add_enforcement(connection: Connection, enforcement: Enforcement) -> None:
    _INSERT_ENFORCEMENT.run(
        connection,
        {
            "id": enforcement.id,
            "instance_id": enforcement.instance_id,
            "rule_ref": enforcement.rule_ref,
            "number": enforcement.number,
            "execution_id": enforcement.execution_id,
            "status": enforcement.status.value,
            "failure_reason": enforcement.failure_reason,
            "enforced_at": enforcement.enforced_at,
        },
    )
    _tell(connection, enforcement, was_held=False)


def is_held(connection: Connection, instance_id: str, rule_ref: str) -> bool:
    """Whether a gate holds this rule back on this event."""
    found = connection.execute(select(_E.seq).where(*_held(instance_id, rule_ref))).first()
    return found is not None


def settle_held(connection: Connection, made: list[Enforcement]) -> None:
    """What was held became something: the first of `made` takes its place, the others are added."""
    first, *others = made
    connection.execute(
        update(_ENFORCEMENT)
        .where(*_held(first.instance_id, first.rule_ref))
        .values(
            id=first.id,
            execution_id=first.execution_id,
            status=first.status.value,
            failure_reason=first.failure_reason,
            enforced_at=first.enforced_at,
        )
    )
    _tell(connection, first, was_held=True)
    for other in others:
        add_enforcement(connection, other)


def _tell(connection: Connection, made: Enforcement, *, was_held: bool) -> None:
    told = {
        "status": made.status.value,
        "number": made.number,
        "was_held": was_held,
        "instance": made.instance_id,
    }
    journal.mention(connection, ENFORCED, made.rule_ref, told)


def explain_held(connection: Connection, instance_id: str, rule_ref: str, reason: str) -> None:
    """It stays held, for another reason."""
    connection.execute(
        update(_ENFORCEMENT).where(*_held(instance_id, rule_ref)).values(failure_reason=reason)
    )


def _held(instance_id: str, rule_ref: str) -> tuple[ColumnElement[bool], ...]:
    return (
        _E.instance_id == instance_id,
        _E.rule_ref == rule_ref,
        _E.number == 0,
        _E.status == EnforcementStatus.HELD.value,
    )


def rules_of_trace(connection: Connection, trace_id: str, *, limit: int = 10) -> list[str]:
    """The refs of the rules that started something in a trace."""
    query = (
        select(_E.rule_ref)
        .join(_INSTANCE, _I.id == _E.instance_id)
        .where(_I.trace_id == trace_id, _E.execution_id.is_not(None))
        .distinct()
        .order_by(_E.rule_ref)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def get(connection: Connection, instance_id: str) -> TriggerInstance | None:
    row = connection.execute(_BY_ID, {"wanted": instance_id}).first()
    return None if row is None else _instance(row)


def page(connection: Connection, wanted: InstanceFilter) -> tuple[list[TriggerInstance], int]:
    """The page, and how many there are in all."""
    order = _I.seq if wanted.oldest_first else _I.seq.desc()
    query = _instances(select(_INSTANCE), wanted).order_by(order).offset(wanted.offset)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    total = connection.execute(_instances(select(func.count()).select_from(_INSTANCE), wanted)).scalar_one()
    return [_instance(row) for row in connection.execute(query)], total


def enforcements_of(connection: Connection, instance_id: str) -> list[Enforcement]:
    return [_enforcement(row) for row in connection.execute(_OF_INSTANCE, {"wanted": instance_id})]


def enforcement(connection: Connection, enforcement_id: str) -> Enforcement | None:
    row = connection.execute(select(_ENFORCEMENT).where(_E.id == enforcement_id)).first()
    return None if row is None else _enforcement(row)


def enforcements(connection: Connection, wanted: EnforcementFilter) -> tuple[list[Enforcement], int]:
    """The page, and how many there are in all."""
    order = _E.seq if wanted.oldest_first else _E.seq.desc()
    query = _enforcements(select(_ENFORCEMENT), wanted).order_by(order).offset(wanted.offset)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    counted = _enforcements(select(func.count()).select_from(_ENFORCEMENT), wanted)
    return [_enforcement(row) for row in connection.execute(query)], connection.execute(counted).scalar_one()


def _instances(query: Select[Any], wanted: InstanceFilter) -> Select[Any]:
    if wanted.ids is not None:
        query = query.where(_I.id.in_(wanted.ids))
    for column, value in (
        (_I.trigger, wanted.trigger),
        (_I.trigger_type, wanted.trigger_type),
        (_I.status, wanted.status),
        (_I.trace_id, wanted.trace_id),
        (_I.source, wanted.source),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        query = query.where(_I.occurred_at > wanted.after)
    if wanted.before is not None:
        query = query.where(_I.occurred_at < wanted.before)
    return query


def _enforcements(query: Select[Any], wanted: EnforcementFilter) -> Select[Any]:
    if wanted.ids is not None:
        query = query.where(_E.id.in_(wanted.ids))
    for column, value in (
        (_E.rule_ref, wanted.rule_ref),
        (_E.instance_id, wanted.instance_id),
        (_E.execution_id, wanted.execution_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        query = query.where(_E.enforced_at > wanted.after)
    if wanted.before is not None:
        query = query.where(_E.enforced_at < wanted.before)
    return query


def _instance(row: Row[Any]) -> TriggerInstance:
    return TriggerInstance(
        id=row.id,
        trigger=row.trigger,
        trigger_type=row.trigger_type,
        parameters=orjson.loads(row.parameters),
        payload=orjson.loads(row.payload),
        occurred_at=row.occurred_at,
        status=InstanceStatus(row.status),
        reason=row.reason,
        source=row.source,
        user=row.user,
        trace_id=row.trace_id,
        trace_tag=row.trace_tag,
        depth=row.depth,
        sealed=row.sealed,
    )


def _enforcement(row: Row[Any]) -> Enforcement:
    return Enforcement(
        id=row.id,
        instance_id=row.instance_id,
        rule_ref=row.rule_ref,
        number=row.number,
        execution_id=row.execution_id,
        status=EnforcementStatus(row.status),
        failure_reason=row.failure_reason,
        enforced_at=row.enforced_at,
    )
