"""Parameters from request to run: checked, cast, completed, split and masked.

What can be known from the files alone is worked out once, in `compile_plan`. What a caller
gives is data: it is cast and checked, and never rendered. Templates are what packs contain.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.errors import BadContent, BadParameter, BadTemplate, nearest
from engine.expressions.casts import cast, cast_default
from engine.expressions.graph import Node, in_order, node_of, resolve
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyValues, key_lookups
from engine.expressions.masking import (
    MASK,
    ValueMasker,
    holds_secret,
    leaves,
    mask_by_schema,
    secrets_by_schema,
)
from engine.expressions.merge import merge_parameters
from engine.expressions.schema import Check, Problem, Validator
from engine.specs.action import ActionSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.runner_type import RUNNER_ALIASES, RUNNER_TYPES, RunnerTypeSpec

# Types whose cast leaves a value of the same Python type as it is.
_UNCHANGED: Mapping[str | None, type] = MappingProxyType(
    {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateScope:
    """What the templates of one execution see besides the parameters."""

    templates: Templates
    keys: KeyValues
    user: str | None = None
    """Whose `st2kv.user` is meant. Never `action_context.api_user`, which is only what somebody is called."""
    action_context: Mapping[str, Any] = field(default_factory=dict)
    config_context: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    """The pack's configuration, or what reads it when a template asks for it."""
    config_secrets: Callable[[], Sequence[str]] = tuple
    """What in it is secret; asked when a template has used it."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More names, for example a rule's `trigger`."""

    def value(self, name: str) -> Any:
        """What a name stands for; KeyError when nothing. `system` is the old `st2kv.system`."""
        if name in self.extra:
            return self.extra[name]
        if name in ("st2kv", "system"):
            lookups = key_lookups(self.keys, user=self.user)
            return lookups if name == "st2kv" else lookups["system"]
        if name == "action_context":
            return self.action_context
        if name == "config_context":
            return self.config_context() if callable(self.config_context) else self.config_context
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalParameters:
    """What a run gets. A name that runner and action share is in `runner` only."""

    runner: dict[str, Any]
    action: dict[str, Any]
    secrets: tuple[str, ...]
    """Values to mask: secret parameters, and what templates decrypted."""


