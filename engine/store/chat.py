"""SQL of the chats: messages, channels, and where answers were posted."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from engine.clock import utcnow
from engine.records.chat import (
    ChatChannel,
    ChatChannelRow,
    ChatMessage,
    ChatMessageRow,
    ChatNoticeRow,
    NewChatMessage,
    NoticePosting,
    Posting,
    PostingRow,
)
from engine.status import FINISHED
from engine.store import journal
from engine.store.hot import HotStatement

# The journal's kind for a message that is new or was edited.
MESSAGE_KIND = "chat.message"

_MESSAGE = ChatMessageRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_CHANNEL = ChatChannelRow.__table__  # type: ignore[attr-defined]  # as above
_POSTING = PostingRow.__table__  # type: ignore[attr-defined]  # as above
_NOTICE = ChatNoticeRow.__table__  # type: ignore[attr-defined]  # as above
_INSERT = HotStatement(
    insert(_MESSAGE), [column.name for column in _MESSAGE.c if column.name not in ("seq", "edited_at")]
)
_KNOWN = HotStatement(
    select(_MESSAGE.c.id).where(_MESSAGE.c.delivery_key == bindparam("wanted")), ("wanted",)
)
_BY_ID = HotStatement(select(_MESSAGE).where(_MESSAGE.c.id == bindparam("wanted")), ("wanted",))
_EDIT = HotStatement(
    update(_MESSAGE)
    .where(_MESSAGE.c.delivery_key == bindparam("wanted"))
    .values(body=bindparam("new_body"), edited_at=bindparam("now")),
    ("wanted", "new_body", "now"),
)
_CLOSE = HotStatement(
    update(_POSTING)
    .where(_POSTING.c.adapter == bindparam("where"), _POSTING.c.execution_id == bindparam("wanted"))
    .values(status=bindparam("new_status"), updated_at=bindparam("now")),
    ("where", "wanted", "new_status", "now"),
)


def add(connection: Connection, message: NewChatMessage, *, is_shown: bool) -> bool:
    """Store a message; False when one with its delivery key is there already.

    `is_shown`: the chat is our own, and whoever looks at it is told through the journal.
    """
    if is_known(connection, message.delivery_key):
        return False
    _insert(connection, message)
    if is_shown:
        _tell(connection, message)
    return True


def is_known(connection: Connection, delivery_key: str) -> bool:
    """Whether a message with that key was stored."""
    return _KNOWN.first(connection, {"wanted": delivery_key}) is not None


def put(connection: Connection, message: NewChatMessage) -> None:
    """Store a message of our own chat, in the place of the one with its delivery key if there is one."""
    values = {"wanted": message.delivery_key, "new_body": orjson.dumps(message.body), "now": utcnow()}
    if _EDIT.run(connection, values) == 0:
        _insert(connection, message)
    _tell(connection, message)


def _insert(connection: Connection, message: NewChatMessage) -> None:
    _INSERT.run(
        connection,
        {
            "id": message.id,
            "adapter": message.adapter,
            "channel": message.channel,
            "thread_id": message.thread_id,
            "author": message.author,
            "is_bot": message.is_bot,
            "body": orjson.dumps(message.body),
            "delivery_key": message.delivery_key,
            "created_at": utcnow(),
        },
    )


def _tell(connection: Connection, message: NewChatMessage) -> None:
    data = {"adapter": message.adapter, "channel": message.channel}
    journal.append(connection, MESSAGE_KIND, message.id, data)


def messages(connection: Connection, ids: Collection[str]) -> list[ChatMessage]:
    """Those of `ids` that exist, in the order in which they came."""
    # One at a time: mostly there is one, and a list of another length would be another statement.
    found = [row for one in ids for row in _BY_ID.all(connection, {"wanted": one})]
    return [_message(row) for row in sorted(found, key=lambda row: row.seq)]


def history(
    connection: Connection, adapter: str, channel: str, *, before: int | None, limit: int
) -> tuple[list[ChatMessage], bool]:
    """The newest `limit` messages that start a thread, each thread whole, oldest first.

    `before` is a seq: only what came earlier. The second value says whether there is more.
    Uses the index chat_message_by_channel, and ix_chat_message_thread_id.
    """
    query = select(_MESSAGE).where(
        _MESSAGE.c.adapter == adapter, _MESSAGE.c.channel == channel, _MESSAGE.c.thread_id.is_(None)
    )
    if before is not None:
        query = query.where(_MESSAGE.c.seq < before)
    found = connection.execute(query.order_by(_MESSAGE.c.seq.desc()).limit(limit + 1)).all()
    starts = [_message(row) for row in found[:limit]]
    answers = connection.execute(
        select(_MESSAGE).where(_MESSAGE.c.thread_id.in_([start.id for start in starts]))
    )
    everything = starts + [_message(row) for row in answers]
    return sorted(everything, key=lambda message: message.seq), len(found) > limit


def channels(connection: Connection, adapter: str) -> list[ChatChannel]:
    """Every channel that was made, by name. The newest seq of each is one look into the index."""
    newest = (
        select(func.max(_MESSAGE.c.seq))
        .where(
            _MESSAGE.c.adapter == adapter,
            _MESSAGE.c.channel == _CHANNEL.c.name,
            _MESSAGE.c.thread_id.is_(None),
        )
        .scalar_subquery()
    )
    query = select(_CHANNEL.c.name, newest).where(_CHANNEL.c.adapter == adapter).order_by(_CHANNEL.c.name)
    return [ChatChannel(name=name, newest_seq=seq or 0) for name, seq in connection.execute(query)]


def has_channel(connection: Connection, adapter: str, name: str) -> bool:
    query = select(_CHANNEL.c.name).where(_CHANNEL.c.adapter == adapter, _CHANNEL.c.name == name)
    return connection.execute(query).scalar() is not None


def ensure_channel(connection: Connection, adapter: str, name: str, *, made_by: str) -> None:
    """Make the channel unless it is there."""
    if not has_channel(connection, adapter, name):
        values = {"adapter": adapter, "name": name, "made_by": made_by, "created_at": utcnow()}
        connection.execute(insert(_CHANNEL), values)


def keep_posting(connection: Connection, posting: Posting) -> None:
    """Remember where the answer of an execution stands, and what it shows."""
    where = (_POSTING.c.adapter == posting.adapter) & (_POSTING.c.execution_id == posting.execution_id)
    values: Mapping[str, Any] = {
        "channel": posting.channel,
        "thread_id": posting.thread_id,
        "message_id": posting.message_id,
        "status": posting.status,
        "updated_at": utcnow(),
    }
    changed = connection.execute(update(_POSTING).where(where).values(**values))
    if changed.rowcount == 0:
        key = {"adapter": posting.adapter, "execution_id": posting.execution_id}
        connection.execute(insert(_POSTING), {**key, **values})


def close_posting(connection: Connection, adapter: str, execution_id: str, status: str) -> None:
    """Note the end in the posting of an execution, if there is one."""
    values = {"where": adapter, "wanted": execution_id, "new_status": status, "now": utcnow()}
    _CLOSE.run(connection, values)


def posting(connection: Connection, adapter: str, execution_id: str) -> Posting | None:
    query = select(_POSTING).where(_POSTING.c.adapter == adapter, _POSTING.c.execution_id == execution_id)
    row = connection.execute(query).first()
    return None if row is None else _posting(row)


def open_postings(connection: Connection, adapter: str) -> list[Posting]:
    """Those that show an execution which has not ended."""
    query = select(_POSTING).where(_POSTING.c.adapter == adapter, _POSTING.c.status.not_in(FINISHED))
    return [_posting(row) for row in connection.execute(query)]


def keep_notice(connection: Connection, posting: NoticePosting) -> None:
    """Remember where a notice stands."""
    where = (_NOTICE.c.adapter == posting.adapter) & (_NOTICE.c.key == posting.key)
    values: Mapping[str, Any] = {
        "generation": posting.generation,
        "channel": posting.channel,
        "thread_id": posting.thread_id,
        "message_id": posting.message_id,
        "updated_at": utcnow(),
    }
    changed = connection.execute(update(_NOTICE).where(where).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(_NOTICE), {"adapter": posting.adapter, "key": posting.key, **values})


def notices(connection: Connection, adapter: str, keys: Collection[str]) -> dict[str, NoticePosting]:
    """Where those of these notices stand that were posted."""
    query = select(_NOTICE).where(_NOTICE.c.adapter == adapter, _NOTICE.c.key.in_(keys))
    return {
        row.key: NoticePosting(
            adapter=row.adapter,
            key=row.key,
            generation=row.generation,
            channel=row.channel,
            thread_id=row.thread_id,
            message_id=row.message_id,
        )
        for row in connection.execute(query)
    }


def _posting(row: Row[Any]) -> Posting:
    return Posting(
        adapter=row.adapter,
        execution_id=row.execution_id,
        channel=row.channel,
        thread_id=row.thread_id,
        message_id=row.message_id,
        status=row.status,
    )


def _message(row: Row[Any]) -> ChatMessage:
    return ChatMessage(
        seq=row.seq,
        id=row.id,
        adapter=row.adapter,
        channel=row.channel,
        thread_id=row.thread_id,
        author=row.author,
        is_bot=row.is_bot,
        body=orjson.loads(row.body),
        created_at=row.created_at,
        edited_at=row.edited_at,
    )
