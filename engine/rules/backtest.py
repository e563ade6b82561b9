"""What a rule would have done with the events that are recorded; its gates are asked as if it were then."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.criteria.compile import Criteria, Verdict
from engine.expressions.masking import ValueMasker, secrets_by_schema
from engine.records.rule_state import Due
from engine.records.trigger import InstanceFilter, TriggerInstance
from engine.rules.gate import Gate
from engine.rules.gates import gates_after, gates_for
from engine.rules.history import TriggerHistory
from engine.rules.table import CompiledRule, RuleTable
from engine.rules.waiting import Correlate, Gathering, Part
from engine.specs.gates import FreezeSpec
from engine.store import rule_state
from engine.store.scratch import scratch

EVENTS_LIMIT = 20_000
_PAGE = 200
_SHOWN = 1_000

Judge = Callable[[CompiledRule, Any, Criteria | None], Verdict]
Reveal = Callable[[TriggerInstance], TriggerInstance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """Once that the rule would have started its actions."""

    instance_id: str
    at: datetime
    is_late: bool = False
    """It would have fired at the end of a window, or when the last event it waits for had come."""


@dataclass(slots=True, kw_only=True)
class Backtest:
    rule_ref: str
    since: datetime
    until: datetime
    events: int = 0
    """On the rule's own trigger."""
    matched: int = 0
    """Of those, how many the criteria let pass."""
    fired: list[Fire] = field(default_factory=list)
    """The first 1,000; `fires` counts all."""
    fires: int = 0
    held: Counter[str] = field(default_factory=Counter)
    """Gate -> how many events it held."""
    errors: Counter[str] = field(default_factory=Counter)
    """Why criteria could not be answered -> how often."""
    is_cut: bool = False
    """There are more events than were looked at."""
    caveats: tuple[str, ...] = ()
    """Where the past cannot be replayed."""


class Backtester:
    """`judge(rule, payload, criteria)`: criteria None means the rule's own."""

    def __init__(self, history: TriggerHistory, judge: Judge, *, revealed: Reveal) -> None:
        """`revealed(instance)`: with its payload in clear."""
        self._history = history
        self._revealed = revealed
        self._judge = judge

    def run(self, rule: CompiledRule, table: RuleTable, *, since: datetime, until: datetime) -> Backtest:
        """Over the events between two moments. Changes nothing."""
        report = Backtest(rule_ref=rule.spec.ref, since=since, until=until, caveats=_caveats(rule))
        gates = _replayable(rule)
        parts = [part for gate in gates if isinstance(gate, Correlate) for part in gate.parts]
        with scratch() as connection:
            replay = _Replay(connection, rule, gates, report)
            for count, instance in enumerate(self._events(rule, parts, since=since, until=until)):
                if count >= EVENTS_LIMIT:
                    report.is_cut = True
                    break
                replay.advance(instance.occurred_at)
                self._one(replay, parts, instance, table)
            replay.advance(until)
        return report

    def _one(
        self, replay: "_Replay", parts: Sequence[Part], instance: TriggerInstance, table: RuleTable
    ) -> None:
        rule, report = replay.rule, replay.report
        for part in parts:
            if part.trigger.ref == instance.trigger and (
                self._judge(rule, instance.payload, part.criteria).matched
            ):
                replay.note(part, instance)
        if instance.trigger != rule.trigger.ref:
            return
        report.events += 1
        verdict = self._judge(rule, instance.payload, None)
        if verdict.error:
            schema = table.secret_schema(instance.trigger_type)
            masker = ValueMasker(secrets_by_schema(instance.payload, schema))
            report.errors[masker.text(verdict.error)] += 1
        if not verdict.matched or (rule.is_backstop and self._is_taken(rule, instance, table)):
            return
        report.matched += 1
        replay.ask(instance)

    def _is_taken(self, rule: CompiledRule, instance: TriggerInstance, table: RuleTable) -> bool:
        return any(
            self._judge(other, instance.payload, None).matched
            for other in table.standard(instance.trigger)
            if other.spec.ref != rule.spec.ref
        )

    def _events(
        self, rule: CompiledRule, parts: Sequence[Part], *, since: datetime, until: datetime
    ) -> Iterator[TriggerInstance]:
        refs = dict.fromkeys([rule.trigger.ref, *(part.trigger.ref for part in parts)])
        streams = [self._of_trigger(ref, since=since, until=until) for ref in refs]
        return heapq.merge(*streams, key=lambda instance: instance.occurred_at)

    def _of_trigger(self, ref: str, *, since: datetime, until: datetime) -> Iterator[TriggerInstance]:
        offset = 0
        while True:
            wanted = InstanceFilter(
                trigger=ref, after=since, before=until, offset=offset, limit=_PAGE, oldest_first=True
            )
            found, _ = self._history.instances(wanted)
            yield from map(self._revealed, found)
            if len(found) < _PAGE:
                return
            offset += _PAGE


