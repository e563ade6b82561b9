"""What chats have delivered: written before it is acknowledged, worked on afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class DeliveryRow(Table, table=True):
    """One delivery; the row outlives the work, so that the same delivery is known when it comes again."""

    __tablename__ = "chat_delivery"
    __table_args__ = (
        Index("chat_delivery_by_key", "adapter", "key", unique=True),
        Index("chat_delivery_by_state", "adapter", "is_handled", "seq"),
        Index("chat_delivery_by_age", "received_at"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    adapter: str
    key: str
    """The chat's own id of the delivery."""
    lane: str
    kind: str
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """JSON, sealed; gone when it is handled."""
    is_handled: bool = False
    error: str = ""
    """Why it was given up."""
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a chat delivered."""

    key: str
    """The chat's own id of the delivery: the same key is the same delivery."""
    lane: str
    """What must stay in order, usually the channel; lanes do not wait for each other."""
    kind: str
    """The adapter's own word for what it is."""
    body: Mapping[str, Any]
    """JSON; kept sealed, and only until it is handled."""
    seq: int = 0
    """Its place in the order of arrival, once it is stored."""
