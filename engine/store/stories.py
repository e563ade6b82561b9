"""The SQL of a story: which traces it is made of, and the rows that are told besides those of the traces."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from engine.records.audit import AuditEntry, AuditRow
from engine.records.chat import ChatMessage, ChatMessageRow, PostingRow
from engine.records.comforts import TrailRow
from engine.records.execution import ExecutionRow
from engine.records.outbox import OutgoingRow, OutgoingState
from engine.store import alerts, audit, chat, executions, inquiries, traces

_X = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_A = AuditRow.__table__.c  # type: ignore[attr-defined]  # as above
_P = PostingRow.__table__.c  # type: ignore[attr-defined]  # as above
_M = ChatMessageRow.__table__.c  # type: ignore[attr-defined]  # as above
_O = OutgoingRow.__table__.c  # type: ignore[attr-defined]  # as above
_T = TrailRow.__table__.c  # type: ignore[attr-defined]  # as above
# What a message of ours is about stands in its key.
_ABOUT = re.compile(r"(?:^|:)(?:execution|inquiry|alert-loud|alert:[0-9a-f]+):(?P<id>[0-9a-f]{24})(?=:|$)")
# So many traces are one story, at most.
_MOST = 50


def trace_ids(connection: Connection, wanted: str) -> list[str]:
    """Of an event, execution, question, trace, tag, chat message or request, an act's number, or `last`.

    Empty: of nothing, or of what belongs to no trace.
    """
    if wanted == "last":
        return _of_executions(connection, [executions.newest(connection) or ""])
    found = traces.of_instance(connection, wanted) or traces.of_execution(connection, wanted)
    if found is not None or traces.head(connection, wanted) is not None:
        return [found or wanted]
    tagged = traces.heads(connection, tag=wanted, offset=0, limit=_MOST, oldest_first=True)
    if tagged:
        return [head.id for head in tagged]
    return _of_act(connection, wanted) or (
        _of_message(connection, wanted)
        or _of_answer(connection, wanted)
        or _of_thread(connection, wanted)
        or _of_request(connection, wanted)
    )


def ending_with(connection: Connection, ending: str) -> list[str]:
    """Traces of executions and alerts, and of questions that wait, whose ids end so; two are too many."""
    found = inquiries.pending_ending_with(connection, ending) if len(ending) >= 4 else []
    if not found and len(ending) >= 6:
        episodes = [one.id for one in alerts.by_ending(connection, ending)]
        found = [*executions.by_ending(connection, ending), *episodes]
    return _of_executions(connection, found)


def is_act(connection: Connection, wanted: str) -> bool:
    """Whether it is the number of an act, as 12 or #12."""
    return _act(connection, wanted) is not None


def _act(connection: Connection, wanted: str) -> AuditEntry | None:
    number = wanted.removeprefix("#")
    return audit.get(connection, int(number)) if number.isdecimal() and len(number) < 16 else None


def _of_act(connection: Connection, wanted: str) -> list[str]:
    entry = _act(connection, wanted)
    return [entry.trace_id] if entry is not None and entry.trace_id else []


def _of_message(connection: Connection, message_id: str) -> list[str]:
    """Of what it began, however long afterwards; uses execution_by_message."""
    query = select(_X.id, _X.trace_id).where(_X.message_id == message_id).order_by(_X.seq).limit(_MOST)
    return [row.trace_id or row.id for row in connection.execute(query)]


def _of_answer(connection: Connection, message_id: str) -> list[str]:
    """Of what a message of ours is about: by our own id of it, or by the chat's.

    Uses chat_outgoing_by_answer and chat_posting_by_message.
    """
    ours = select(_M.delivery_key.label("key")).where(_M.id == message_id, _M.is_bot)
    sent = select(_O.key).where(or_(_O.id == message_id, _O.message_id == message_id)).limit(_MOST)
    keys = [*connection.execute(ours).scalars(), *connection.execute(sent).scalars()]
    about = [match["id"] for key in keys if (match := _ABOUT.search(key))]
    posted = select(_P.execution_id).where(_P.message_id == message_id).limit(_MOST)
    return _of_executions(connection, [*about, *connection.execute(posted).scalars()])


