"""The gate x-freeze: times in which a rule starts nothing."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.notices import Notice
from engine.records.trigger import TriggerInstance
from engine.rules.gate import ADMITTED, Admission, anyway
from engine.specs.gates import DateWindow, FreezeSpec, WeeklyWindow
from engine.store import rule_state as store


class Freeze:
    name = "x-freeze"

    def __init__(self, spec: FreezeSpec) -> None:
        self._spec = spec
        self._zone = ZoneInfo(spec.timezone)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        spec = self._spec
        until = frozen_until(spec, now.astimezone(self._zone).replace(tzinfo=None))
        if until is None or (spec.override and store.is_lifted(connection, spec.override)):
            return ADMITTED
        end = f"{until:%Y-%m-%d %H:%M} {spec.timezone}"
        words = f"{self.name}: nothing starts until {end}."
        if spec.on_freeze == "drop":
            return Admission(admitted=False, reason=words)
        notice = Notice(
            key=f"freeze:{rule_ref}:{until:%Y%m%d%H%M}",
            channel=spec.channel,
            title=f"Held back by a freeze: {rule_ref}",
            text=f"The rule matched an event, and starts nothing until {end}.",
            tone="warning",
            fields=(("event", instance.id),),
            commands=anyway(rule_ref, instance),
        )
        return Admission(admitted=False, reason=words, notice=notice)


def frozen_until(spec: FreezeSpec, local: datetime) -> datetime | None:
    """When the windows that hold at `local` end, in the same wall clock; None when none holds.

    The hour that a clock change repeats or leaves out is judged by what the clock on the wall shows.
    """
    ends = [end for window in spec.windows if (end := _end_of(window, local)) is not None]
    return max(ends, default=None)


def _end_of(window: WeeklyWindow | DateWindow, local: datetime) -> datetime | None:
    if isinstance(window, DateWindow):
        return window.ends if window.begins <= local < window.ends else None
    # One that began yesterday may go on.
    for day in (local.date() - timedelta(days=1), local.date()):
        if day.weekday() in window.days:
            begins, ends = _on(day, window.begins), _on(day, window.ends)
            ends = ends if ends > begins else ends + timedelta(days=1)
            if begins <= local < ends:
                return ends
    return None


def _on(day: date, at: time) -> datetime:
    return datetime.combine(day, at)
