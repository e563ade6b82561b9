"""Gates that wait: for the end of a window, for quiet, for other events. What they hold fires later."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.criteria.compile import Criteria, compile_criteria
from engine.records.columns import microseconds
from engine.records.rule_state import Due
from engine.records.trigger import TriggerInstance
from engine.rules.gate import ADMITTED, Admission, KeyOf, clock, compile_key, later, shown_key, span
from engine.rules.identity import Trigger, trigger_of
from engine.specs.gates import CorrelateSpec, PartSpec, ThrottleSpec
from engine.store import rule_state as store

_SECOND = 1_000_000


class Gathering:
    """once_after and once_quiet: the last event of a window fires, when the window or the noise is over."""

    name = "x-throttle"

    def __init__(self, spec: ThrottleSpec) -> None:
        self._spec = spec
        self._key_of = compile_key(spec.by)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        key = self._key_of(instance.payload)
        old = store.due(connection, rule_ref, self.name, key)
        first_at = now if old is None else old.first_at
        due = Due(
            rule_ref=rule_ref,
            gate=self.name,
            key=key,
            instance_id=instance.id,
            first_at=first_at,
            count=1 if old is None else old.count + 1,
            due_at=self._due_at(first_at, now),
        )
        if old is None:
            store.add_due(connection, due)
        else:
            store.put_off(connection, due)
        return Admission(
            admitted=False,
            reason=f"{self.name} {self._spec.kind} {span(self._spec.window_s)}{shown_key(key)}: "
            f"event {due.count}; the last one fires at {clock(due.due_at)}.",
        )

    def _due_at(self, first_at: datetime, now: datetime) -> datetime:
        if self._spec.kind == "once_after":
            return later(first_at, self._spec.window_s)
        quiet = later(now, self._spec.window_s)
        return quiet if self._spec.latest_s is None else min(quiet, later(first_at, self._spec.latest_s))


class Correlate:
    """Holds the rule's own event until every part came too, or lets it pass as the last one."""

    name = "x-correlate"

    def __init__(self, spec: CorrelateSpec) -> None:
        self._spec = spec
        self._key_of = compile_key(spec.by)
        self.parts = tuple(Part(spec, part) for part in spec.parts)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        key = self._key_of(instance.payload)
        state = _Seen(connection, rule_ref, key, self._spec)
        missing = state.missing(now)
        if not missing:
            state.use_up()
            return ADMITTED
        state.see_own(instance, now)
        return Admission(
            admitted=False,
            reason=f"{self.name}{shown_key(key)}: waits until {clock(later(now, self._spec.window_s))} "
            f"for {', '.join(missing)}.",
        )


class Part:
    """Another event that a correlating rule waits for."""

    def __init__(self, whole: CorrelateSpec, part: PartSpec) -> None:
        self._whole = whole
        self.name = part.name
        self.trigger: Trigger = trigger_of(part.trigger_type, part.parameters)
        self.criteria: Criteria = compile_criteria(
            part.criteria, path=("x-correlate", "with", part.name, "criteria")
        )
        self._key_of: KeyOf = compile_key(part.by)

    def record(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> None:
        """The event came, and its criteria hold; as the last one it makes the rule due at once."""
        key = self._key_of(instance.payload)
        state = _Seen(connection, rule_ref, key, self._whole)
        state.see_part(self.name, now)
        own = state.own(now)
        if own is None or state.missing(now):
            state.keep(now)
            return
        state.use_up()
        due = Due(
            rule_ref=rule_ref,
            gate=Correlate.name,
            # Each firing is one of its own: the next may be complete before this one is fired.
            key=own,
            instance_id=own,
            first_at=now,
            count=1 + len(self._whole.parts),
            due_at=now,
        )
        store.add_due(connection, due)


class _Seen:
    """Which events of one key came within the window."""

    def __init__(self, connection: Connection, rule_ref: str, key: str, spec: CorrelateSpec) -> None:
        self._connection = connection
        self._place = (rule_ref, Correlate.name, key)
        self._spec = spec
        found = store.remembered(connection, *self._place)
        self._is_new = found is None
        self._data: dict[str, Any] = found or {"own": None, "parts": {}}

    def _is_recent(self, at: int | None, now: datetime) -> bool:
        return at is not None and at > microseconds(now) - round(self._spec.window_s * _SECOND)

    def missing(self, now: datetime) -> list[str]:
        seen = self._data["parts"]
        return [part.name for part in self._spec.parts if not self._is_recent(seen.get(part.name), now)]

    def own(self, now: datetime) -> str | None:
        """The id of the rule's own event."""
        own = self._data["own"]
        return own["id"] if own and self._is_recent(own["at"], now) else None

    def see_own(self, instance: TriggerInstance, now: datetime) -> None:
        self._data["own"] = {"id": instance.id, "at": microseconds(now)}
        self.keep(now)

    def see_part(self, name: str, now: datetime) -> None:
        self._data["parts"][name] = microseconds(now)

    def keep(self, now: datetime) -> None:
        store.remember(
            self._connection,
            self._place,
            self._data,
            expires_at=later(now, self._spec.window_s),
            now=now,
            is_new=self._is_new,
        )

    def use_up(self) -> None:
        if not self._is_new:
            store.forget(self._connection, self._place)
