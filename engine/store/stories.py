"""The SQL of a story: which traces it is made of, and the rows that are told besides those of the traces."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, select

from engine.records.audit import AuditEntry, AuditRow
from engine.records.chat import ChatMessage, PostingRow
from engine.records.execution import ExecutionRow
from engine.store import audit, chat, traces

_X = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_A = AuditRow.__table__.c  # type: ignore[attr-defined]  # as above
_P = PostingRow.__table__.c  # type: ignore[attr-defined]  # as above
# A command becomes an execution at once, or when somebody has said yes to it.
_SOON = timedelta(minutes=10)
# What is looked through for a message's executions.
_MOST = 5_000


def trace_ids(connection: Connection, wanted: str) -> list[str]:
    """Of an event, an execution, a trace, a tag, a chat message, or an act's number; empty: of nothing."""
    found = traces.of_instance(connection, wanted) or traces.of_execution(connection, wanted)
    if found is not None or traces.head(connection, wanted) is not None:
        return [found or wanted]
    tagged = traces.heads(connection, tag=wanted, offset=0, limit=20, oldest_first=True)
    if tagged:
        return [head.id for head in tagged]
    number = wanted.removeprefix("#")
    if number.isdecimal() and len(number) < 16:
        return _of_act(connection, int(number))
    return _of_message(connection, wanted)


def _of_act(connection: Connection, number: int) -> list[str]:
    entry = audit.get(connection, number)
    return [entry.trace_id] if entry is not None and entry.trace_id else []


def _of_message(connection: Connection, message_id: str) -> list[str]:
    messages = chat.messages(connection, [message_id])
    if not messages:
        return []
    said_at = messages[0].created_at
    query = (
        select(_X.id, _X.trace_id, _X.context)
        .where(
            _X.requested_at.between(said_at - timedelta(seconds=5), said_at + _SOON), _X.parent_id.is_(None)
        )
        .order_by(_X.requested_at)
        .limit(_MOST)
    )
    rows = connection.execute(query)
    return [row.trace_id or row.id for row in rows if _said_in(row.context) == message_id]


def _said_in(context: bytes) -> str:
    said = orjson.loads(context).get("chat")
    return str(said.get("message") or "") if isinstance(said, dict) else ""


def acts(connection: Connection, trace_id: str) -> list[AuditEntry]:
    query = select(_A.number).where(_A.trace_id == trace_id).order_by(_A.number)
    numbers = connection.execute(query).scalars()
    return [entry for one in numbers if (entry := audit.get(connection, one)) is not None]


def messages(connection: Connection, ids: Sequence[str]) -> list[ChatMessage]:
    return chat.messages(connection, ids)


def postings(connection: Connection, executions: Sequence[str]) -> list[tuple[str, str, str, datetime]]:
    """Execution, chat, channel, and when the message was written or last edited."""
    query = select(_P.execution_id, _P.adapter, _P.channel, _P.updated_at).where(
        _P.execution_id.in_(executions)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]
