"""What makes a chat comfortable: what a thread is about, offers that are taken once, defaults of channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

OfferKind = Literal["fix", "edit", "form"]


class TrailRow(Table, table=True):
    """An execution that a thread is about."""

    __tablename__ = "chat_trail"
    __table_args__ = (
        Index("chat_trail_by_execution", "adapter", "execution_id", unique=True),
        Index("chat_trail_by_thread", "adapter", "thread_id", "seq"),
        Index("chat_trail_by_person", "adapter", "channel", "person", "seq"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    adapter: str
    channel: str
    thread_id: str
    person: str
    """The engine's user who started it."""
    execution_id: str = Field(max_length=24)


class OfferRow(Table, table=True):
    """A command that is run when somebody says yes to it, or fills in what is missing; once."""

    __tablename__ = "chat_offer"
    __table_args__ = (
        Index("chat_offer_by_person", "adapter", "channel", "person", "seq"),
        Index("chat_offer_by_age", "made_at"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=24)
    adapter: str
    channel: str
    person: str
    """The account to whom it was made."""
    kind: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Sealed: what somebody wrote may hold a secret."""
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    taken_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    taken_by: str = ""
    """The name of who took it."""
    taken_with: str = ""
    """The delivery that took it: the same one again is no second taking."""


class ChannelDefaultRow(Table, table=True):
    """A parameter that commands of a channel have without naming it."""

    __tablename__ = "chat_default"

    adapter: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str
    set_by: str
    set_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """That an execution belongs to a thread."""

    adapter: str
    channel: str
    thread: str
    person: str
    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    id: str
    """24 hexadecimal characters; the same for the same message."""
    adapter: str
    channel: str
    person: str
    kind: OfferKind
    body: Mapping[str, Any]
    """JSON; its shape is the bot's."""
    made_at: datetime
    taken_by: str = ""
    """Empty: nobody has taken it."""
    taken_with: str = ""

    @property
    def is_taken(self) -> bool:
        return bool(self.taken_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDefault:
    name: str
    value: str
    set_by: str
    set_at: datetime
