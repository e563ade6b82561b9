"""Timers of enabled rules: when each fires next. These rows are the truth, the thread is only a clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class TimerRow(Table, table=True):
    __tablename__ = "timer"
    __table_args__ = (Index("timer_by_next", "next_fire_at"),)

    trigger: str = Field(primary_key=True)
    """Ref of the trigger: the type and its parameters."""
    trigger_type: str
    parameters: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    misfire: str
    anchor_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """Where an interval began: its phase."""
    next_fire_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """None: never again, or as long as no enabled rule wants it."""
    last_fire_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """The newest time that was acted on."""
    moved_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """What the clock showed when `next_fire_at` was found."""
    resting_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """Since when no enabled rule wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerState:
    trigger: str
    trigger_type: str
    parameters: Mapping[str, Any]
    misfire: str
    anchor_at: datetime
    next_fire_at: datetime | None
    last_fire_at: datetime | None
    moved_at: datetime
    resting_since: datetime | None
