"""Validation as StackStorm does it: JSON schema draft 4 with `required: true` inside a property.

jsonschema has the last word and the wording; a compiled check in front of it answers the
common question, whether everything is right, without it.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson

from engine.errors import BadParameter

Schema = Mapping[str, Any]
Check = Callable[[Any], bool]

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_SIZES = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
_BOUNDS = frozenset({"minimum", "maximum"})
_FLAGS = frozenset({"exclusiveMinimum", "exclusiveMaximum", "uniqueItems"})
_LISTS = frozenset({"anyOf", "allOf", "oneOf"})
_MAPPINGS = frozenset({"properties", "patternProperties", "definitions"})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def tidy(schema: Any, root: Any = None) -> dict[str, Any]:
    """What of a written schema means something, without what would make jsonschema stumble.

    Unknown keywords and types, values of the wrong kind, references that lead nowhere or out
    of the file: StackStorm 3.9 loads packs with all of these. `root` is what `#` stands for.
    """
    if not isinstance(schema, Mapping):
        return {}
    root = schema if root is None else root
    made: dict[str, Any] = {}
    for key, value in schema.items():
        kept = _tidy_keyword(key, value, root)
        if kept is not None:
            made[key] = kept
    return made


def _tidy_keyword(key: Any, value: Any, root: Any) -> Any:
    """The value of a keyword as jsonschema can use it, or None to leave the keyword out."""
    if key in _MAPPINGS and isinstance(value, Mapping):
        return _tidy_members(key, value, root)
    if key in _LISTS and isinstance(value, list):
        return [tidy(part, root) for part in value if isinstance(part, Mapping)] or None
    if key in ("items", "additionalProperties", "additionalItems", "not"):
        return _tidy_inner(key, value, root)
    if key == "$ref":
        return value if _leads_somewhere(value, root) else None
    return value if _is_plain_keyword(key, value) else None


def _tidy_members(key: str, value: Schema, root: Any) -> dict[str, Any]:
    members = {str(name): part for name, part in value.items() if isinstance(part, Mapping)}
    if key == "properties":
        return {name: _tidy_property(part, root) for name, part in members.items()}
    if key == "patternProperties":
        return {name: tidy(part, root) for name, part in members.items() if _is_pattern(name)}
    return {name: tidy(part, root) for name, part in members.items()}


def _tidy_property(schema: Schema, root: Any) -> dict[str, Any]:
    made = tidy(schema, root)
    # A default satisfies `required`.
    if made.get("required") and "default" in schema:
        del made["required"]
    if is_nullable(schema) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


def _tidy_inner(key: str, value: Any, root: Any) -> Any:
    if isinstance(value, Mapping):
        return tidy(value, root)
    if key == "items" and isinstance(value, list):
        return [tidy(part, root) for part in value]
    return value if isinstance(value, bool) and key.startswith("additional") else None


def _is_plain_keyword(key: Any, value: Any) -> bool:
    if key == "type":
        types = value if isinstance(value, list) else [value]
        return bool(types) and all(isinstance(word, str) and word in _TYPES for word in types)
    if key == "enum":
        return isinstance(value, list)
    if key == "pattern":
        return isinstance(value, str) and _is_pattern(value)
    if key == "required":
        # The list form of draft 4 is ignored by StackStorm.
        return value is True
    if key in _FLAGS:
        return isinstance(value, bool)
    if key in _SIZES:
        return isinstance(value, int) and not isinstance(value, bool)
    if key == "multipleOf":
        return _is_number(value) and value > 0
    return key in _BOUNDS and _is_number(value)


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _leads_somewhere(ref: Any, root: Any) -> bool:
    """Whether a JSON pointer of this file names a schema, which is not a mere reference again."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return False
    found = root
    for part in ref[2:].split("/"):
        if not isinstance(found, Mapping):
            return False
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return isinstance(found, Mapping) and "$ref" not in found


