"""The rules of one generation of content, found by the trigger they listen to; compiled once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.content.registry import Registry
from engine.criteria.compile import Criteria, compile_criteria
from engine.errors import NotFound, nearest
from engine.expressions.masking import holds_secret
from engine.expressions.schema import Validator, compile_validator
from engine.rules.gate import Gate
from engine.rules.gates import gates_for
from engine.rules.identity import Trigger, trigger_of
from engine.rules.waiting import Correlate, Part
from engine.specs.rule import RuleSpec
from engine.specs.sensor import TriggerTypeSpec

BACKSTOP = "backstop"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAction:
    ref: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    spec: RuleSpec
    trigger: Trigger
    criteria: Criteria
    actions: tuple[RuleAction, ...]
    gates: tuple[Gate, ...]

    @property
    def is_backstop(self) -> bool:
        return self.spec.type.get("ref") == BACKSTOP


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listening:
    """Who listens to one trigger. Backstop rules fire where no other rule does."""

    standard: list[CompiledRule] = field(default_factory=list)
    backstop: list[CompiledRule] = field(default_factory=list)
    watching: list[tuple[CompiledRule, Part]] = field(default_factory=list)
    """Rules on other triggers that wait for such an event too."""


_NOBODY = _Listening()


class RuleTable:
    """Made with every reload. Disabled rules are in `rules` only."""

    def __init__(self, registry: Registry) -> None:
        self._types = registry.trigger_types
        self._validators: dict[str, Validator | None] = {}
        self._secret_schemas: dict[str, Mapping[str, Any] | None] = {}
        self.rules: dict[str, CompiledRule] = {}
        """Every rule by its ref, also the disabled ones."""
        self.triggers: dict[str, Trigger] = {
            ref: trigger_of(ref, None) for ref, kind in registry.trigger_types.items() if _is_plain(kind)
        }
        """Every trigger by its ref: of types without parameters, and those that rules name."""
        self.alias_of: dict[str, tuple[str, str]] = {
            alias.action_ref: (ref, alias.name)
            for ref, alias in reversed(list(registry.aliases.items()))
            if alias.enabled
        }
        """Action -> ref and name of the first alias that can word its result."""
        self._listening: dict[str, _Listening] = {}
        self._resolved: dict[tuple[str, str], Trigger] = {}
        self._heard_types: set[str] = set()
        for rule in registry.rules.values():
            self._add(compile_rule(rule))

    def _add(self, rule: CompiledRule) -> None:
        self.rules[rule.spec.ref] = rule
        self.triggers.setdefault(rule.trigger.ref, rule.trigger)
        if not rule.spec.enabled:
            return
        found = self._listening.setdefault(rule.trigger.ref, _Listening())
        (found.backstop if rule.is_backstop else found.standard).append(rule)
        self._heard_types.add(rule.trigger.type_ref)
        for part in (part for gate in rule.gates if isinstance(gate, Correlate) for part in gate.parts):
            self.triggers.setdefault(part.trigger.ref, part.trigger)
            self._listening.setdefault(part.trigger.ref, _Listening()).watching.append((rule, part))
            self._heard_types.add(part.trigger.type_ref)

    def standard(self, trigger_ref: str) -> Sequence[CompiledRule]:
        """The enabled rules on this trigger, but the backstop ones."""
        return self._listening.get(trigger_ref, _NOBODY).standard

    def backstop(self, trigger_ref: str) -> Sequence[CompiledRule]:
        """Those that fire when no standard one matches."""
        return self._listening.get(trigger_ref, _NOBODY).backstop

    def watching(self, trigger_ref: str) -> Sequence[tuple[CompiledRule, Part]]:
        """The parts of correlating rules that this trigger may be."""
        return self._listening.get(trigger_ref, _NOBODY).watching

    def listens(self, type_ref: str) -> bool:
        """Whether an enabled rule is on any trigger of this type."""
        return type_ref in self._heard_types

    def triggers_of(self, type_ref: str) -> list[Trigger]:
        """The triggers of a type that enabled rules listen to."""
        found = (self.triggers[ref] for ref in self._listening)
        return [trigger for trigger in found if trigger.type_ref == type_ref]

    def resolve(self, ref: str, parameters: Mapping[str, Any] | None) -> Trigger:
        """The trigger that an event names: by its own ref, or by its type and parameters.

        Raises NotFound when nothing of that name is known, BadInput when it is no reference.
        """
        if not parameters and ref in self.triggers:
            return self.triggers[ref]
        key = (ref, repr(parameters))
        known = self._resolved.get(key)
        if known is not None:
            return known
        if ref in self._types or ref in self._heard_types:
            found = trigger_of(ref, parameters)
            # Only what a rule listens to comes again and again; anybody may invent other parameters.
            if found.ref in self._listening:
                self._resolved[key] = found
            return found
        raise NotFound(f'Trigger "{ref}" cannot be found.', hint=nearest(ref, [*self._types, *self.triggers]))

    def validator(self, type_ref: str) -> Validator | None:
        """What checks payloads of this type; None where nothing is demanded of them."""
        if type_ref not in self._validators:
            kind = self._types.get(type_ref)
            schema = kind.payload_schema if kind else {}
            known = "type" in schema or "properties" in schema
            self._validators[type_ref] = compile_validator(schema) if known else None
        return self._validators[type_ref]

    def secret_schema(self, type_ref: str) -> Mapping[str, Any] | None:
        """The schema of this type's payloads, where it calls anything in them secret."""
        if type_ref not in self._secret_schemas:
            kind = self._types.get(type_ref)
            schema = kind.payload_schema if kind else {}
            self._secret_schemas[type_ref] = schema if holds_secret(schema) else None
        return self._secret_schemas[type_ref]


def compile_rule(rule: RuleSpec) -> CompiledRule:
    actions = (rule.action, *rule.extensions.get("x-actions", ()))
    return CompiledRule(
        spec=rule,
        trigger=trigger_of(rule.trigger["type"], rule.trigger.get("parameters")),
        criteria=compile_criteria(
            rule.criteria, match=rule.extensions.get("x-match"), where=rule.metadata_file
        ),
        actions=tuple(
            RuleAction(ref=action["ref"], parameters=action.get("parameters") or {}) for action in actions
        ),
        gates=gates_for(rule),
    )


def _is_plain(kind: TriggerTypeSpec) -> bool:
    """A type whose events need no parameters to be told apart."""
    return not kind.parameters_schema.get("properties", kind.parameters_schema)
