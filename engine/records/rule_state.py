"""What the gates of rules remember, and which rules are due to fire later."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class RuleStateRow(Table, table=True):
    """The memory of one gate of one rule for one key."""

    __tablename__ = "rule_state"
    __table_args__ = (Index("rule_state_by_end", "expires_at"),)

    rule_ref: str = Field(primary_key=True)
    gate: str = Field(primary_key=True)
    """x-throttle ..."""
    key: str = Field(primary_key=True)
    """The values of the key, or the hash of long ones."""
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """From then on it says nothing any more."""


class RuleDueRow(Table, table=True):
    """A rule that will fire on an event that came earlier."""

    __tablename__ = "rule_due"
    __table_args__ = (Index("rule_due_by_time", "due_at"),)

    rule_ref: str = Field(primary_key=True)
    gate: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    instance_id: str
    """The event that it fires on."""
    first_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    count: int = 1
    """How many events stand behind it."""
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    rule_ref: str
    gate: str
    key: str
    instance_id: str
    first_at: datetime
    count: int
    due_at: datetime
