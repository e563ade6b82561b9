"""Gates that count: at most so many in a window, at least so many in a window, and the budget."""

from datetime import datetime

from sqlalchemy import Connection

from engine.notices import Notice
from engine.records.columns import microseconds, moment
from engine.records.trigger import TriggerInstance
from engine.rules.gate import ADMITTED, Admission, anyway, clock, compile_key, later, shown_key, span
from engine.specs.gates import BudgetSpec, ThresholdSpec, ThrottleSpec
from engine.store import rule_state as store

_SECOND = 1_000_000


class _Log:
    """The moments that count for one key, the oldest first; none is older than the window."""

    def __init__(self, connection: Connection, place: tuple[str, str, str], window_s: float) -> None:
        self._connection = connection
        self._place = place
        self._window_s = window_s
        found = store.remembered(connection, *place)
        self._is_new = found is None
        self.held = int((found or {}).get("held", 0))
        self._at: list[int] = list((found or {}).get("at", ()))

    def recent(self, now: datetime) -> list[int]:
        oldest = microseconds(now) - round(self._window_s * _SECOND)
        return [at for at in self._at if at > oldest]

    def keep(self, at: list[int], *, now: datetime, held: int = 0) -> None:
        data = {"at": at, "held": held} if held else {"at": at}
        store.remember(
            self._connection,
            self._place,
            data,
            expires_at=later(now, self._window_s),
            now=now,
            is_new=self._is_new,
        )

    def clear(self) -> None:
        if not self._is_new:
            store.forget(self._connection, self._place)


class Throttle:
    """once_within and at_most: the first ones of a window pass, the others are held."""

    name = "x-throttle"

    def __init__(self, spec: ThrottleSpec) -> None:
        self._spec = spec
        self._key_of = compile_key(spec.by)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        key = self._key_of(instance.payload)
        log = _Log(connection, (rule_ref, self.name, key), self._spec.window_s)
        recent = log.recent(now)
        if len(recent) < self._spec.limit:
            log.keep([*recent, microseconds(now)], now=now)
            return ADMITTED
        again = later(moment(recent[-self._spec.limit]), self._spec.window_s)
        return Admission(
            admitted=False,
            reason=f"{self.name} {self._words()}{shown_key(key)}: the next one may pass at {clock(again)}.",
        )

    def _words(self) -> str:
        if self._spec.kind == "once_within":
            return f"once_within {span(self._spec.window_s)}"
        return f"at_most {self._spec.limit} within {span(self._spec.window_s)}"


class Threshold:
    """Holds events until so many came within the window; those are then used up."""

    name = "x-threshold"

    def __init__(self, spec: ThresholdSpec) -> None:
        self._spec = spec
        self._key_of = compile_key(spec.by)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        key = self._key_of(instance.payload)
        log = _Log(connection, (rule_ref, self.name, key), self._spec.window_s)
        counted = [*log.recent(now), microseconds(now)]
        if len(counted) >= self._spec.count:
            log.clear()
            return ADMITTED
        log.keep(counted, now=now)
        return Admission(
            admitted=False,
            reason=f"{self.name}{shown_key(key)}: event {len(counted)} of {self._spec.count} "
            f"within {span(self._spec.window_s)}.",
        )


class Budget:
    """So many attempts for one key; then somebody is told, or asked, or nobody."""

    name = "x-budget"

    def __init__(self, spec: BudgetSpec) -> None:
        self._spec = spec
        self._key_of = compile_key(spec.by)

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        spec = self._spec
        key = self._key_of(instance.payload)
        log = _Log(connection, (rule_ref, self.name, key), spec.window_s)
        recent = log.recent(now)
        if len(recent) < spec.limit:
            log.keep([*recent, microseconds(now)], now=now)
            return ADMITTED
        again = later(moment(recent[-spec.limit]), spec.window_s)
        words = (
            f"{self.name}{shown_key(key)}: {spec.limit} times within {span(spec.window_s)} are used up; "
            f"the next one may run at {clock(again)}."
        )
        if spec.on_exceed == "drop":
            return Admission(admitted=False, reason=words)
        held = log.held + 1
        log.keep(recent, now=now, held=held)
        notice = Notice(
            # One message for each time that the budget runs out, edited while it stays so.
            key=f"budget:{rule_ref}:{key}:{recent[-spec.limit]}",
            channel=spec.channel,
            title=f"Remediation budget used up: {rule_ref}",
            text=f"It ran {spec.limit} times within {span(spec.window_s)} and was not started again. "
            f"The next one may run at {clock(again)}.",
            tone="warning",
            fields=(("key", key), ("held back", str(held)), ("event", instance.id)),
            commands=anyway(rule_ref, instance) if spec.on_exceed == "ask" else (),
        )
        return Admission(admitted=False, reason=words, notice=notice)
