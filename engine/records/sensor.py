"""How a sensor is, and which server runs it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from engine.records.tables import Table


class SensorState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It failed, and will be started again."""
    STOPPED = "stopped"
    """By hand, until it is started or the server is."""
    ENDED = "ended"
    """Its run() returned: it wanted to end."""
    DISABLED = "disabled"
    IDLE = "idle"
    """All its trigger types have parameters, and no rule asks for any."""
    ELSEWHERE = "elsewhere"
    """Another server runs it."""


class SensorLeaseRow(Table, table=True):
    """The server that runs a sensor; only where several share a database."""

    __tablename__ = "sensor_lease"

    ref: str = Field(primary_key=True)
    server: str
    # Seconds since 1970 by the database's own clock: servers need not agree on the time.
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorHealth:
    """One sensor (of several instances of a class: one instance), as this server sees it."""

    ref: str
    """pack.ClassName, or pack.ClassName.instance"""
    sensor_type: str
    """pack.ClassName"""
    instance: str = ""
    pack: str
    description: str = ""
    state: SensorState
    pid: int | None = None
    started_at: datetime | None = None
    """Of the process that runs; None without one."""
    last_event_at: datetime | None = None
    events: int = 0
    """Committed ones, since the server started."""
    refused: int = 0
    """What it dispatched that no trigger type allows."""
    restarts: int = 0
    failures: int = 0
    """In a row, without a good run between them."""
    last_error: str = ""
    last_error_at: datetime | None = None
    next_start_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorLine:
    """One line of a sensor's log; `level` is one of logging's names, in lower case."""

    at: datetime
    level: str
    text: str