def is_nullable(schema: Schema) -> bool:
    """Whether null may be given: what has no default but null, and is not required."""
    return schema.get("default") is None and (schema.get("required") is not True or "default" in schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a value does not fit."""

    message: str
    path: tuple[str | int, ...]
    """Where: keys and indexes from the outside; empty for the whole."""
    keyword: str
    """The keyword of the schema that was not met."""


class Validator:
    """One schema, compiled. Values are never changed."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tidy = tidy(schema)
        self._is_right = _compile(self._tidy)
        # Without defaults, what is right as it stands is right; only then need nothing be filled in.
        self._is_plain = self._is_right is not None and b'"default"' not in orjson.dumps(
            self._schema, default=str, option=orjson.OPT_NON_STR_KEYS
        )
        properties = self._tidy.get("properties", {})
        self.checks: Mapping[str, Check | None] = {name: _compile(part) for name, part in properties.items()}
        """Name of a property -> whether a value fits; None where only the whole validator knows."""
        self.required = frozenset(name for name, part in properties.items() if part.get("required"))
        """What must be given, because it has no default."""

    def complete(self, instance: Any) -> Any:
        """A copy with every default that is missing or null, at any depth."""
        return _complete(instance, self._schema)

    def problem(self, instance: Any) -> Problem | None:
        """The first thing that is wrong, as jsonschema words it; defaults count as given."""
        if self._is_plain and self._is_right is not None and self._is_right(instance):
            return None
        candidate = _without_nulls(self.complete(instance), self._schema)
        if self._is_right is not None and self._is_right(candidate):
            return None
        # The first value that is not right brings jsonschema; a start does not wait for it.
        from engine.expressions.schema_wording import worst_error  # noqa: PLC0415 - as above

        try:
            error = worst_error(self._tidy, candidate)
        except RecursionError:
            return Problem(message="The value is nested too deeply.", path=(), keyword="depth")
        if error is None:
            return None
        return Problem(message=error.message, path=tuple(error.absolute_path), keyword=str(error.validator))

    def validate(self, instance: Any) -> None:
        """Raises BadParameter with the first problem."""
        found = self.problem(instance)
        if found is not None:
            raise BadParameter(found.message)


def compile_validator(schema: Schema) -> Validator:
    """A validator of a whole schema, usually `{"type": "object", "properties": ...}`."""
    return Validator(schema)


def _complete(value: Any, schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return value
    properties = schema.get("properties")
    if isinstance(value, Mapping) and isinstance(properties, Mapping):
        made = dict(value)
        for name, part in properties.items():
            if not isinstance(part, Mapping):
                continue
            if made.get(name) is None and "default" in part:
                made[name] = deepcopy(part["default"])
            if name in made:
                made[name] = _complete(made[name], part)
        return made
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_complete(item, items) for item in value]
    return value


def _without_nulls(value: Any, schema: Any) -> Any:
    """A copy without the members that are null and may be."""
    if not isinstance(schema, Mapping):
        return value
    properties = schema.get("properties")
    if isinstance(value, Mapping) and isinstance(properties, Mapping):
        made = {}
        for name, inner in value.items():
            part = properties.get(name)
            if inner is None and isinstance(part, Mapping) and is_nullable(part):
                continue
            made[name] = _without_nulls(inner, part)
        return made
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_without_nulls(item, items) for item in value]
    return value


def _compile(schema: Schema) -> Check | None:
    """A check that says yes only where jsonschema would, or None where it cannot tell."""
    checks: list[Check] = []
    for key in schema:
        if key in ("required", "definitions"):
            continue
        maker = _MAKERS.get(key)
        made = maker(schema) if maker is not None else None
        if made is None:
            return None
        checks.append(made)
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _type_check(schema: Schema) -> Check:
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds: dict[str, tuple[type, ...]] = {
        "array": (list,),
        "boolean": (bool,),
        "integer": (int,),
        "null": (type(None),),
        "number": (int, float),
        "object": (dict,),
        "string": (str,),
    }
    # Exact types: True is no integer, and what is rare may take the long way.
    exact = frozenset(kind for word in wanted for kind in kinds[word])
    return lambda value: type(value) in exact


def _enum_check(schema: Schema) -> Check | None:
    if not all(isinstance(member, str) for member in schema["enum"]):
        return None
    members = frozenset(schema["enum"])
    return lambda value: isinstance(value, str) and value in members


def _bound_check(schema: Schema) -> Check | None:
    if "exclusiveMinimum" in schema or "exclusiveMaximum" in schema:
        return None
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    return lambda value: not isinstance(value, int | float) or low <= value <= high


def _length_check(schema: Schema) -> Check:
    low, high = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    return lambda value: not isinstance(value, str) or low <= len(value) <= high


def _count_check(schema: Schema) -> Check:
    low, high = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    return lambda value: not isinstance(value, list) or low <= len(value) <= high


def _pattern_check(schema: Schema) -> Check:
    search = re.compile(schema["pattern"]).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _items_check(schema: Schema) -> Check | None:
    inner = _compile(schema["items"]) if isinstance(schema["items"], dict) else None
    if inner is None:
        return None
    return lambda value: not isinstance(value, list) or all(map(inner, value))


def _properties_check(schema: Schema) -> Check | None:
    checks = {name: _compile(part) for name, part in schema["properties"].items()}
    if any(check is None for check in checks.values()):
        return None
    required = frozenset(name for name, part in schema["properties"].items() if part.get("required"))

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for name, inner in value.items():
            fits = checks.get(name)
            if fits is not None and not fits(inner):
                return False
        return required <= value.keys()

    return check


def _additional_check(schema: Schema) -> Check | None:
    if schema["additionalProperties"] is True:
        return lambda _value: True
    if schema["additionalProperties"] is not False or "patternProperties" in schema:
        return None
    known = frozenset(schema.get("properties", {}))
    return lambda value: not isinstance(value, dict) or value.keys() <= known


_MAKERS: Mapping[str, Callable[[Schema], Check | None]] = {
    "type": _type_check,
    "enum": _enum_check,
    "minimum": _bound_check,
    "maximum": _bound_check,
    "minLength": _length_check,
    "maxLength": _length_check,
    "minItems": _count_check,
    "maxItems": _count_check,
    "pattern": _pattern_check,
    "items": _items_check,
    "properties": _properties_check,
    "additionalProperties": _additional_check,
}
