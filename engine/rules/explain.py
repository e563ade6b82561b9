"""Why rules did or did not fire on an event: every criterion with the value it met, secrets hidden."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.content.registry import Registry
from engine.criteria.compile import Verdict
from engine.criteria.nodes import Outcome
from engine.errors import BadContent, NotFound
from engine.expressions.masking import ValueMasker, leaves, secrets_by_schema
from engine.records.trigger import (
    Enforcement,
    EnforcementFilter,
    EnforcementStatus,
    InstanceFilter,
    TriggerInstance,
)
from engine.rules.evaluate import RuleEngine
from engine.rules.history import TriggerHistory
from engine.rules.table import CompiledRule
from engine.rules.waiting import Part
from engine.specs.rule import RuleSpec
from engine.yaml_reader import line_of, read_file

# What is called so in a payload is a secret, whatever its type's schema says.
_SECRET_NAME = re.compile(
    r"authorization|cookie|password|passwd|secret|token|signature|api[-_]?key|private[-_]?key", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One criterion, or a group of them."""

    outcome: Outcome
    """Without parts; those are `parts`."""
    where: str = ""
    """file:line; empty where the rule has no file."""
    parts: tuple["Explained", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """One rule on one event."""

    rule: RuleSpec
    conclusion: str
    """fired, held, failed, noted (a part of x-correlate), no match, not asked"""
    reason: str = ""
    matched: bool
    """As the criteria are now."""
    criteria: tuple[Explained, ...] = ()
    enforcements: tuple[Enforcement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    instance: TriggerInstance
    """Secrets in the payload are hidden."""
    reports: tuple[RuleReport, ...]
    elsewhere: tuple[str, ...] = ()
    """Rules on the same type of trigger with other parameters."""
    gone: tuple[Enforcement, ...] = ()
    """Of rules that are not there any more."""


class RuleExplainer:
    """Files below `root` are shown by their path from there."""

    def __init__(self, rules: RuleEngine, history: TriggerHistory, *, root: Path) -> None:
        self._rules = rules
        self._history = history
        self._root = root

    def explain(self, instance_id: str, registry: Registry) -> Explanation:
        """Of a stored event, fired or not; `last` is the newest. Raises NotFound."""
        instance = self._rules.revealed(self._instance(instance_id))
        found, _ = self._history.enforcements(EnforcementFilter(instance_id=instance.id, limit=None))
        made: dict[str, list[Enforcement]] = {}
        for enforcement in sorted(found, key=lambda one: one.number):
            made.setdefault(enforcement.rule_ref, []).append(enforcement)
        kind = registry.trigger_types.get(instance.trigger_type)
        masker = masker_for(instance.payload, kind.payload_schema if kind else {})
        table = self._rules.table
        others = [rule for rule in table.rules.values() if rule.trigger.type_ref == instance.trigger_type]
        ours = [rule for rule in others if rule.trigger.ref == instance.trigger or rule.spec.ref in made]
        reports = [
            self._report(rule, instance, tuple(made.get(rule.spec.ref, ())), registry, masker)
            for rule in ours
        ]
        reports += [
            self._part(rule, part, instance, registry, masker)
            for rule, part in table.watching(instance.trigger)
        ]
        return Explanation(
            instance=replace(instance, payload=masker.value(instance.payload)),
            reports=tuple(sorted(reports, key=lambda report: (not report.enforcements, report.rule.ref))),
            elsewhere=tuple(rule.spec.ref for rule in others if rule not in ours),
            gone=tuple(one for ref, group in made.items() if ref not in table.rules for one in group),
        )

    def _instance(self, wanted: str) -> TriggerInstance:
        if wanted != "last":
            return self._history.instance(wanted)
        found, _ = self._history.instances(InstanceFilter(limit=1))
        if not found:
            raise NotFound("No event has come yet.")
        return found[0]

    def _report(
        self,
        rule: CompiledRule,
        instance: TriggerInstance,
        enforcements: tuple[Enforcement, ...],
        registry: Registry,
        masker: ValueMasker,
    ) -> RuleReport:
        verdict = self._rules.verdict(rule, instance.payload, explain=True)
        conclusion, reason = _conclusion(rule, verdict, instance, enforcements)
        return RuleReport(
            rule=rule.spec,
            conclusion=conclusion,
            reason=masker.text(reason),
            matched=verdict.matched,
            criteria=self._explained(rule, verdict, registry, masker),
            enforcements=enforcements,
        )

    def _part(
        self,
        rule: CompiledRule,
        part: Part,
        instance: TriggerInstance,
        registry: Registry,
        masker: ValueMasker,
    ) -> RuleReport:
        verdict = self._rules.verdict(rule, instance.payload, criteria=part.criteria, explain=True)
        return RuleReport(
            rule=rule.spec,
            conclusion="noted" if verdict.matched else "no match",
            reason=masker.text(verdict.error) or f"x-correlate waits for such an event as {part.name}.",
            matched=verdict.matched,
            criteria=self._explained(rule, verdict, registry, masker),
        )

    def _explained(
        self, rule: CompiledRule, verdict: Verdict, registry: Registry, masker: ValueMasker
    ) -> tuple[Explained, ...]:
        file = rule_file(rule.spec, registry)
        shown = file
        if file is not None and file.is_relative_to(self._root):
            shown = file.relative_to(self._root)
        return explained(verdict, file=file, shown=shown, masker=masker)


def _conclusion(
    rule: CompiledRule,
    verdict: Verdict,
    instance: TriggerInstance,
    enforcements: tuple[Enforcement, ...],
) -> tuple[str, str]:
    if enforcements:
        first = enforcements[0]
        if first.status is EnforcementStatus.HELD:
            return "held", first.failure_reason
        if first.execution_id is None:
            return "failed", first.failure_reason
        changed = "" if verdict.matched else "Its criteria, or what they look up, have changed since."
        return "fired", changed
    if instance.reason:
        return "not asked", instance.reason
    if not verdict.matched:
        return "no match", verdict.error
    if not rule.spec.enabled:
        return "not asked", "The rule is disabled."
    if rule.is_backstop:
        return "not asked", "It is a backstop rule, and another rule matched."
    return "not asked", "It matches now; then it was not there, disabled, or had other criteria."


def explained(
    verdict: Verdict, *, file: Path | None, masker: ValueMasker, shown: Path | None = None
) -> tuple[Explained, ...]:
    """The outcomes with the lines where the criteria stand in the rule's file, called `shown` there."""
    text = _text(file)
    return tuple(_shown(outcome, shown or file, text, masker) for outcome in verdict.outcomes)


def _shown(outcome: Outcome, file: Path | None, text: str, masker: ValueMasker) -> Explained:
    return Explained(
        outcome=replace(
            outcome,
            value=masker.value(outcome.value),
            pattern=masker.value(outcome.pattern),
            error=masker.text(outcome.error),
            parts=(),
        ),
        where=f"{file}:{line_of(text, outcome.path)}" if text and outcome.path else "",
        parts=tuple(_shown(part, file, text, masker) for part in outcome.parts),
    )


def _text(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return read_file(file, name=str(file))[0]
    except BadContent:
        # It was changed or deleted after the last reload: lines would be wrong.
        return ""


def rule_file(rule: RuleSpec, registry: Registry) -> Path | None:
    """None for a rule that was made through the API."""
    pack = registry.packs.get(rule.pack)
    return pack.folder / rule.metadata_file if pack and rule.metadata_file else None


def masker_for(payload: Any, schema: Mapping[str, Any]) -> ValueMasker:
    """Hides what the schema calls secret, and what is named like one."""
    return ValueMasker([*secrets_by_schema(payload, schema), *_named_secrets(payload)])


def _named_secrets(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [
            leaf
            for key, inner in value.items()
            for leaf in (leaves(inner) if _SECRET_NAME.search(str(key)) else _named_secrets(inner))
        ]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in _named_secrets(inner)]
    return []