class ActionPlan:
    """Everything about an action's parameters that its files decide. Made by `compile_plan`."""

    def __init__(self, action: ActionSpec, runner: RunnerTypeSpec) -> None:
        self.action = action
        self.parameters: Mapping[str, ParameterSpec] = merge_parameters(action, runner)
        self.runner_names = frozenset(runner.parameters)
        self._immutable = frozenset(name for name, spec in self.parameters.items() if spec.immutable)
        self._read_defaults()
        self._find_secrets()
        self._validator = Validator(
            {"type": "object", "properties": self._schemas(), "additionalProperties": False}
        )
        self._prepare_quick_way()

    def _read_defaults(self) -> None:
        nodes: dict[str, Node] = {}
        plain: dict[str, Any] = {}
        for name, spec in self.parameters.items():
            default = spec.default if spec.has_default else None
            node = node_of(default)
            if node is not None:
                nodes[name] = node
            plain[name] = default if node is not None else cast_default(spec.type, default)
        self._nodes: Mapping[str, Node] = nodes
        self._plain: Mapping[str, Any] = plain
        # Rendered when an execution is requested, and stored with it.
        self._rendered_early = tuple(
            name
            for name, node in nodes.items()
            if isinstance(node.value, str) and name not in self._immutable
        )

    def _find_secrets(self) -> None:
        """Declared secrets, and defaults that decrypt a key or are made from a secret."""
        secret = {name for name, spec in self.parameters.items() if holds_secret(spec.schema_)}
        derived: set[str] = set()
        grown = True
        while grown:
            more = {
                name
                for name, node in self._nodes.items()
                if name not in secret | derived
                and ("decrypt_kv" in str(node.value) or node.variables & (secret | derived))
            }
            derived |= more
            grown = bool(more)
        self.secret_names: frozenset[str] = frozenset(secret | derived)
        """Parameters in which anything is secret."""
        self._wholly_secret = derived | {name for name in secret if self.parameters[name].secret}

    def _schemas(self) -> dict[str, Any]:
        """The properties to validate by: defaults cast, those with templates left to rendering."""
        made = {}
        for name, spec in self.parameters.items():
            schema = dict(spec.schema_)
            if name in self._nodes:
                # Absent until rendered; optional, because the default satisfies `required`.
                del schema["default"]
                schema.pop("required", None)
            elif spec.has_default:
                schema["default"] = self._plain[name]
            made[name] = schema
        return made

    def _prepare_quick_way(self) -> None:
        checks = self._validator.checks
        self._quick: dict[str, tuple[type, Check]] = {}
        unproven: set[str] = set()
        for name, spec in self.parameters.items():
            check, kind = checks.get(name), _UNCHANGED.get(spec.type)
            if check is None and self._plain[name] is not None and name not in self._nodes:
                unproven.add(name)
            if check is None:
                continue
            if kind is not None and name not in self._immutable:
                self._quick[name] = (kind, check)
            default = self._validator.complete({}).get(name)
            if default is not None and not check(default):
                unproven.add(name)
        self._unproven_defaults = frozenset(unproven)
        self._required = self._validator.required

    def live(
        self, given: Mapping[str, Any], *, scope: TemplateScope, secrets: list[str] | None = None
    ) -> dict[str, Any]:
        """What is stored with a request: `given`, cast and checked, and rendered text defaults.

        Plain defaults are not added; they are filled in at the start of the run. `secrets` is given
        what templates decrypted, or took from the secrets of the pack's configuration. Raises
        BadParameter with StackStorm's words, and BadTemplate when a default does not render.
        """
        quick = self._quick_way(given)
        if quick is not None and not self._rendered_early:
            return quick
        stored = quick if quick is not None else self._cast_given(given)
        stored |= self._render_early(stored, scope, secrets if secrets is not None else [])
        self._check(stored)
        taken = sorted(self._immutable & given.keys())
        if taken:
            raise BadParameter(
                f"Override of immutable parameter(s) {taken} is unsupported.",
                hint=f"Leave them out; {self.action.ref} fixes their values.",
            )
        return stored

    def _quick_way(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """`given`, when every value is of its type and right as it is; else None, which proves nothing."""
        if self._unproven_defaults and not self._unproven_defaults <= given.keys():
            return None
        quick = self._quick
        for name, value in given.items():
            found = quick.get(name)
            if found is None or type(value) is not found[0] or not found[1](value):
                return None
        return dict(given) if self._required <= given.keys() else None

    def _cast_given(self, given: Mapping[str, Any]) -> dict[str, Any]:
        made = {}
        for name, value in given.items():
            spec = self.parameters.get(name)
            made[name] = value if spec is None else self._cast(spec, value)
        return made

    def _cast(self, spec: ParameterSpec, value: Any) -> Any:
        try:
            return cast(spec.type, value)
        except (ValueError, SyntaxError) as error:
            hint = f'Parameter "{spec.name}" is of type {spec.type}.'
            if spec.name in self.secret_names:
                raise BadParameter(
                    f'The value of the secret parameter "{spec.name}" cannot be used.', hint=hint
                ) from None
            raise BadParameter(str(error), hint=hint) from error

    def _render_early(
        self, stored: Mapping[str, Any], scope: TemplateScope, secrets: list[str]
    ) -> dict[str, Any]:
        wanted = [name for name in self._rendered_early if stored.get(name) is None]
        if not wanted:
            return {}
        made = self._resolve(self._needed(wanted, stored), stored, scope, secrets)
        return {name: self._cast(self.parameters[name], made[name]) for name in wanted}

    def _needed(self, wanted: list[str], stored: Mapping[str, Any]) -> dict[str, Node]:
        """The nodes of these names, and of every default that they refer to."""
        nodes: dict[str, Node] = {}
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name in nodes or name not in self._nodes:
                continue
            if name not in self._immutable and stored.get(name) is not None:
                continue
            nodes[name] = self._nodes[name]
            waiting.extend(nodes[name].variables)
        return nodes

    def _resolve(
        self, nodes: Mapping[str, Node], stored: Mapping[str, Any], scope: TemplateScope, decrypted: list[str]
    ) -> dict[str, Any]:
        def known(name: str) -> Any:
            if name not in self.parameters:
                return stored[name] if name in stored else scope.value(name)
            if name not in self._immutable and stored.get(name) is not None:
                return stored[name]
            return self._plain[name]

        order = in_order(nodes)
        uses_config = any("config_context" in node.variables for node in nodes.values())
        try:
            made = resolve(nodes, known, templates=scope.templates, order=order, decrypted=decrypted)
            if uses_config:
                decrypted.extend(scope.config_secrets())
            return made
        except BadTemplate as error:
            hidden = (
                *self.secret_values(stored),
                *decrypted,
                *(scope.config_secrets() if uses_config else ()),
            )
            if not hidden:
                raise
            raise BadTemplate(ValueMasker(hidden).text(error.message), hint=error.hint) from None

    def _check(self, stored: Mapping[str, Any]) -> None:
        problem = self._validator.problem(stored)
        if problem is None:
            return
        name = str(problem.path[0]) if problem.path else ""
        if name in self.secret_names:
            raise BadParameter(
                f'The value of the secret parameter "{name}" does not fit its schema ({problem.keyword}).'
            )
        raise BadParameter(problem.message, hint=self._hint(problem, name, stored))

    def _hint(self, problem: Problem, name: str, stored: Mapping[str, Any]) -> str:
        if problem.keyword == "additionalProperties":
            hints = (nearest(key, self.parameters) for key in stored if key not in self.parameters)
            known = ", ".join(sorted(self.parameters)) or "no parameter"
            return next(filter(None, hints), f"Known to {self.action.ref}: {known}.")
        if problem.keyword == "required":
            return f"See: stormcrow action show {self.action.ref}"
        choices = self.parameters[name].schema_.get("enum") if name in self.parameters else None
        if problem.keyword == "enum" and isinstance(choices, list):
            return f'The parameter "{name}" takes: {", ".join(map(str, choices))}.'
        return f'The parameter is "{name}".' if name else ""

    def final(self, stored: Mapping[str, Any], *, scope: TemplateScope) -> FinalParameters:
        """What the run gets: `stored` (from `live`) and every default, also null ones.

        Raises BadTemplate and BadParameter for defaults that cannot be rendered or cast.
        """
        decrypted: list[str] = []
        rendered = self._resolve(self._needed(list(self._nodes), stored), stored, scope, decrypted)
        runner: dict[str, Any] = {}
        action: dict[str, Any] = {}
        for name, spec in self.parameters.items():
            if name in rendered:
                value = self._cast(spec, rendered[name])
            elif name in self._immutable or stored.get(name) is None:
                value = self._plain[name]
                value = deepcopy(value) if isinstance(value, list | dict) else value
            else:
                value = stored[name]
            (runner if name in self.runner_names else action)[name] = value
        secrets = (*self.secret_values({**action, **runner}), *decrypted)
        return FinalParameters(runner=runner, action=action, secrets=tuple(dict.fromkeys(secrets)))

    def cast_text(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Texts of an alias cast to the declared types; arrays are split at commas.

        Names that the action does not know are passed on. Raises BadParameter.
        """
        made = {}
        for name, value in given.items():
            spec = self.parameters.get(name)
            try:
                made[name] = value if spec is None else cast(spec.type, value, from_alias=True)
            except (ValueError, SyntaxError) as error:
                assert spec is not None  # noqa: S101  only a cast raises
                shown = MASK if name in self.secret_names else value
                reason = "it does not parse" if name in self.secret_names else error
                raise BadParameter(
                    f'Failed to cast value "{shown}" (type: {type(value).__name__}) for parameter "{name}" '
                    f'of type "{spec.type}": {reason}. Perhaps the value is of an invalid type?'
                ) from (None if name in self.secret_names else error)
        return made

    def render_trusted(
        self, parameters: Mapping[str, Any], *, scope: TemplateScope, secrets: list[str] | None = None
    ) -> dict[str, Any]:
        """Parameters that a pack file gives (a rule's, a task's), rendered and cast.

        They may refer to each other, to the action's other parameters and to the scope.
        Only the given names come back; `live` then takes them as data. `secrets` as there.
        """
        nodes = {name: node for name, value in parameters.items() if (node := node_of(value)) is not None}
        plain = {name: value for name, value in parameters.items() if name not in nodes}
        wanted = [name for node in nodes.values() for name in node.variables if name not in nodes]
        every = {**self._needed([name for name in wanted if plain.get(name) is None], plain), **nodes}
        made = self._resolve(every, plain, scope, secrets if secrets is not None else [])
        return {
            name: self._cast(self.parameters[name], value) if name in self.parameters else value
            for name, value in ((name, made.get(name, parameters[name])) for name in parameters)
        }

    def told(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Given parameters with the defaults that are no templates, masked: for texts about a run."""
        defaults = {
            name: self._plain[name]
            for name, spec in self.parameters.items()
            if spec.has_default and name not in self._nodes
        }
        return self.mask({**defaults, **given})

    def mask(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A copy with ******** for what is secret, nested members too."""
        made = dict(parameters)
        for name in self.secret_names & parameters.keys():
            whole = name in self._wholly_secret
            made[name] = MASK if whole else mask_by_schema(made[name], self.parameters[name].schema_)
        return made

    def secret_values(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """The texts that `mask` hides, each once."""
        found: list[str] = []
        for name in self.secret_names & parameters.keys():
            value = parameters[name]
            whole = name in self._wholly_secret
            found.extend(leaves(value) if whole else secrets_by_schema(value, self.parameters[name].schema_))
        return tuple(dict.fromkeys(found))


def compile_plan(action: ActionSpec, runner: RunnerTypeSpec) -> ActionPlan:
    """Raises BadContent when the action says something of a runner's parameter that it may not."""
    return ActionPlan(action, runner)


class Plans:
    """Plans by action; one is made anew when a reload brought another object of that name."""

    def __init__(self) -> None:
        self._plans: dict[str, ActionPlan] = {}

    def get(self, action: ActionSpec) -> ActionPlan:
        """Raises BadContent, also for a runner type that does not exist."""
        found = self._plans.get(action.ref)
        if found is not None and found.action is action:
            return found
        name = RUNNER_ALIASES.get(action.runner_type, action.runner_type)
        runner = RUNNER_TYPES.get(name)
        if runner is None:
            raise BadContent(
                f"RunnerType {action.runner_type} is not found.",
                hint=nearest(action.runner_type, RUNNER_TYPES),
                where=action.metadata_file,
            )
        made = compile_plan(action, runner)
        self._plans[action.ref] = made
        return made
