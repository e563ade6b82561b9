"""The audit: every act of a person, rule or client, each row chained to the one before it by its hash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# What stands before the first act.
GENESIS = bytes(32)
# How a rule came in, which acts for whoever it was made for.
BY_RULE = "rule"


class AuditRow(Table, table=True):
    """Never changed; the database itself refuses that, and to remove what the anchor does not cover."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_kind", "kind", "number"),
        Index("audit_by_user", "user", "number"),
        Index("audit_by_trace", "trace_id"),
        Index("audit_by_object", "object", "number"),
        # audit_by_request is only in the migrations: its condition would load dialects, as in executions.
    )

    number: int = Field(primary_key=True)
    """Counts from 1 without a gap."""
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    kind: str
    object: str
    user: str
    via: str
    key_id: str
    account: str
    address: str
    request_id: str
    reason: str
    approved_by: str
    execution_id: str
    trace_id: str
    details: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """A JSON object, its names in order."""
    before: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The hash of the row before this one."""
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditHeadRow(Table, table=True):
    """One row: the newest act, and the newest of those that were removed."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True)
    number: int
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    anchor_number: int
    """0: nothing was removed."""
    anchor_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is behind what happens now, and how they came in."""

    user: str = ""
    """Empty: nobody, the server does it by itself."""
    via: str = ""
    """API key, authentication token, or the name of a chat."""
    key_id: str = ""
    account: str = ""
    """In a chat: its own ids, slack.T1.U7."""
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that somebody did. Texts hold no secrets: whoever makes it has masked them."""

    kind: str
    """execution.requested, key.set, ...; all are in docs/reference/audit.md"""
    object: str
    """What it was done to: an id, a ref, a name."""
    user: str = ""
    """Empty: the actor of the transaction's job."""
    via: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    approved_by: tuple[str, ...] = ()
    execution_id: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row as it is read."""

    number: int
    at: datetime
    kind: str
    object: str
    user: str
    via: str
    key_id: str
    account: str
    address: str
    request_id: str
    reason: str
    approved_by: str
    """Users, with commas between them."""
    execution_id: str
    trace_id: str
    details: bytes
    before: bytes
    hash: bytes

    @property
    def facts(self) -> Mapping[str, Any]:
        """The details read; where somebody has made no object of them, what stands there as `text`."""
        try:
            found = orjson.loads(self.details)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"text": self.details.decode(errors="replace")}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    number: int
    hash: bytes
    anchor_number: int
    anchor_hash: bytes
    newest: int
    """The highest number of an act that is there, of the same moment: the head's, or somebody was at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which acts; what is empty or None asks nothing."""

    kinds: tuple[str, ...] = ()
    """Each a kind, a family of them (execution), or the beginning of some with a star: execution.re*"""
    user: str = ""
    object: str = ""
    trace_id: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_everything(self) -> bool:
        return self == AuditFilter()
