"""The SQL of executions. Who may change a status, and how, is decided in engine/executions.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, insert, select, update

from engine.clock import isoformat
from engine.records.execution import Execution, ExecutionFilter, ExecutionRow
from engine.status import CANCELABLE, HELD, Status
from engine.store import execution_lists
from engine.store.hot import HotStatement

_TABLE = ExecutionRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c
_SHOWN = (
    _C.id, _C.action, _C.runner, _C.pack, _C.status, _C.user, _C.parent_id, _C.requested_at, _C.started_at,
    _C.ended_at, _C.delay_ms, _C.attempt, _C.claimed_by, _C.parameters, _C.context, _C.result_size, _C.log,
)  # fmt: skip
_WITH_RESULT = (*_SHOWN, _C.result)
_COLUMNS = tuple(column.name for column in _TABLE.columns if column.name != "seq")
_GIVEN = tuple(name for name in _COLUMNS if name not in ("started_at", "claimed_by", "lease_until"))
_INSERT = HotStatement(insert(_TABLE), _GIVEN)
_BY_ID = HotStatement(select(*_WITH_RESULT).where(_C.id == bindparam("wanted")), ("wanted",))
_STEP = HotStatement(
    select(_C.status, _C.log, _C.attempt, _C.action, _C.context).where(_C.id == bindparam("wanted")),
    ("wanted",),
)
_CHANGE = update(_TABLE).where(_C.id == bindparam("wanted"), _C.status == bindparam("old"))
_changes: dict[tuple[str, ...], HotStatement] = {}
_CLAIM = HotStatement(
    update(_TABLE)
    .where(_C.id == bindparam("wanted"), _C.status == bindparam("old"))
    .values(
        status=bindparam("new_status"),
        attempt=bindparam("new_attempt"),
        claimed_by=bindparam("server"),
        lease_until=bindparam("lease"),
        started_at=bindparam("start"),
        log=bindparam("new_log"),
    ),
    ("wanted", "old", "new_status", "new_attempt", "server", "lease", "start", "new_log"),
)
_CHILDREN = HotStatement(
    select(_C.id).where(_C.parent_id == bindparam("wanted")).order_by(_C.seq), ("wanted",)
)
_BY_KEY = HotStatement(
    select(*_WITH_RESULT, _C.fingerprint).where(_C.idempotency_key == bindparam("wanted")), ("wanted",)
)
_NEXT_DUE = select(_C.not_before).where(_C.status == Status.REQUESTED.value).order_by(_C.not_before).limit(1)
# What decides about a start needs more than what is shown.
_CANDIDATE = (*_SHOWN, _C.sealed, _C.not_before, _C.seq)
_ONE_CANDIDATE = select(*_CANDIDATE).where(_C.id == bindparam("wanted"))
_DUE = (
    select(*_CANDIDATE)
    .where(_C.status == Status.REQUESTED.value, _C.not_before <= bindparam("now"))
    .order_by(_C.not_before, _C.seq)
    .limit(bindparam("most"))
)
_ALL_DUE = HotStatement(_DUE, ("now", "most"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An execution that this server holds, with its parameters still sealed."""

    execution: Execution
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The execution that an idempotency key came with first."""

    execution: Execution
    fingerprint: str
    """Of its request; empty: it had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An execution that waits for its start. In the order of `not_before`, then `seq`, they arrived."""

    execution: Execution
    sealed: bytes | None
    not_before: datetime
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where an execution stands, for the one who is about to change it."""

    status: Status
    log: list[list[str]]
    attempt: int
    action: str
    context: Mapping[str, Any]


def seal_place(execution_id: str) -> str:
    """Where the sealed parameters of an execution stand, for the vault."""
    return f"execution:{execution_id}"


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """`values`: the columns of ExecutionRow that a request knows."""
    _INSERT.run(connection, values)


def get(connection: Connection, execution_id: str) -> Execution | None:
    row = _BY_ID.first(connection, {"wanted": execution_id})
    return None if row is None else _execution(row)


def sealed(connection: Connection, execution_id: str) -> bytes | None:
    found: bytes | None = connection.execute(select(_C.sealed).where(_C.id == execution_id)).scalar()
    return found


