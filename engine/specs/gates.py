"""What may hold a rule back although its criteria hold: throttle, threshold, correlation, budget, freeze."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Literal

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleSpec:
    """`x-throttle`: of many events of one key, let few through."""

    kind: Literal["once_within", "once_after", "once_quiet", "at_most"]
    window_s: float
    limit: int = 1
    """How many may pass in a window; with at_most."""
    latest_s: float | None = None
    """With once_quiet: it fires so long after the first event although there is no quiet."""
    by: tuple[str, ...] = ()
    """JSONPaths; events with the same values there belong together. None: all do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSpec:
    """`x-threshold`: only so many events of one key within the window make the rule fire."""

    count: int
    window_s: float
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """Another event that a correlating rule waits for."""

    name: str
    trigger_type: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    criteria: Mapping[str, Any] = field(default_factory=dict)
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelateSpec:
    """`x-correlate`: the rule's own event and every part, of one key, within the window."""

    window_s: float
    by: tuple[str, ...] = ()
    parts: tuple[PartSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSpec:
    """`x-budget`: how often a remedy may be tried for one key before a person is needed."""

    limit: int
    window_s: float
    by: tuple[str, ...] = ()
    on_exceed: Literal["ask", "drop", "notify"] = "notify"
    channel: str = ""
    """Empty: the channel of the settings, `events.channel`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyWindow:
    """On these days (0 is Monday) from a wall clock time until another, which may be on the next day."""

    days: frozenset[int]
    begins: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class DateWindow:
    """From one moment to another, both in wall clock time."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeSpec:
    """`x-freeze`: times in which the rule starts nothing."""

    windows: tuple[WeeklyWindow | DateWindow, ...]
    timezone: str = "UTC"
    override: str = ""
    """Name of a datastore key in the scope system; while it is `true` nothing is frozen."""
    on_freeze: Literal["drop", "notify"] = "drop"
    channel: str = ""


GateSpec = CorrelateSpec | ThresholdSpec | FreezeSpec | ThrottleSpec | BudgetSpec
