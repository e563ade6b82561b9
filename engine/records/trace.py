"""A trace: everything that followed from one beginning."""

from dataclasses import dataclass
from datetime import datetime

from engine.records.execution import Execution
from engine.records.trigger import Enforcement, TriggerInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHead:
    id: str
    tag: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    head: TraceHead
    instances: tuple[TriggerInstance, ...] = ()
    enforcements: tuple[Enforcement, ...] = ()
    executions: tuple[Execution, ...] = ()
    """Without their results."""