class _Replay:
    """The rule's gates on a database in memory, with a clock that follows the events."""

    def __init__(
        self, connection: Connection, rule: CompiledRule, gates: tuple[Gate, ...], report: Backtest
    ) -> None:
        self.rule = rule
        self.report = report
        self._connection = connection
        self._gates = gates
        self._now = report.since
        self._waits = any(isinstance(gate, Correlate | Gathering) for gate in gates)
        self._waiting: dict[str, TriggerInstance] = {}

    def advance(self, to: datetime) -> None:
        """Fire what is due until then."""
        while (due := rule_state.first_due(self._connection)) is not None and due.due_at <= to:
            rule_state.take_due(self._connection, due)
            self._now = max(self._now, due.due_at)
            self._fire_late(due)
        # Sources may tell times of their own, and not in order.
        self._now = max(self._now, to)

    def note(self, part: Part, instance: TriggerInstance) -> None:
        part.record(self._connection, rule_ref=self.rule.spec.ref, instance=instance, now=self._now)
        self.advance(self._now)

    def ask(self, instance: TriggerInstance) -> None:
        if self._waits:
            self._waiting[instance.id] = instance
        if self._pass(self._gates, instance):
            self._fire(instance.id)

    def _fire_late(self, due: Due) -> None:
        instance = self._waiting.get(due.instance_id)
        if instance is not None and self._pass(gates_after(self._gates, due.gate), instance):
            self._fire(instance.id, is_late=True)

    def _pass(self, gates: Sequence[Gate], instance: TriggerInstance) -> bool:
        for gate in gates:
            asked = gate.admit(
                self._connection, rule_ref=self.rule.spec.ref, instance=instance, now=self._now
            )
            if not asked.admitted:
                self.report.held[gate.name] += 1
                return False
        return True

    def _fire(self, instance_id: str, *, is_late: bool = False) -> None:
        self.report.fires += 1
        if len(self.report.fired) < _SHOWN:
            self.report.fired.append(Fire(instance_id=instance_id, at=self._now, is_late=is_late))


def _replayable(rule: CompiledRule) -> tuple[Gate, ...]:
    """Its gates, without what looks into today's datastore."""
    specs = tuple(
        replace(spec, override="") if isinstance(spec, FreezeSpec) else spec for spec in rule.spec.gates
    )
    return gates_for(rule.spec.model_copy(update={"gates": specs}))


def _caveats(rule: CompiledRule) -> tuple[str, ...]:
    spec = rule.spec
    written = repr([spec.criteria, spec.extensions.get("x-match"), spec.extensions.get("x-correlate")])
    found = []
    if "system" in written or "st2kv" in written:
        found.append("Criteria that look into the datastore were answered with today's values.")
    if "td_" in written or "timediff_" in written:
        found.append("td_lt, td_gt and timediff_* count from now, not from the time of the event.")
    if any(isinstance(gate, FreezeSpec) and gate.override for gate in spec.gates):
        found.append("The override of x-freeze was taken as never set.")
    if rule.is_backstop:
        found.append("Whether another rule matched was answered with today's rules.")
    if spec.gates:
        found.append("What its gates had counted before the first event is not known.")
    return tuple(found)
