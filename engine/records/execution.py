"""Executions: the row, and the frozen value that everything else works with."""

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.callback import NewCallback
from engine.records.columns import UtcDateTime
from engine.records.tables import Table
from engine.status import FINISHED, Status

# In the context of what an agent began, by the Model Context Protocol.
ORIGIN_KEY = "origin"
# The key of the context of a workflow that failed because people said no: the inquiry.
REJECTED_KEY = "rejected_by"
AGENT = "mcp"

_counter = count(secrets.randbelow(1 << 24))
_machine = secrets.token_hex(5)


def new_id() -> str:
    """24 hexadecimal characters, like MongoDB's: seconds, a random part, a counter.

    Sorted by time down to the second, and within one process by the order of the calls.
    """
    return f"{int(time.time()):08x}{_machine}{next(_counter) & 0xFFFFFF:06x}"


class ExecutionRow(Table, table=True):
    """One execution. JSON columns are bytes made by orjson."""

    __tablename__ = "execution"
    __table_args__ = (
        # Lists come in this order: whole pages are read from the index, and counted in it. What stands behind
        # `seq` is there to be counted by.
        Index("execution_by_start", "requested_at", "seq", "user", "runner"),
        Index("execution_by_status", "status", "not_before", "seq"),
        Index("execution_by_status_and_start", "status", "requested_at", "seq", "parent_id"),
        Index("execution_by_action", "action", "requested_at", "seq", "status", "parent_id"),
        Index("execution_by_parent", "parent_id", "requested_at", "seq", "user"),
        # execution_by_trace, _by_message and _by_tag, of rows that have one, are only in the migrations: for
        # the condition of an index SQLAlchemy would load its dialects of PostgreSQL in every server.
    )

    seq: int | None = Field(default=None, primary_key=True)
    """The order of arrival; what is due at the same moment starts in this order."""
    id: str = Field(unique=True, max_length=24)
    action: str
    runner: str
    pack: str
    status: str
    user: str
    parent_id: str | None = None
    requested_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    not_before: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    delay_ms: int = 0
    attempt: int = 0
    """How often it was claimed."""
    claimed_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    parameters: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Secret values are replaced by ******** here; they stand, encrypted, in `sealed`."""
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    context: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    result: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    result_size: int = 0
    log: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Every status with its moment: [[iso, word], ...]."""
    idempotency_key: str | None = Field(default=None, unique=True)
    fingerprint: str | None = None
    """Of the request that brought the idempotency key."""
    trace_id: str | None = None
    """None: a trace of its own, which has the execution's id."""
    trace_tag: str | None = None
    message_id: str | None = None
    """The chat message that it was asked for with; None: none."""


class OutputRow(Table, table=True):
    """A piece of what an action printed."""

    __tablename__ = "execution_output"

    execution_id: str = Field(primary_key=True, max_length=24)
    seq: int = Field(primary_key=True)
    kind: str
    data: str
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution as it was when it was read. Secret parameters are masked."""

    id: str
    action: str
    runner: str
    pack: str
    status: Status
    user: str
    parameters: Mapping[str, Any]
    context: Mapping[str, Any]
    result: Any
    """None until there is one, and where the reader did not ask for it."""
    result_size: int
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    log: tuple[tuple[datetime, Status], ...]
    delay_ms: int = 0
    attempt: int = 0
    parent_id: str | None = None
    claimed_by: str | None = None

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def elapsed_s(self) -> float | None:
        """From the request to the end; None before the end."""
        return (self.ended_at - self.requested_at).total_seconds() if self.ended_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """What a caller asks for. Texts in it are data and are never rendered as templates."""

    action: str
    """The action's ref."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    user: str
    context: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the execution's context: source_channel, trace_context, parent, notify ..."""
    delay_ms: int = 0
    idempotency_key: str | None = None
    """Within 24 hours the same key of the same user answers with the first execution."""
    fingerprint: str = ""
    """Of all that was asked, where the key may come again with this request only; empty: with any."""
    secrets: tuple[str, ...] = ()
    """Values to be hidden wherever they stand in the parameters and in what the run says."""
    execution_id: str = ""
    """Made by `new_id` beforehand; empty: one is made."""
    callback: NewCallback | None = None
    """Who is told of the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a request is kept, whatever it asks for; as in ExecutionRequest."""

    idempotency_key: str | None = None
    fingerprint: str = ""
    execution_id: str = ""
    callback: NewCallback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions to list, newest first; None asks nothing of that field."""

    ids: Sequence[str] | None = None
    status: str | None = None
    action: str | None = None
    actions: Collection[str] | None = None
    """Of one of these actions."""
    runner: str | None = None
    user: str | None = None
    parent_id: str | None = None
    """An id, or the word "null": those without a parent."""
    rules: Collection[str] | None = None
    """Refs of rules, one of which began it."""
    trigger_instance: str | None = None
    trigger: str | None = None
    trigger_type: str | None = None
    after: datetime | None = None
    """Requested later than this."""
    before: datetime | None = None
    offset: int = 0
    limit: int | None = 100
    """None: all."""
    oldest_first: bool = False
    with_result: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChunk:
    """A piece of what an action printed; `seq` counts from 1 within the execution."""

    execution_id: str
    seq: int
    kind: str
    """stdout or stderr"""
    data: str
    at: datetime
