"""What is missing of a command, as the schema of a form; and the match that its answer makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.aliases.beginnings import patterns_of
from engine.aliases.grammar import compile_format
from engine.aliases.match import AliasMatch, pairs_allowed
from engine.errors import BadInput
from engine.expressions.params import Plans
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.parameter import ParameterSpec

OPTIONS_KEY = "x-options"
# A part of a format such as staging|production.
_CHOICE = re.compile(r"[\w-]+(?:\|[\w-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandForm:
    """A command of which something is missing."""

    alias: AliasSpec
    action: ActionSpec
    representation: str
    display: str | None
    given: Mapping[str, str | None]
    """What was said already."""
    defaults: Mapping[str, str]
    """What the format gives where nothing is said."""
    missing: tuple[str, ...]
    properties: Mapping[str, Mapping[str, Any]]
    """What may still be said, as properties of a JSON schema; what is missing comes first."""

    def match(self, values: Mapping[str, Any], *, text: str) -> AliasMatch:
        """The command with these values added, as if it had been typed. `text` is how it is shown."""
        return AliasMatch(
            alias=self.alias,
            display=self.display,
            representation=self.representation,
            parameters=({**self.defaults, **self.given, **values},),
            named=frozenset(self.given) | frozenset(values),
            given=frozenset(),
            text=text,
        )


def command_form(
    alias: AliasSpec,
    action: ActionSpec,
    plans: Plans,
    *,
    representation: str,
    given: Mapping[str, str | None],
) -> CommandForm:
    """What may still be said of a command, of which `given` was said already.

    Raises BadInput when the alias has no format with this representation.
    """
    form = next((one for one in alias.formats if representation in one.representations), None)
    if form is None:
        raise BadInput(f"{alias.ref} has no such format any more.", hint="Type the command again.")
    compiled = compile_format(representation)
    patterns = patterns_of(representation)
    known = plans.get(action).parameters
    fixed = {*given, *alias.immutable_parameters}
    needed = [
        *compiled.required,
        *patterns,
        *(name for name, spec in known.items() if spec.required and not spec.has_default),
    ]
    missing = tuple(name for name in dict.fromkeys(needed) if name not in fixed)
    allowed = pairs_allowed(alias, action, compiled.names)
    others = [name for name in (*known, *sorted(compiled.names)) if name in allowed and name not in fixed]
    return CommandForm(
        alias=alias,
        action=action,
        representation=representation,
        display=form.display,
        given=given,
        defaults=compiled.defaults,
        missing=missing,
        properties={
            name: _limited(_property(known.get(name), is_missing=name in missing), patterns.get(name, ""))
            for name in dict.fromkeys((*missing, *others))
        },
    )


def _property(spec: ParameterSpec | None, *, is_missing: bool) -> Mapping[str, Any]:
    schema: dict[str, Any] = dict(spec.schema_) if spec is not None else {"type": "string"}
    default = schema.get("default")
    if is_missing:
        schema["required"] = True
        schema.pop("default", None)
    elif isinstance(default, str) and "{{" in default:
        # A template of the pack, which is filled in when the action runs.
        del schema["default"]
        schema.pop("required", None)
    return schema


def _limited(schema: Mapping[str, Any], pattern: str) -> Mapping[str, Any]:
    """The property, for what also fits the format: a choice, where the format names all that there is."""
    if not pattern:
        return schema
    if _CHOICE.fullmatch(pattern):
        words = pattern.split("|")
        return {**schema, "enum": [word for word in words if word in schema.get("enum", words)]}
    whole = f"^(?:{pattern})$"
    return (
        {**schema, "pattern": whole} if "pattern" not in schema else {**schema, "allOf": [{"pattern": whole}]}
    )
