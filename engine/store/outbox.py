"""SQL of the outbox: messages on their way into chats that are not our own."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from engine.clock import utcnow
from engine.records.journal import JournalEntry
from engine.records.outbox import QUEUED, SAID, NewOutgoing, OutgoingRow, OutgoingState, StoredOutgoing
from engine.store import journal
from engine.store.database import note

_T = OutgoingRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
# Made once: building a statement costs more than running it.
_INSERT = insert(_T)
_KNOWN = select(_T.c.version, _T.c.state, _T.c.body, _T.c.answers).where(_T.c.id == bindparam("wanted"))
_CHANGE = (
    update(_T)
    .where(_T.c.id == bindparam("wanted"))
    .values(
        body=bindparam("new_body"),
        version=bindparam("new_version"),
        state=OutgoingState.WAITING.value,
        error="",
        answers=bindparam("new_answers"),
    )
)
_WAIT = update(_T).where(_T.c.id == bindparam("wanted")).values(queued_at=bindparam("now"))
_NEXT = (
    select(_T)
    .where(
        _T.c.adapter == bindparam("where"),
        _T.c.state == OutgoingState.WAITING.value,
        _T.c.channel == bindparam("lane"),
    )
    .order_by(_T.c.queued_at, _T.c.seq)
    .limit(1)
)
_LANES = (
    select(_T.c.channel)
    .where(_T.c.adapter == bindparam("where"), _T.c.state == OutgoingState.WAITING.value)
    .distinct()
)


def put(connection: Connection, message: NewOutgoing) -> None:
    """Queue a message, or its newer version; one that says the same already is left alone."""
    body = orjson.dumps(message.body, default=str, option=orjson.OPT_NON_STR_KEYS)
    known = connection.execute(_KNOWN, {"wanted": message.id}).first()
    now = utcnow()
    if known is None:
        values = {
            "id": message.id,
            "adapter": message.adapter,
            "key": message.key,
            "channel": message.channel,
            "thread_id": message.thread_id,
            "reply_to": message.reply_to,
            "only_for": message.only_for,
            "body": body,
            "version": 1,
            "sent_version": 0,
            "state": OutgoingState.WAITING.value,
            "error": "",
            "answers": message.answers,
            "queued_at": now,
        }
        connection.execute(_INSERT, values)
    elif not message.may_replace or known.body == body:
        return
    else:
        changed = {
            "wanted": message.id,
            "new_body": body,
            "new_version": known.version + 1,
            "new_answers": message.answers or known.answers,
        }
        connection.execute(_CHANGE, changed)
        if known.state != OutgoingState.WAITING:
            connection.execute(_WAIT, {"wanted": message.id, "now": now})
    note(
        connection,
        JournalEntry(id=0, at=now, kind=QUEUED, subject=message.channel, data={"adapter": message.adapter}),
    )


def lanes(connection: Connection, adapter: str) -> list[str]:
    """The channels for which something waits."""
    return list(connection.execute(_LANES, {"where": adapter}).scalars())


def first_waiting(connection: Connection, adapter: str, channel: str) -> StoredOutgoing | None:
    """What is to be sent next in this channel. Uses the index chat_outgoing_by_state."""
    row = connection.execute(_NEXT, {"where": adapter, "lane": channel}).first()
    return None if row is None else _stored(row)


def waiting(connection: Connection, adapter: str) -> list[StoredOutgoing]:
    """All that waits, in the order of its turns."""
    query = select(_T).where(_T.c.adapter == adapter, _T.c.state == OutgoingState.WAITING.value)
    return [_stored(row) for row in connection.execute(query.order_by(_T.c.queued_at, _T.c.seq))]


def get(connection: Connection, outgoing_id: str) -> StoredOutgoing | None:
    row = connection.execute(select(_T).where(_T.c.id == outgoing_id)).first()
    return None if row is None else _stored(row)


def by_message(connection: Connection, adapter: str, channel: str, message_id: str) -> StoredOutgoing | None:
    """Ours with this id of the chat's. Uses the index chat_outgoing_by_message."""
    query = select(_T).where(_T.c.adapter == adapter, _T.c.channel == channel, _T.c.message_id == message_id)
    row = connection.execute(query).first()
    return None if row is None else _stored(row)


def sent(
    connection: Connection, outgoing_id: str, *, version: int, message_id: str, answers: str = ""
) -> None:
    """The chat has this version. A newer one may wait by now, and goes on waiting.

    `answers`: the execution whose end this version told; that is mentioned once.
    """
    now = utcnow()
    connection.execute(
        update(_T)
        .where(_T.c.id == outgoing_id)
        .values(sent_version=version, message_id=message_id, sent_at=now)
    )
    connection.execute(
        update(_T)
        .where(_T.c.id == outgoing_id, _T.c.version == version)
        .values(state=OutgoingState.SENT.value)
    )
    if answers:
        connection.execute(update(_T).where(_T.c.id == outgoing_id).values(answers=""))
        journal.mention(connection, SAID, answers, {})


def refused(connection: Connection, outgoing_id: str, *, version: int, error: str) -> None:
    """The chat will never take this version."""
    connection.execute(
        update(_T)
        .where(_T.c.id == outgoing_id, _T.c.version == version)
        .values(state=OutgoingState.REFUSED.value, error=error)
    )


def recently_refused(connection: Connection, adapter: str, *, limit: int) -> Sequence[StoredOutgoing]:
    """What a chat did not take, the newest first."""
    query = select(_T).where(_T.c.adapter == adapter, _T.c.state == OutgoingState.REFUSED.value)
    return [_stored(row) for row in connection.execute(query.order_by(_T.c.seq.desc()).limit(limit))]


def _stored(row: Row[Any]) -> StoredOutgoing:
    return StoredOutgoing(
        id=row.id,
        adapter=row.adapter,
        key=row.key,
        channel=row.channel,
        thread_id=row.thread_id,
        reply_to=row.reply_to,
        only_for=row.only_for,
        body=orjson.loads(row.body),
        version=row.version,
        sent_version=row.sent_version,
        message_id=row.message_id,
        state=OutgoingState(row.state),
        error=row.error,
        queued_at=row.queued_at,
        answers=row.answers,
    )
