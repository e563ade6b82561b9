"""What policies remember of executions: who holds a place, who waits for one, who started when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class EntryState(StrEnum):
    WAITS = "waits"
    """In the line; the execution is `delayed`."""
    HOLDS = "holds"
    """Has its place: of concurrency until it ends, of a rate until it starts."""
    SPENT = "spent"
    """Of a rate: it has started, and counts until its window is over."""


class PolicyEntryRow(Table, table=True):
    """One execution under one policy."""

    __tablename__ = "policy_entry"
    __table_args__ = (
        Index("policy_entry_by_line", "policy", "key", "state", "not_before", "seq"),
        Index("policy_entry_by_time", "state", "until"),
    )

    execution_id: str = Field(primary_key=True, max_length=24)
    policy: str = Field(primary_key=True)
    key: str
    """Which executions are counted together: a keyed digest, since values may be secret; or empty."""
    state: str
    not_before: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    seq: int
    """With `not_before` the execution's own: the order of arrival."""
    until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """Of the first that waits for a rate: when it may start. Of one that is spent: until when it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    execution_id: str
    policy: str
    key: str
    state: EntryState
    not_before: datetime
    seq: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceInLine:
    """Where a delayed execution waits."""

    policy: str
    position: int
    """From 1."""
    waiting: int
    """How many wait there in all."""
    behind: tuple[str, ...]
    """Executions that have the places, the oldest first; at most five."""
    until: datetime | None
    """When it may start, where that is known: for the first one that waits for a rate."""
