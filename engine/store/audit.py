"""The audit's rows: acts are collected while a transaction runs, and chained and written at its end.

So a transaction costs one read and one write of the head, however many acts are in it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)

from engine.acting import NOBODY
from engine.audit_chain import digest
from engine.clock import isoformat, utcnow
from engine.records.audit import (
    BY_RULE,
    GENESIS,
    Act,
    Actor,
    AuditEntry,
    AuditFilter,
    AuditHead,
    AuditHeadRow,
    AuditRow,
)
from engine.records.columns import moment
from engine.store.hot import HotStatement

_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_HEAD = AuditHeadRow.__table__  # type: ignore[attr-defined]  # as above
_C = _AUDIT.c
_COLUMNS = tuple(column.name for column in _AUDIT.columns)
_INSERT = HotStatement(insert(_AUDIT), _COLUMNS)
_READ_HEAD = HotStatement(select(_HEAD.c.number, _HEAD.c.hash).where(_HEAD.c.id == 1))
_MOVE_HEAD = HotStatement(
    update(_HEAD).where(_HEAD.c.id == 1).values(number=bindparam("to"), hash=bindparam("digest")),
    ("to", "digest"),
)
_BYTES = ("details", "before", "hash")
_TEXTS = tuple(name for name in _COLUMNS if name not in ("number", "at", *_BYTES))
# The time as the number that it is kept as.
_SELECT = select(*(type_coerce(c, BigInteger).label("at") if c.name == "at" else c for c in _C))
_ACTS = "stormcrow_acts"
_ACTOR = "stormcrow_actor"
# The longest texts, in characters, and details, in bytes: nobody can fill the disk with one act.
_TEXT_LIMIT = 1_000
DETAILS_LIMIT_BYTES = 8_192
_BATCH = 1_000


# within a transaction


def open_acts(connection: Connection) -> None:
    """A transaction begins."""
    connection.info[_ACTS] = []
    connection.info[_ACTOR] = NOBODY


def act_as(connection: Connection, actor: Actor) -> None:
    """What is recorded from now on was done by `actor`, where it does not say itself by whom."""
    connection.info[_ACTOR] = actor


def record(connection: Connection, act: Act) -> None:
    """Have the act written with this transaction."""
    connection.info[_ACTS].append((utcnow(), connection.info[_ACTOR], act))


def record_of_client(connection: Connection, act: Act) -> None:
    """As `record`, where somebody from outside is behind it; what the server does by itself is no act."""
    if connection.info[_ACTOR].user:
        record(connection, act)


def seal(connection: Connection) -> None:
    """Chain and write what was recorded: the last thing that a transaction does."""
    acts: list[tuple[datetime, Actor, Act]] = connection.info[_ACTS]
    if not acts:
        return
    head = _READ_HEAD.first(connection, {})
    assert head is not None  # noqa: S101 - the migration made it
    number, before = head[0], bytes(head[1])
    rows = []
    for at, actor, act in acts:
        number += 1
        row = _values(number, at, actor, act)
        hashed = {**row, "at": isoformat(at), "details": row["details"].decode()}
        row["before"] = before
        row["hash"] = before = digest(before, hashed.values())
        rows.append(row)
    connection.info[_ACTS] = []
    _INSERT.run_many(connection, rows)
    _MOVE_HEAD.run(connection, {"to": number, "digest": before})


def _values(number: int, at: datetime, actor: Actor, act: Act) -> dict[str, Any]:
    """The columns in the order of engine.audit_chain.FIELDS."""
    return {
        "number": number,
        "at": at,
        "kind": act.kind,
        "object": _text(act.object),
        "user": _text(act.user or actor.user),
        "via": _text(act.via or actor.via),
        "key_id": _text(actor.key_id),
        "account": _text(actor.account),
        "address": _text(actor.address),
        "request_id": _text(actor.request_id),
        "reason": _text(act.reason),
        "approved_by": _text(",".join(act.approved_by)),
        "execution_id": act.execution_id,
        "trace_id": _text(act.trace_id),
        "details": _json(_with_sender(act, actor)),
    }


def _with_sender(act: Act, actor: Actor) -> Mapping[str, Any]:
    """A rule acts as its own user: whose event made it fire is told beside that."""
    return {**act.details, "sent_by": actor.user} if act.via == BY_RULE and actor.user else act.details


def _text(text: str) -> str:
    """As every database takes it: no NUL, nothing that is no character, no more than the limit."""
    if text.isascii() and len(text) <= _TEXT_LIMIT and "\0" not in text:
        return text
    return text[:_TEXT_LIMIT].replace("\0", "�").encode(errors="replace").decode()


def _json(details: Mapping[str, Any]) -> bytes:
    """The details as JSON; too long ones are cut, and no JSON is told as text."""
    option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        text = orjson.dumps(details, default=str, option=option)
    except (TypeError, ValueError, RecursionError):
        text = orjson.dumps({"text": _text(repr(details))})
    if len(text) <= DETAILS_LIMIT_BYTES:
        return text
    shown = text[: DETAILS_LIMIT_BYTES // 2].decode(errors="ignore")
    return orjson.dumps({"cut": shown, "size_bytes": len(text)}, option=option)


# reading


def head(connection: Connection) -> AuditHead:
    """Where somebody has taken the row away, that of a chain without acts."""
    newest = select(func.max(_C.number)).scalar_subquery().label("newest")
    row = connection.execute(select(_HEAD, newest).where(_HEAD.c.id == 1)).first()
    if row is None:
        found = connection.execute(select(newest)).scalar() or 0
        return AuditHead(number=0, hash=GENESIS, anchor_number=0, anchor_hash=GENESIS, newest=found)
    return AuditHead(
        number=row.number,
        hash=_bytes(row.hash),
        anchor_number=row.anchor_number,
        anchor_hash=_bytes(row.anchor_hash),
        newest=row.newest or 0,
    )


def page(
    connection: Connection, wanted: AuditFilter, *, offset: int = 0, limit: int | None = None
) -> tuple[list[AuditEntry], int]:
    """The newest first, and how many there are in all."""
    chosen = tuple(_chosen(wanted))
    query = _SELECT.where(*chosen).order_by(_C.number.desc()).offset(offset).limit(limit)
    total = connection.execute(select(func.count()).select_from(_AUDIT).where(*chosen)).scalar_one()
    return [_entry(row) for row in connection.execute(query)], total


def get(connection: Connection, number: int) -> AuditEntry | None:
    row = connection.execute(_SELECT.where(_C.number == number)).first()
    return None if row is None else _entry(row)


def newest_of(connection: Connection, kind: str) -> AuditEntry | None:
    query = _SELECT.where(_C.kind == kind).order_by(_C.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _entry(row)


def after(
    connection: Connection, number: int, *, wanted: AuditFilter, up_to: int, limit: int = _BATCH
) -> list[AuditEntry]:
    """The next acts in their order."""
    query = _SELECT.where(_C.number > number, _C.number <= up_to, *_chosen(wanted))
    return [_entry(row) for row in connection.execute(query.order_by(_C.number).limit(limit))]


def _chosen(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.kinds:
        yield or_(*(_of_kind(kind) for kind in wanted.kinds))
    for column, value in (
        (_C.user, wanted.user),
        (_C.object, wanted.object),
        (_C.trace_id, wanted.trace_id),
    ):
        if value:
            yield column == value
    if wanted.request_id:
        yield of_request(wanted.request_id)
    if wanted.since is not None:
        yield _C.at >= wanted.since
    if wanted.until is not None:
        yield _C.at < wanted.until


def of_request(request_id: str) -> ColumnElement[bool]:
    """Uses audit_by_request, which holds no act without a request."""
    return and_(_C.request_id == request_id, _C.request_id != literal_column("''"))


def _of_kind(kind: str) -> Any:
    if "." not in kind:
        # A family: every kind has a dot.
        kind = kind if kind.endswith("*") else f"{kind}.*"
    if kind.endswith("*"):
        return _C.kind.startswith(kind[:-1], autoescape=True)
    return _C.kind == kind


def _entry(row: Row[Any]) -> AuditEntry:
    """Of whatever stands there: SQLite keeps a value of another kind where somebody edits by hand, and
    then the hash has to tell it.
    """
    fields = dict(row._mapping)
    for name in _TEXTS:
        fields[name] = (
            fields[name] if isinstance(fields[name], str) else _bytes(fields[name]).decode(errors="replace")
        )
    for name in _BYTES:
        fields[name] = _bytes(fields[name])
    return AuditEntry(**{**fields, "at": _moment(fields["at"])})


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def _moment(value: Any) -> datetime:
    """Of no time: the first one that there is."""
    try:
        return moment(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)
