"""What an event means: the rules it meets, and the executions they ask for. Writes nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.content.registry import Content
from engine.criteria.compile import Criteria, Verdict
from engine.errors import EngineError, NotFound
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues, key_lookups
from engine.expressions.masking import ValueMasker
from engine.expressions.params import Plans, TemplateScope
from engine.records.execution import ExecutionRequest
from engine.records.trigger import TriggerInstance
from engine.requests import PreparedExecution
from engine.rights.place import Where
from engine.rights.room import Rights
from engine.rules.authored import Authored
from engine.rules.payloads import Payloads
from engine.rules.table import CompiledRule, RuleAction, RuleTable
from engine.rules.waiting import Part
from engine.specs.action import ActionSpec
from engine.specs.rule import SCHEDULE_KEY, RuleSpec

log = logging.getLogger(__name__)

ScopeFor = Callable[[ActionSpec, Mapping[str, Any]], TemplateScope]
Scheduled = Callable[[RuleSpec, TriggerInstance, Mapping[str, Any]], ExecutionRequest]
"""Of a rule, the event and the context of what follows from it. Raises EngineError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One action that a matched rule asks for."""

    rule: CompiledRule
    number: int
    execution: PreparedExecution | None = None
    failure: str = ""
    """Why there is no execution: the rule matched, and its action cannot be requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A rule whose criteria could not be evaluated."""

    rule: CompiledRule
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A rule on another trigger waits for such an event (x-correlate)."""

    rule: CompiledRule
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    wanted: tuple[Wanted, ...] = ()
    failed: tuple[Failed, ...] = ()
    noted: tuple[Noted, ...] = ()


