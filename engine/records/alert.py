"""Alerts: what a monitoring system says, in one shape, and the board that remembers them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class AlertStatus(StrEnum):
    FIRING = "firing"
    ACKED = "acked"
    RESOLVED = "resolved"


class Severity(StrEnum):
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as its source tells it; the payload of the trigger `alerts.alert`."""

    source: str
    """The monitoring system: alertmanager, grafana ..."""
    fingerprint: str
    """The same trouble has the same fingerprint, within its source."""
    status: AlertStatus = AlertStatus.FIRING
    severity: Severity = Severity.ERROR
    title: str
    text: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    """By what they lead to: source, dashboard, runbook, silence."""
    group: str = ""
    value: str = ""
    started_at: str = ""
    """As the source wrote it; empty when it says nothing."""
    ended_at: str = ""
    by: str = ""
    """Who acknowledged or resolved it there."""
    channel: str = ""
    """Where the hook wants it shown; empty: the routes decide."""
    hook: str = ""

    def payload(self) -> dict[str, Any]:
        return asdict(self)


def alert_of(payload: Mapping[str, Any]) -> Alert:
    """An alert from the payload of a trigger instance, which its type's schema has checked."""
    known = {name: payload[name] for name in Alert.__slots__ if payload.get(name) is not None}
    if "status" in known:
        known["status"] = AlertStatus(known["status"])
    if "severity" in known:
        known["severity"] = Severity(known["severity"])
    return Alert(**known)


class AlertRow(Table, table=True):
    """One episode of an alert: from its first firing until some time after it was resolved."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_by_fingerprint", "source", "fingerprint", "seq"),
        Index("alert_by_status", "status", "seq"),
        Index("alert_by_channel", "channel", "first_seen_at"),
        Index("alert_by_digest", "digest"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=24)
    """That of the trigger instance that began it."""
    source: str
    fingerprint: str
    status: str
    severity: str
    channel: str
    digest: str = ""
    """The storm that it is told with; empty: it has a message of its own."""
    count: int = 1
    first_seen_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    last_seen_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    resolved_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    silenced_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    silenced_by: str = ""
    acked_by: str = ""
    resolved_by: str = ""
    alert: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The newest word of the source, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An alert as the board has it."""

    id: str
    alert: Alert
    status: AlertStatus
    channel: str
    digest: str = ""
    count: int = 1
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None = None
    silenced_until: datetime | None = None
    silenced_by: str = ""
    acked_by: str = ""
    resolved_by: str = ""

    @property
    def is_open(self) -> bool:
        return self.status is not AlertStatus.RESOLVED

    def is_silenced(self, now: datetime) -> bool:
        return self.silenced_until is not None and self.silenced_until > now
