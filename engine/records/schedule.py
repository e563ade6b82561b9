"""Schedules: commands that people want at a time. When is said by the rule; what and for whom, here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class ScheduleRow(Table, table=True):
    """The newest is kept for ever, so that its number is never given again."""

    __tablename__ = "schedule"
    __table_args__ = (Index("schedule_by_end", "ended_at", "number"),)

    number: int | None = Field(default=None, primary_key=True)
    user: str
    """Whom it runs as."""
    chat_user: str
    text: str
    """Its time, as it was understood."""
    zone: str
    command: str
    """What is said in the chat; empty: an action."""
    action: str
    parameters: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    context: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Goes into the context of each execution: where its answer is posted."""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    outcome: str = ""
    """done, missed or cancelled, once it is over."""
    ended_by: str = ""
    delivery_key: str | None = Field(default=None, unique=True)
    """The same key of the same user is the same schedule."""
    last_execution_id: str | None = None
    last_due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    number: int = 0
    """Given when it is stored."""
    user: str
    chat_user: str = ""
    text: str
    zone: str
    command: str = ""
    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    ended_by: str = ""
    delivery_key: str | None = None
    last_execution_id: str | None = None
    last_due_at: datetime | None = None
    last_failure: str = ""

    @property
    def rule_ref(self) -> str:
        return f"default.schedule-{self.number}"