def sealed_of(connection: Connection, execution_ids: Collection[str]) -> dict[str, bytes]:
    """Of those that have something sealed; at most some hundred ids."""
    query = select(_C.id, _C.sealed).where(_C.id.in_(execution_ids), _C.sealed.is_not(None))
    return {row.id: row.sealed for row in connection.execute(query)}


def set_sealed(connection: Connection, execution_id: str, value: bytes) -> None:
    connection.execute(update(_TABLE).where(_C.id == execution_id).values(sealed=value))


def by_ending(connection: Connection, ending: str, *, limit: int = 2) -> list[str]:
    """Ids that end with `ending`, the newest first."""
    query = select(_C.id).where(_C.id.endswith(ending, autoescape=True)).order_by(_C.seq.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def newest(connection: Connection) -> str | None:
    """Of those that are no task of a workflow; uses execution_by_parent."""
    order = (_C.requested_at.desc(), _C.seq.desc())
    query = select(_C.id).where(_C.parent_id.is_(None)).order_by(*order).limit(1)
    return connection.execute(query).scalar()


def by_idempotency_key(connection: Connection, key: str) -> First | None:
    row = _BY_KEY.first(connection, {"wanted": key})
    return None if row is None else First(execution=_execution(row), fingerprint=row.fingerprint or "")


def forget_idempotency_key(connection: Connection, key: str) -> None:
    connection.execute(update(_TABLE).where(_C.idempotency_key == key).values(idempotency_key=None))


def page(connection: Connection, wanted: ExecutionFilter) -> tuple[list[Execution], int]:
    """The page, and how many there are in all."""
    columns = _WITH_RESULT if wanted.with_result else _SHOWN
    query = execution_lists.chosen(select(*columns), wanted)
    # Ties of the clock are broken by the order of arrival.
    order = (_C.requested_at, _C.seq) if wanted.oldest_first else (_C.requested_at.desc(), _C.seq.desc())
    query = query.order_by(*order).offset(wanted.offset)
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    total = connection.execute(
        execution_lists.chosen(select(func.count()).select_from(_TABLE), wanted)
    ).scalar_one()
    return [_execution(row) for row in connection.execute(query)], total


def children(connection: Connection, parent_id: str) -> list[str]:
    return [row.id for row in _CHILDREN.all(connection, {"wanted": parent_id})]


def due(
    connection: Connection, *, now: datetime, limit: int, full_runners: Collection[str] = ()
) -> Sequence[Any]:
    """Rows of what may start, the longest waiting first; for `candidate`, and for `claim`."""
    given = {"now": now, "most": limit}
    if not full_runners:
        return _ALL_DUE.all(connection, given)
    return connection.execute(_DUE.where(_C.runner.not_in(full_runners)), given).all()


def claim(
    connection: Connection, rows: Sequence[Any], *, server: str, now: datetime, lease: timedelta
) -> list[Claim]:
    """Mark those of `due` running."""
    if not rows:
        return []
    stamp = isoformat(now)
    changes = [
        {
            "wanted": row.id,
            "old": Status.REQUESTED.value,
            "new_status": Status.RUNNING.value,
            "new_attempt": row.attempt + 1,
            "server": server,
            "lease": now + lease,
            "start": now,
            "new_log": orjson.dumps(
                [*orjson.loads(row.log), [stamp, Status.SCHEDULED.value], [stamp, Status.RUNNING.value]]
            ),
        }
        for row in rows
    ]
    _CLAIM.run_many(connection, changes)
    return [
        Claim(
            execution=_execution(
                row,
                status=Status.RUNNING,
                attempt=change["new_attempt"],
                log=change["new_log"],
                started_at=now,
                claimed_by=server,
            ),
            sealed=row.sealed,
        )
        for row, change in zip(rows, changes, strict=True)
    ]


def candidate(row: Any) -> Candidate:
    return Candidate(execution=_execution(row), sealed=row.sealed, not_before=row.not_before, seq=row.seq)


def get_candidate(connection: Connection, execution_id: str) -> Candidate | None:
    row = connection.execute(_ONE_CANDIDATE, {"wanted": execution_id}).first()
    return None if row is None else candidate(row)


def candidates(
    connection: Connection, statuses: Collection[Status], *, actions: Collection[str] | None = None
) -> list[Candidate]:
    """Those with one of `statuses` (of `actions` only), in the order of arrival."""
    query = select(*_CANDIDATE).where(_C.status.in_([status.value for status in statuses]))
    if actions is not None:
        query = query.where(_C.action.in_(actions))
    return [candidate(row) for row in connection.execute(query.order_by(_C.not_before, _C.seq))]


def next_due(connection: Connection) -> datetime | None:
    """When the next requested execution may start; None when none waits."""
    found: datetime | None = connection.execute(_NEXT_DUE).scalar()
    return found


def held(
    connection: Connection, *, server: str | None = None, expired_at: datetime | None = None
) -> list[Claim]:
    """What is held by `server`, or by anybody whose lease ended before `expired_at`."""
    # What nobody has claimed is a workflow that runs: it lives in its rows, not in a worker.
    is_held = _C.status.in_([status.value for status in HELD]) & _C.claimed_by.is_not(None)
    query = select(*_SHOWN, _C.sealed).where(is_held).order_by(_C.seq)
    if server is not None:
        query = query.where(_C.claimed_by == server)
    if expired_at is not None:
        query = query.where(_C.lease_until < expired_at)
    return [Claim(execution=_execution(row), sealed=row.sealed) for row in connection.execute(query)]


def waiting(connection: Connection) -> list[Execution]:
    """What nobody has claimed yet."""
    statuses = [Status.REQUESTED.value, Status.DELAYED.value]
    query = select(*_SHOWN).where(_C.status.in_(statuses)).order_by(_C.seq)
    return [_execution(row) for row in connection.execute(query)]


def extend_leases(connection: Connection, server: str, until: datetime) -> None:
    statuses = [status.value for status in HELD]
    connection.execute(
        update(_TABLE).where(_C.claimed_by == server, _C.status.in_(statuses)).values(lease_until=until)
    )


def step(connection: Connection, execution_id: str) -> Step | None:
    row = _STEP.first(connection, {"wanted": execution_id})
    if row is None:
        return None
    status, log, attempt, action, context = row
    return Step(
        status=Status(status),
        log=orjson.loads(log),
        attempt=attempt,
        action=action,
        context=orjson.loads(context),
    )


def change(connection: Connection, execution_id: str, *, old: Status, values: Mapping[str, Any]) -> bool:
    """Write `values` if the status is still `old`; whether it was."""
    names = {name: f"new_{name}" for name in sorted(values)}
    # One statement per set of columns, made once: building it anew costs more than running it.
    statement = _changes.get(tuple(names))
    if statement is None:
        changed = _CHANGE.values({name: bindparam(bound) for name, bound in names.items()})
        statement = HotStatement(changed, ("wanted", "old", *names.values()))
        _changes[tuple(names)] = statement
    given = {bound: values[name] for name, bound in names.items()}
    return statement.run(connection, {"wanted": execution_id, "old": old.value, **given}) == 1


def counts(connection: Connection) -> dict[str, int]:
    """How many executions there are in each status."""
    query = select(_C.status, func.count()).group_by(_C.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def cancelable_of(connection: Connection, user: str) -> list[str]:
    """What `user` started and may still cancel, the newest first."""
    statuses = [status.value for status in CANCELABLE]
    query = select(_C.id).where(_C.status.in_(statuses), _C.user == user).order_by(_C.seq.desc())
    return list(connection.execute(query).scalars())


def _execution(row: Any, **changed: Any) -> Execution:
    fields = row._asdict()
    for name in ("sealed", "not_before", "seq", "fingerprint"):
        fields.pop(name, None)
    fields.update(changed)
    result = fields.pop("result", None)
    return Execution(
        **{
            **fields,
            "status": Status(fields["status"]),
            "parameters": orjson.loads(fields["parameters"]),
            "context": orjson.loads(fields["context"]),
            "log": tuple((_stamp(at), Status(word)) for at, word in orjson.loads(fields["log"])),
            "result": None if result is None else orjson.loads(result),
        }
    )


def _stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)
