"""The SQL of removing what is old: each function takes one small bite in its caller's transaction.

Ids of executions and workflows begin with the second of their making, so that the primary keys lead
to the old ones and nothing young is read.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, exists, func, select, update

from engine.records.audit import AuditHeadRow, AuditRow
from engine.records.callback import CallbackAttemptRow, CallbackRow, CallbackState
from engine.records.chat import PostingRow
from engine.records.comforts import TrailRow
from engine.records.execution import ExecutionRow, OutputRow
from engine.records.inquiry import InquiryRow, InquiryVoteRow
from engine.records.journal import CursorRow, JournalRow
from engine.records.rule_state import RuleDueRow
from engine.records.trigger import EnforcementRow, TriggerInstanceRow
from engine.records.workflow import WorkflowDeltaRow, WorkflowRow, WorkflowValueRow
from engine.status import FINISHED


def _table(row: Any) -> Table:
    found: Table = row.__table__
    return found


_EXECUTION, _OUTPUT, _WORKFLOW = _table(ExecutionRow), _table(OutputRow), _table(WorkflowRow)
_INSTANCE, _ENFORCEMENT, _DUE = _table(TriggerInstanceRow), _table(EnforcementRow), _table(RuleDueRow)
_AUDIT, _HEAD = _table(AuditRow), _table(AuditHeadRow)
_JOURNAL, _CURSOR = _table(JournalRow), _table(CursorRow)
_J = _JOURNAL.c
_X, _O, _W, _I, _E, _A = _EXECUTION.c, _OUTPUT.c, _WORKFLOW.c, _INSTANCE.c, _ENFORCEMENT.c, _AUDIT.c
_IS_OVER = _X.status.in_([status.value for status in FINISHED])
_CALLBACK, _TRY = _table(CallbackRow).c, _table(CallbackAttemptRow).c
# Somebody is still to be told of its end.
_CALLS = exists().where(
    _CALLBACK.execution_id == _X.id,
    _CALLBACK.state.in_([CallbackState.WAITING.value, CallbackState.DUE.value]),
)
# Rows that belong to an execution, by the column that names it.
_OF_EXECUTIONS = (
    _O.execution_id,
    _table(InquiryVoteRow).c.inquiry_id,
    _table(InquiryRow).c.id,
    _table(PostingRow).c.execution_id,
    _table(TrailRow).c.execution_id,
    _CALLBACK.execution_id,
)


def first_id_of(moment: datetime) -> str:
    """Every id that was made before is smaller."""
    return f"{max(0, int(moment.timestamp())):08x}"


# executions


def old_roots(
    connection: Connection, *, before: datetime, after: str, action: str = "", limit: int
) -> list[str]:
    """Ids above `after`, in order, of executions without a parent that ended before that moment."""
    query = _roots(select(_X.id), before, action).where(_X.id > after).order_by(_X.id).limit(limit)
    return list(connection.execute(query).scalars())


def count_roots(connection: Connection, *, before: datetime, action: str = "") -> int:
    count: int = connection.execute(_roots(select(func.count()), before, action)).scalar_one()
    return count


def _roots(query: Select[Any], before: datetime, action: str) -> Select[Any]:
    # What ended before has begun before.
    query = query.select_from(_EXECUTION).where(
        _X.id < first_id_of(before) + "~", _X.parent_id.is_(None), _IS_OVER, _X.ended_at < before, ~_CALLS
    )
    return query.where(_X.action == action) if action else query


def family(connection: Connection, root: str) -> list[str] | None:
    """The root and all below it, parents before children; None when something of it is not over."""
    found, layer = [root], [root]
    while layer:
        query = select(_X.id, _IS_OVER.label("is_over")).where(_X.parent_id.in_(layer))
        rows = connection.execute(query).all()
        if not all(row.is_over for row in rows):
            return None
        layer = [row.id for row in rows]
        found += layer
    return found


def remove_executions(connection: Connection, ids: Sequence[str]) -> None:
    """With all that is kept for them."""
    workflows = select(_W.id).where(_W.execution_id.in_(ids))
    _remove_states(connection, list(connection.execute(workflows).scalars()))
    calls = select(_CALLBACK.id).where(_CALLBACK.execution_id.in_(ids))
    connection.execute(delete(_TRY.number.table).where(_TRY.callback_id.in_(calls)))
    for column in _OF_EXECUTIONS:
        connection.execute(delete(column.table).where(column.in_(ids)))
    connection.execute(delete(_EXECUTION).where(_X.id.in_(ids)))


def _remove_states(connection: Connection, workflows: Sequence[str]) -> None:
    for row in (WorkflowDeltaRow, WorkflowValueRow):
        table = _table(row)
        connection.execute(delete(table).where(table.c.workflow_id.in_(workflows)))
    connection.execute(delete(_WORKFLOW).where(_W.id.in_(workflows)))


def remove_output(connection: Connection, *, before: datetime, limit: int) -> int:
    """Of how many executions that ended before."""
    is_old = exists().where(_X.id == _O.execution_id, _IS_OVER, _X.ended_at < before)
    query = select(_O.execution_id).where(_O.execution_id < first_id_of(before) + "~", is_old)
    ids = list(connection.execute(query.distinct().limit(limit)).scalars())
    connection.execute(delete(_OUTPUT).where(_O.execution_id.in_(ids)))
    return len(ids)


def remove_workflows(connection: Connection, *, before: datetime, limit: int) -> int:
    """The memory of how many workflows that ended before."""
    is_old = exists().where(_X.id == _W.execution_id, _IS_OVER, _X.ended_at < before)
    query = select(_W.id).where(_W.id < first_id_of(before) + "~", _W.is_ended, is_old).limit(limit)
    ids = list(connection.execute(query).scalars())
    _remove_states(connection, ids)
    return len(ids)


# events


def remove_events(connection: Connection, *, before: datetime, limit: int) -> int:
    """How many, with what rules made of them; not those on which a rule will still fire."""
    query = select(_I.id).where(*_old_events(before)).order_by(_I.occurred_at).limit(limit)
    ids = list(connection.execute(query).scalars())
    connection.execute(delete(_ENFORCEMENT).where(_E.instance_id.in_(ids)))
    connection.execute(delete(_INSTANCE).where(_I.id.in_(ids)))
    return len(ids)


def count_events(connection: Connection, *, before: datetime) -> int:
    query = select(func.count()).select_from(_INSTANCE).where(*_old_events(before))
    return connection.execute(query).scalar_one()


def _old_events(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (_I.occurred_at < before, ~exists().where(_DUE.c.instance_id == _I.id))


def remove_enforcements(connection: Connection, *, before: datetime, limit: int) -> int:
    """How many; not those that wait for their time."""
    query = select(_E.id).where(*_old_enforcements(before)).order_by(_E.enforced_at).limit(limit)
    ids = list(connection.execute(query).scalars())
    connection.execute(delete(_ENFORCEMENT).where(_E.id.in_(ids)))
    return len(ids)


def count_enforcements(connection: Connection, *, before: datetime) -> int:
    query = select(func.count()).select_from(_ENFORCEMENT).where(*_old_enforcements(before))
    return connection.execute(query).scalar_one()


def _old_enforcements(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (_E.enforced_at < before, ~exists().where(_DUE.c.instance_id == _E.instance_id))


# the journal


def is_idle(connection: Connection, kinds: Collection[str], *, after: int, up_to: int) -> bool:
    """Whether nothing of these kinds stands between."""
    query = select(_J.id).where(_J.id > after, _J.id <= up_to, _J.kind.in_(kinds)).limit(1)
    return connection.execute(query).first() is None


def remove_entries(connection: Connection, *, before: datetime, limit: int) -> int:
    """How many that every reader is done with; the newest stays, from which numbers go on."""
    read = connection.execute(select(func.min(_CURSOR.c.position))).scalar()
    newest = connection.execute(select(func.max(_J.id))).scalar()
    if read is None or newest is None:
        return 0
    query = select(_J.id).where(_J.id <= min(read, newest - 1), _J.at < before).order_by(_J.id).limit(limit)
    ids = list(connection.execute(query).scalars())
    if ids:
        connection.execute(delete(_JOURNAL).where(_J.id <= ids[-1]))
    return len(ids)


# the audit


def remove_acts(connection: Connection, *, before: datetime, limit: int) -> int:
    """How many of the oldest acts. The anchor moves to the last of them; the newest act of all stays."""
    head = connection.execute(select(_HEAD.c.number, _HEAD.c.anchor_number)).one()
    last = min(head.anchor_number + limit, head.number - 1)
    query = select(_A.number).where(_A.number > head.anchor_number, _A.number <= last, _A.at >= before)
    first_kept = connection.execute(query.order_by(_A.number).limit(1)).scalar()
    last = last if first_kept is None else first_kept - 1
    digest = connection.execute(select(_A.hash).where(_A.number == last)).scalar()
    if last <= head.anchor_number or digest is None:
        return 0
    connection.execute(update(_HEAD).values(anchor_number=last, anchor_hash=digest))
    connection.execute(delete(_AUDIT).where(_A.number <= last))
    return int(last - head.anchor_number)


def count_acts(connection: Connection, *, before: datetime) -> int:
    return connection.execute(select(func.count()).select_from(_AUDIT).where(_A.at < before)).scalar_one()