class RuleEngine:
    """`scope_for(action, context)` gives what templates of an action may see; `user` is whom rules
    of packs run as."""

    def __init__(
        self,
        content: Content,
        executions: Executions,
        plans: Plans,
        templates: Templates,
        keys: KeyValues,
        *,
        payloads: Payloads,
        rights: Rights,
        scope_for: ScopeFor,
        user: str,
    ) -> None:
        self._content = content
        self._executions = executions
        self._plans = plans
        self._authored = Authored(templates, keys, rights)
        self.payloads = payloads
        self._rights = rights
        self._scope_for = scope_for
        self._user = user
        self.table = RuleTable(content.current)
        self.places: dict[str, Callable[[TriggerInstance], Mapping[str, Any]]] = {}
        """Trigger type -> where in the chat the results of what its events start are posted."""
        self.scheduled: Scheduled = _nothing_scheduled
        """What the rule of a schedule asks for."""

    def revealed(self, instance: TriggerInstance) -> TriggerInstance:
        """One that was read, with its payload in clear: to judge or emit it again, never to show it."""
        return self.payloads.revealed(instance, self.table.secret_schema(instance.trigger_type))

    def check_release(self, rule: CompiledRule, user: str, where: Where) -> None:
        """Whether somebody may have the actions of a rule run. Raises Denied."""
        for action in rule.actions:
            self._rights.check_run(user, action.ref, where=where)

    def evaluate(self, instance: TriggerInstance) -> Evaluation:
        """Never raises for what a rule says or a payload holds."""
        table = self.table
        matched, failed = self._matching(table.standard(instance.trigger), instance)
        if not matched:
            matched, more = self._matching(table.backstop(instance.trigger), instance)
            failed += more
        noted = [
            Noted(rule=rule, part=part)
            for rule, part in table.watching(instance.trigger)
            if self.verdict(rule, instance.payload, criteria=part.criteria).matched
        ]
        return Evaluation(
            wanted=tuple(wanted for rule in matched for wanted in self.wanted(rule, instance)),
            failed=tuple(failed),
            noted=tuple(noted),
        )

    def verdict(
        self,
        rule: CompiledRule,
        payload: Any,
        *,
        criteria: Criteria | None = None,
        explain: bool = False,
    ) -> Verdict:
        """Whether the criteria of a rule, or of one of its parts, hold; `explain`: each one's outcome."""
        author = rule.spec.owner
        lookups = key_lookups(self._authored.keys(author), user=author or self._user)
        asked = rule.criteria if criteria is None else criteria
        templates = self._authored.templates(author)
        return asked.evaluate(payload, system=lookups["system"], templates=templates, explain=explain)

    def wanted(
        self, rule: CompiledRule, instance: TriggerInstance, *, context: Mapping[str, Any] | None = None
    ) -> list[Wanted]:
        """What the actions of a rule would be for this event; `context` is added to theirs."""
        whole = {**self._context(rule, instance), **(context or {})}
        return [self._wanted(rule, number, instance, whole) for number in range(len(rule.actions))]

    def _matching(
        self, rules: Sequence[CompiledRule], instance: TriggerInstance
    ) -> tuple[list[CompiledRule], list[Failed]]:
        matched: list[CompiledRule] = []
        failed: list[Failed] = []
        for rule in rules:
            verdict = self.verdict(rule, instance.payload)
            if verdict.matched:
                matched.append(rule)
            elif verdict.error:
                reason = (
                    f'Failed to match rule "{rule.spec.ref}" against trigger instance "{instance.id}": '
                    f"There might be a problem with the criteria in rule {rule.spec.ref}: {verdict.error}"
                )
                reason = ValueMasker(instance.secrets).text(reason)
                failed.append(Failed(rule=rule, reason=reason))
        return matched, failed

    def _wanted(
        self, rule: CompiledRule, number: int, instance: TriggerInstance, context: Mapping[str, Any]
    ) -> Wanted:
        try:
            if number == 0 and SCHEDULE_KEY in rule.spec.extensions:
                prepared = self._executions.prepare(self.scheduled(rule.spec, instance, context))
            else:
                author = rule.spec.owner
                prepared = self._prepare(rule.actions[number], instance, context, author=author)
        except EngineError as error:
            failure = ValueMasker(instance.secrets).text(str(error))
            log.warning("rule %s: %s", rule.spec.ref, failure, extra={"rule": rule.spec.ref})
            return Wanted(rule=rule, number=number, failure=failure)
        failure = "" if prepared.error is None else ValueMasker(instance.secrets).text(str(prepared.error))
        return Wanted(rule=rule, number=number, execution=prepared, failure=failure)

    def _prepare(
        self, action: RuleAction, instance: TriggerInstance, context: Mapping[str, Any], *, author: str
    ) -> PreparedExecution:
        spec = self._content.current.action(action.ref)
        context = {**self._place(spec, instance), **context}
        user = context["user"]
        # Whoever wrote the rule may have lost the right since.
        self._rights.check_run(user, spec.ref, where=Where())
        parameters = dict(action.parameters)
        secrets = list(instance.secrets)
        if parameters:
            base = self._authored.scope(self._scope_for(spec, context), author)
            scope = TemplateScope(
                templates=base.templates,
                keys=base.keys,
                user=user,
                action_context=context,
                config_context=base.config_context,
                config_secrets=base.config_secrets,
                extra={"trigger": instance.payload},
            )
            parameters = self._plans.get(spec).render_trusted(parameters, scope=scope, secrets=secrets)
        request = ExecutionRequest(
            action=spec.ref, parameters=parameters, user=user, context=context, secrets=tuple(secrets)
        )
        return self._executions.prepare(request)

    def _place(self, action: ActionSpec, instance: TriggerInstance) -> dict[str, Any]:
        """Where its result is posted, and the alias that words it there."""
        place = self.places.get(instance.trigger_type)
        if place is None:
            return {}
        found: dict[str, Any] = {"chat": dict(place(instance))}
        alias = self.table.alias_of.get(action.ref)
        if alias is not None:
            found["action_alias_ref"] = {"id": alias[0], "name": alias[1]}
        return found

    def _context(self, rule: CompiledRule, instance: TriggerInstance) -> dict[str, Any]:
        """Nothing of the rule's own `context`: who may write a rule could say there whose work it goes on
        with, or for whom it asks."""
        return {
            "user": rule.spec.owner or self._user,
            "trigger_instance": {"id": instance.id, "name": None},
            "rule": {"id": rule.spec.ref, "name": rule.spec.name},
            "rule_depth": instance.depth + 1,
            "trace_context": {
                "id_": instance.trace_id,
                "trace_tag": instance.trace_tag,
                **({"traceparent": instance.traceparent} if instance.traceparent else {}),
            },
        }


def _nothing_scheduled(
    rule: RuleSpec, _instance: TriggerInstance, _context: Mapping[str, Any]
) -> ExecutionRequest:
    raise NotFound(f"{SCHEDULE_KEY}: nobody keeps schedules here.", where=rule.ref)