def _of_thread(connection: Connection, message_id: str) -> list[str]:
    """Of what is spoken of in the thread of a message that began nothing by itself: an `approve`."""
    query = select(_M.adapter, _M.thread_id).where(_M.id == message_id, _M.thread_id.is_not(None))
    said = connection.execute(query).first()
    if said is None:
        return []
    # The thread of a message of ours is known by our own id of that.
    roots = select(_O.id).where(_O.adapter == said.adapter, _O.message_id == said.thread_id)
    threads = [said.thread_id, *connection.execute(roots).scalars()]
    trail = select(_T.execution_id).where(_T.adapter == said.adapter, _T.thread_id.in_(threads))
    return _of_executions(connection, connection.execute(trail.order_by(_T.seq).limit(_MOST)).scalars().all())


def _of_request(connection: Connection, request_id: str) -> list[str]:
    """Of what a request to the API began, or was done to; of those that name themselves alike the newest."""
    query = select(_A.trace_id).where(audit.of_request(request_id), _A.trace_id != "")
    found = connection.execute(query.order_by(_A.number.desc()).limit(_MOST)).scalars().all()
    return list(dict.fromkeys(reversed(found)))


def _of_executions(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Also of events, as alerts are."""
    found = (traces.of_execution(connection, one) or traces.of_instance(connection, one) for one in ids)
    return list(dict.fromkeys(trace for trace in found if trace))


def acts(connection: Connection, trace_id: str) -> list[AuditEntry]:
    query = select(_A.number).where(_A.trace_id == trace_id).order_by(_A.number)
    numbers = connection.execute(query).scalars()
    return [entry for one in numbers if (entry := audit.get(connection, one)) is not None]


def messages(connection: Connection, ids: Sequence[str]) -> list[ChatMessage]:
    return chat.messages(connection, ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a chat was told of an execution."""

    execution_id: str
    adapter: str
    channel: str
    at: datetime
    state: OutgoingState
    error: str = ""


def _adapters(connection: Connection) -> list[str]:
    """Of all trails: one look into the index for each, where DISTINCT would read every row."""
    found = [""]
    while name := connection.execute(select(func.min(_T.adapter)).where(_T.adapter > found[-1])).scalar():
        found.append(name)
    return found[1:]


def answers(connection: Connection, ids: Sequence[str]) -> list[Answer]:
    """The messages about these executions, which have no parent: of our own chat, and for others."""
    of_these = and_(_T.adapter.in_(_adapters(connection)), _T.execution_id.in_(ids))
    places = connection.execute(select(_T.adapter, _T.channel).where(of_these).distinct()).all()
    adapters, channels = {place.adapter for place in places}, {place.channel for place in places}
    keys = {f"execution:{one}": one for one in ids}
    own = select(_M).where(_M.delivery_key.in_([f"{adapter}:{key}" for adapter in adapters for key in keys]))
    found = [
        Answer(
            execution_id=keys[row.delivery_key.split(":", 1)[1]],
            adapter=row.adapter,
            channel=row.channel,
            at=row.edited_at or row.created_at,
            state=OutgoingState.SENT,
        )
        for row in connection.execute(own)
    ]
    # The beginning of chat_outgoing_by_message: what was ever said in these channels is looked through.
    sent = select(_O).where(_O.adapter.in_(adapters), _O.channel.in_(channels), _O.key.in_(keys))
    found += (
        Answer(
            execution_id=keys[row.key],
            adapter=row.adapter,
            channel=row.channel,
            at=row.sent_at or row.queued_at,
            state=OutgoingState(row.state),
            error=row.error,
        )
        for row in connection.execute(sent)
    )
    return found
