"""What was said in chats: messages that came in, our own web chat, and where answers were posted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class ChatMessageRow(Table, table=True):
    """A message that a person sent through any chat, or one of ours in the web chat."""

    __tablename__ = "chat_message"
    __table_args__ = (Index("chat_message_by_channel", "adapter", "channel", "thread_id", "seq"),)

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    adapter: str
    channel: str
    thread_id: str | None = Field(default=None, index=True)
    """The id of the message that started the thread."""
    author: str
    is_bot: bool = False
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The message or reply as JSON; its shape is the bot's."""
    delivery_key: str = Field(unique=True)
    """The sender's own id of the delivery: the same key is the same message."""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    edited_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ChatChannelRow(Table, table=True):
    """A channel of the web chat that somebody made by writing in it."""

    __tablename__ = "chat_channel"

    adapter: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    made_by: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PostingRow(Table, table=True):
    """Where the answer of an execution stands in a chat, so that it can be edited."""

    __tablename__ = "chat_posting"
    __table_args__ = (
        Index("chat_posting_by_status", "adapter", "status"),
        Index("chat_posting_by_message", "message_id"),
    )

    adapter: str = Field(primary_key=True)
    execution_id: str = Field(primary_key=True, max_length=24)
    channel: str
    thread_id: str | None = None
    message_id: str
    status: str
    """The status of the execution that the message shows."""
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ChatNoticeRow(Table, table=True):
    """Where a notice of the engine stands in a chat, so that it is edited and its thread is found."""

    __tablename__ = "chat_notice"

    adapter: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    generation: str = ""
    channel: str
    thread_id: str | None = None
    message_id: str
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChatMessage:
    """A message to store."""

    id: str
    adapter: str
    channel: str
    thread_id: str | None
    author: str
    is_bot: bool
    body: Mapping[str, Any]
    delivery_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A stored message. `seq` is the order in which messages came; an edit keeps it."""

    seq: int
    id: str
    adapter: str
    channel: str
    thread_id: str | None
    author: str
    is_bot: bool
    body: Mapping[str, Any]
    created_at: datetime
    edited_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatChannel:
    name: str
    newest_seq: int
    """0 where nothing was said yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Where the answer of an execution stands."""

    adapter: str
    execution_id: str
    channel: str
    thread_id: str | None
    message_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePosting:
    """Where a notice stands."""

    adapter: str
    key: str
    generation: str = ""
    """Which of the messages of this key: the newest."""
    channel: str
    thread_id: str | None
    message_id: str

    @property
    def thread(self) -> str:
        """The thread in which something about it is said: the one it stands in, or its own."""
        return self.thread_id or self.message_id
