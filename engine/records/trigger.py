"""Trigger instances: the events that came in, and what each rule made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# The kind of the note, in no journal, that a rule was enforced, its subject; its data: {"status": word,
# "number": which of its actions, "was_held": whether a gate held it back until now,
# "instance": the id of the event}.
ENFORCED = "rule.enforced"
# The source of events that the engine's own doing fires.
ENGINE = "engine"


class InstanceStatus(StrEnum):
    """StackStorm's words. An event is evaluated before it is stored, so that ours are stored processed."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"
    PROCESSING_FAILED = "processing_failed"


class EnforcementStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    # Ours: the criteria held, and a throttle, threshold, budget or freeze let nothing start.
    HELD = "held"


class TriggerInstanceRow(Table, table=True):
    __tablename__ = "trigger_instance"
    __table_args__ = (
        Index("trigger_instance_by_trigger", "trigger", "seq"),
        Index("trigger_instance_by_type", "trigger_type", "seq"),
        Index("trigger_instance_by_time", "occurred_at", "seq"),
        Index("trigger_instance_by_trace", "trace_id"),
        Index("trigger_instance_by_tag", "trace_tag"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=24)
    trigger: str
    """Ref of the trigger: the type and its parameters."""
    trigger_type: str
    parameters: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status: str
    reason: str = ""
    """Why its processing failed."""
    source: str = ""
    user: str = ""
    trace_id: str
    trace_tag: str
    depth: int = 0
    dedupe_key: str | None = Field(default=None, unique=True)
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """The payload in clear, where `payload` has ******** for what its type calls secret."""


class EnforcementRow(Table, table=True):
    __tablename__ = "rule_enforcement"
    __table_args__ = (
        UniqueConstraint("instance_id", "rule_ref", "number"),
        Index("rule_enforcement_by_rule", "rule_ref", "seq"),
        Index("rule_enforcement_by_execution", "execution_id"),
        Index("rule_enforcement_by_time", "enforced_at", "seq"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=24)
    instance_id: str = Field(max_length=24)
    rule_ref: str
    number: int = 0
    execution_id: str | None = None
    status: str
    failure_reason: str = ""
    enforced_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a source hands in. Texts in the payload are data and are never rendered as templates."""

    trigger: str
    """Ref of a trigger type, or of one trigger."""
    payload: Any
    """A JSON value, nearly always an object."""
    parameters: Mapping[str, Any] | None = None
    """For types with parameters: the trigger with exactly these, e.g. {"url": "github"}."""
    source: str = ""
    """sensor:linux.FileWatchSensor, webhook:github, timer:..., api, engine"""
    user: str = ""
    trace_tag: str = ""
    trace_id: str = ""
    """Joins a trace; empty: a new one."""
    dedupe_key: str = ""
    """Within 24 hours the same key of the same source answers with the first instance."""
    occurred_at: datetime | None = None
    depth: int = 0
    """How many rules lie behind it."""
    traceparent: str = ""
    """Of the span that it follows from, where traces are on; see engine/tracing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenPayload:
    """What of a payload with secrets is stored."""

    shown: Any
    """With ******** for what the trigger's type calls secret."""
    sealed: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerInstance:
    """An event. Read from the database, what its type calls secret is ******** in the payload."""

    id: str
    trigger: str
    trigger_type: str
    parameters: Mapping[str, Any]
    payload: Any
    occurred_at: datetime
    status: InstanceStatus
    reason: str
    source: str
    user: str
    trace_id: str
    trace_tag: str
    depth: int = 0
    hidden: HiddenPayload | None = None
    """For an event with secrets that is not written yet; `payload` is in clear then."""
    sealed: bytes | None = None
    """Of one that was read: the payload in clear, for the vault."""
    traceparent: str = ""
    """Of one that is not written yet, as in Event; it stands in the journal only."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen of the payload."""
        return self.hidden.secrets if self.hidden is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What became of one action of a rule for one event."""

    id: str
    instance_id: str
    rule_ref: str
    number: int = 0
    """Which of the rule's actions, from 0."""
    execution_id: str | None
    status: EnforcementStatus
    failure_reason: str = ""
    enforced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """An event that was committed, with everything that followed from it at once."""

    instance: TriggerInstance
    is_duplicate: bool = False
    """True: this is the first instance of the same key, and nothing new happened."""
    enforcements: tuple[Enforcement, ...] = ()
    then: tuple["Emitted", ...] = ()
    """What was said along with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """Which instances to list, newest first; None asks nothing of that field."""

    ids: tuple[str, ...] | None = None
    trigger: str | None = None
    trigger_type: str | None = None
    status: str | None = None
    trace_id: str | None = None
    source: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    offset: int = 0
    limit: int | None = 100
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementFilter:
    """Which enforcements to list; None asks nothing of that field."""

    ids: tuple[str, ...] | None = None
    rule_ref: str | None = None
    instance_id: str | None = None
    execution_id: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    offset: int = 0
    limit: int | None = 50
    oldest_first: bool = False
