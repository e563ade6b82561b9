"""Messages of ours on their way into chats that are not our own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# The kind of the note, in no journal, that says that there is something to send.
QUEUED = "chat.queued"

# The kind of the note, in no journal, that the answer to an execution (its subject) stands in a chat.
SAID = "chat.said"


class OutgoingState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    """The chat will never take it; `error` says why."""


class OutgoingRow(Table, table=True):
    """One message of ours: what it says now, and what the chat has of it."""

    __tablename__ = "chat_outgoing"
    __table_args__ = (
        Index("chat_outgoing_by_state", "adapter", "state", "channel", "queued_at", "seq"),
        Index("chat_outgoing_by_message", "adapter", "channel", "message_id"),
        Index("chat_outgoing_by_answer", "message_id"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=24)
    adapter: str
    key: str
    channel: str
    thread_id: str | None = None
    """The chat's own id of the message that started the thread, or the `id` of one of ours."""
    reply_to: str | None = None
    only_for: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The reply as JSON; its shape is the bot's."""
    version: int = 1
    sent_version: int = 0
    """The version that stands in the chat; 0: none does."""
    message_id: str | None = None
    """The chat's own id of the message, once it is there."""
    state: str
    error: str = ""
    queued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """Since when its newest unsent version waits; an edit of what still waits keeps its turn."""
    answers: str = ""
    """The execution whose end it tells, until it stands in the chat."""
    sent_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutgoing:
    """A message to send, or its newer version."""

    id: str
    adapter: str
    key: str
    channel: str
    thread_id: str | None
    reply_to: str | None
    only_for: str
    body: Mapping[str, Any]
    may_replace: bool
    answers: str = ""
    """The execution whose end this version tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutgoing:
    """A message as it waits, or as it was sent."""

    id: str
    adapter: str
    key: str
    channel: str
    thread_id: str | None
    reply_to: str | None
    only_for: str
    body: Mapping[str, Any]
    version: int
    sent_version: int
    message_id: str | None
    state: OutgoingState
    error: str
    queued_at: datetime
    answers: str
