"""Actions as tools: names that every client takes, descriptions, and JSON schemas of their parameters."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from mcp_types import Tool, ToolAnnotations

# Of the clients that we know the strictest: letters, digits, _ and -, at most so many.
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1_024
_NOT_IN_NAMES = re.compile("[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 8
_MEMBERS = ("properties", "patternProperties")
_ALTERNATIVES = ("anyOf", "allOf", "oneOf")
_INNER = ("items", "additionalProperties", "not")
_KEPT = frozenset(
    {
        *(*_MEMBERS, *_ALTERNATIVES, *_INNER),
        *("type", "title", "description", "enum", "default", "format", "pattern", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    }
)
_EFFECTS = {
    "none": "It changes nothing.",
    "changes": "It changes something.",
    "destroys": "It may destroy something: ask your person before you run it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """One action that may be run, as a tool."""

    ref: str
    tool: Tool
    parameters: frozenset[str]
    """The names that a caller may give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """All tools of one listing, by name, sorted. `left_out`: how many are more than the limit."""

    by_name: Mapping[str, Runnable]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.by_name)


def toolbox(actions: Iterable[Mapping[str, Any]], patterns: Sequence[str], *, limit: int) -> Toolbox:
    """`actions`: of GET /actions/views/runnable. `patterns`: of refs, as in file names; none: all."""
    chosen = sorted(
        (one for one in actions if is_meant(one["ref"], patterns)), key=lambda one: str(one["ref"])
    )
    kept = chosen[:limit]
    names = tool_names([one["ref"] for one in kept])
    made = {names[one["ref"]]: _runnable(one, names[one["ref"]]) for one in kept}
    return Toolbox(by_name=dict(sorted(made.items())), left_out=len(chosen) - len(kept))


def is_meant(ref: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(ref, pattern) for pattern in patterns)


def tool_names(refs: Sequence[str]) -> dict[str, str]:
    """ref -> name. `deploy.api` is deploy__api; what is too long, or not alone, ends in its digest."""
    plain = {ref: _NOT_IN_NAMES.sub("_", ref.replace(".", "__", 1)) for ref in refs}
    taken = list(plain.values())
    return {
        ref: name if len(name) <= LONGEST_NAME and taken.count(name) == 1 else _marked(name, ref)
        for ref, name in plain.items()
    }


def _marked(name: str, ref: str) -> str:
    digest = hashlib.sha256(ref.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: LONGEST_NAME - _DIGEST_LENGTH - 1]}_{digest}"


def _runnable(action: Mapping[str, Any], name: str) -> Runnable:
    schema = input_schema(action["parameters"])
    effect, is_idempotent = action.get("effect"), action.get("is_idempotent") is True
    words = [action.get("description") or "", f"Runs the Stormcrow action {action['ref']}."]
    words.append(_EFFECTS.get(effect or "", ""))
    tool = Tool(
        name=name,
        title=action["ref"],
        description=" ".join(word.strip() for word in words if word)[:LONGEST_DESCRIPTION],
        input_schema=schema,
        annotations=ToolAnnotations(
            title=action["ref"],
            read_only_hint=effect == "none" if effect else None,
            destructive_hint=effect == "destroys" if effect else None,
            idempotent_hint=True if is_idempotent else None,
        ),
    )
    return Runnable(ref=action["ref"], tool=tool, parameters=frozenset(schema["properties"]))


def input_schema(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a caller may give, as JSON schema; immutable parameters are nobody's to give."""
    properties, required = {}, []
    for name, written in parameters.items():
        if written.get("immutable"):
            continue
        properties[name] = _property(written)
        if written.get("required") is True and "default" not in written:
            required.append(name)
    made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made


def _property(written: Mapping[str, Any]) -> dict[str, Any]:
    made = _plain(written)
    try:
        Draft202012Validator.check_schema(made)
    except SchemaError:
        # Packs are loaded with schemas that nobody else can read; a client would refuse the whole list.
        made = {}
    words = [str(written.get("description") or "").strip()]
    default = made.get("default")
    if default is None or (isinstance(default, str) and "{{" in default):
        # A template of the pack, or nothing: no value that anybody could give.
        made.pop("default", None)
    if written.get("secret"):
        made.pop("default", None)
        made["writeOnly"] = True
        words.append("Secret: it is hidden wherever it would be shown.")
    text = " ".join(word for word in words if word)
    return {**made, "description": text} if text else made


def _plain(written: Mapping[str, Any]) -> dict[str, Any]:
    """Draft 4 with `required: true` at members -> what JSON schema is today, without keywords of ours."""
    made = {name: value for name, value in written.items() if name in _KEPT}
    properties = made.get("properties")
    if isinstance(properties, Mapping):
        made["required"] = [
            str(name)
            for name, one in properties.items()
            if isinstance(one, Mapping) and one.get("required") is True and "default" not in one
        ]
    for key in _MEMBERS:
        if isinstance(made.get(key), Mapping):
            made[key] = {str(name): _inner(one) for name, one in made[key].items()}
    for key in _ALTERNATIVES:
        if isinstance(made.get(key), list):
            made[key] = [_inner(one) for one in made[key]]
    for key in _INNER:
        if isinstance(made.get(key), Mapping):
            made[key] = _inner(made[key])
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        # Draft 4 says with a flag that a bound itself does not count; today that is a bound of its own.
        if isinstance(made.get(flag), bool) and made.pop(flag) and bound in made:
            made[flag] = made.pop(bound)
    return made


def _inner(value: Any) -> Any:
    return _plain(value) if isinstance(value, Mapping) else value
