"""The SQL of workflows. A step names the version that it starts from, so that of two one wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from engine.records.execution import ExecutionRow
from engine.records.workflow import WorkflowDefinitionRow, WorkflowDeltaRow, WorkflowRow, WorkflowValueRow
from engine.status import FINISHED, Status
from engine.store.hot import HotStatement

_TABLE = WorkflowRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_DEFINITION = WorkflowDefinitionRow.__table__  # type: ignore[attr-defined]  # as above
_DELTA = WorkflowDeltaRow.__table__  # type: ignore[attr-defined]  # as above
_VALUE = WorkflowValueRow.__table__  # type: ignore[attr-defined]  # as above
_EXECUTION = ExecutionRow.__table__  # type: ignore[attr-defined]  # as above
_C = _TABLE.c

_ADVANCE = HotStatement(
    update(_TABLE)
    .where(_C.id == bindparam("wanted"), _C.version == bindparam("old"))
    .values(
        version=bindparam("new"),
        status=bindparam("new_status"),
        is_ended=bindparam("ended"),
        wake_at=bindparam("wake"),
    ),
    ("wanted", "old", "new", "new_status", "ended", "wake"),
)
_ADD_DELTA = HotStatement(insert(_DELTA), ("workflow_id", "version", "data"))
_KNOWN = HotStatement(
    select(_DEFINITION.c.digest).where(_DEFINITION.c.digest == bindparam("wanted")), ("wanted",)
)
_VALUE_OF = HotStatement(
    select(_VALUE.c.data).where(
        _VALUE.c.workflow_id == bindparam("workflow"), _VALUE.c.digest == bindparam("wanted")
    ),
    ("workflow", "wanted"),
)
_ADD_VALUE = HotStatement(insert(_VALUE), ("workflow_id", "digest", "data"))


def head_place(workflow_id: str) -> str:
    """Where a sealed head stands, for the vault; the others likewise."""
    return f"workflow:{workflow_id}:head"


def snapshot_place(workflow_id: str) -> str:
    return f"workflow:{workflow_id}:snapshot"


def delta_place(workflow_id: str, version: int) -> str:
    return f"workflow:{workflow_id}:delta:{version}"


def value_place(workflow_id: str, digest: str) -> str:
    return f"workflow:{workflow_id}:value:{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkflow:
    """A row; bytes are sealed."""

    id: str
    execution_id: str
    definition: str
    status: str
    is_ended: bool
    version: int
    wake_at: datetime | None
    head: bytes
    snapshot: bytes | None
    snapshot_version: int


_ADD = HotStatement(insert(_TABLE), tuple(StoredWorkflow.__dataclass_fields__))


def add(connection: Connection, stored: StoredWorkflow) -> None:
    _ADD.run(connection, {name: getattr(stored, name) for name in StoredWorkflow.__dataclass_fields__})


def get(connection: Connection, workflow_id: str) -> StoredWorkflow | None:
    return _one(connection, _C.id == workflow_id)


def of_execution(connection: Connection, execution_id: str) -> StoredWorkflow | None:
    """Uses the index workflow_by_execution."""
    return _one(connection, _C.execution_id == execution_id)


def open_ones(connection: Connection) -> list[tuple[str, datetime | None]]:
    """(id, when it wants to be looked at) of all that have not ended. Uses the index workflow_by_end."""
    query = select(_C.id, _C.wake_at).where(_C.is_ended.is_(False)).order_by(_C.id)
    return [(row.id, row.wake_at) for row in connection.execute(query)]


def advance(
    connection: Connection,
    workflow_id: str,
    *,
    old: int,
    status: str,
    is_ended: bool,
    wake_at: datetime | None,
) -> bool:
    """Whether `old` was still the version; it is the next one now."""
    values = {
        "wanted": workflow_id,
        "old": old,
        "new": old + 1,
        "new_status": status,
        "ended": is_ended,
        "wake": wake_at,
    }
    return _ADVANCE.run(connection, values) == 1


def end(connection: Connection, workflow_id: str, *, status: str) -> None:
    """Without a step: nobody can carry it on."""
    connection.execute(
        update(_TABLE)
        .where(_C.id == workflow_id)
        .values(status=status, is_ended=True, wake_at=None, version=_C.version + 1)
    )


def repoint(connection: Connection, workflow_id: str, execution_id: str) -> None:
    """It works for another execution now: the one that runs it again."""
    connection.execute(update(_TABLE).where(_C.id == workflow_id).values(execution_id=execution_id))


def set_head(connection: Connection, workflow_id: str, head: bytes) -> None:
    connection.execute(update(_TABLE).where(_C.id == workflow_id).values(head=head))


def add_delta(connection: Connection, workflow_id: str, version: int, data: bytes) -> None:
    _ADD_DELTA.run(connection, {"workflow_id": workflow_id, "version": version, "data": data})


def deltas(connection: Connection, workflow_id: str, *, after: int) -> list[tuple[int, bytes]]:
    """(version, data), oldest first."""
    query = (
        select(_DELTA.c.version, _DELTA.c.data)
        .where(_DELTA.c.workflow_id == workflow_id, _DELTA.c.version > after)
        .order_by(_DELTA.c.version)
    )
    return [(row.version, row.data) for row in connection.execute(query)]


def set_snapshot(connection: Connection, workflow_id: str, version: int, data: bytes) -> None:
    """The deltas that it holds are dropped."""
    connection.execute(
        update(_TABLE).where(_C.id == workflow_id).values(snapshot=data, snapshot_version=version)
    )
    connection.execute(delete(_DELTA).where(_DELTA.c.workflow_id == workflow_id, _DELTA.c.version <= version))


def add_values(connection: Connection, workflow_id: str, values: Mapping[str, bytes]) -> None:
    """Those that are there already stay."""
    for digest, data in values.items():
        if value(connection, workflow_id, digest) is None:
            row = {"workflow_id": workflow_id, "digest": digest, "data": data}
            _ADD_VALUE.run(connection, row)


def value(connection: Connection, workflow_id: str, digest: str) -> bytes | None:
    row = _VALUE_OF.first(connection, {"workflow": workflow_id, "wanted": digest})
    return None if row is None else bytes(row.data)


def add_definition(connection: Connection, digest: str, *, language: str, text: str) -> None:
    """The same digest is the same text."""
    if _KNOWN.first(connection, {"wanted": digest}) is None:
        connection.execute(insert(_DEFINITION), {"digest": digest, "language": language, "text": text})


def definition(connection: Connection, digest: str) -> tuple[str, str] | None:
    """(language, text)"""
    query = select(_DEFINITION.c.language, _DEFINITION.c.text).where(_DEFINITION.c.digest == digest)
    row = connection.execute(query).first()
    return None if row is None else (row.language, row.text)


# executions, as workflows see them


def results(connection: Connection, execution_ids: Sequence[str]) -> list[Any]:
    """In the order of the ids; null for those without a result."""
    found: dict[str, Any] = {}
    for start in range(0, len(execution_ids), 500):
        some = execution_ids[start : start + 500]
        query = select(_EXECUTION.c.id, _EXECUTION.c.result).where(_EXECUTION.c.id.in_(some))
        found.update({row.id: row.result for row in connection.execute(query)})
    return [orjson.loads(found[name]) if found.get(name) else None for name in execution_ids]


def statuses(connection: Connection, execution_ids: Sequence[str]) -> dict[str, Status]:
    found: dict[str, Status] = {}
    for start in range(0, len(execution_ids), 500):
        some = execution_ids[start : start + 500]
        query = select(_EXECUTION.c.id, _EXECUTION.c.status).where(_EXECUTION.c.id.in_(some))
        found.update({row.id: Status(row.status) for row in connection.execute(query)})
    return found


def unfinished_children(connection: Connection, parent_id: str) -> list[str]:
    """Uses the index execution_by_parent."""
    query = select(_EXECUTION.c.id).where(
        _EXECUTION.c.parent_id == parent_id,
        _EXECUTION.c.status.not_in([status.value for status in FINISHED]),
    )
    return list(connection.execute(query).scalars())


def _one(connection: Connection, condition: Any) -> StoredWorkflow | None:
    row = connection.execute(select(_TABLE).where(condition)).first()
    if row is None:
        return None
    return StoredWorkflow(**{name: getattr(row, name) for name in StoredWorkflow.__dataclass_fields__})
