"""Checking the parameters of an action and the properties of a config schema.

As StackStorm 3.9.0 does it: a parameter is a JSON schema (draft 4) with `required: true` inline
and the attributes position, immutable and secret. Its own attributes are checked strictly, those
of the schemas inside it only where they are known. Defaults may be of another type, and a
parameter may have no type: real packs have both.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content.shape import Field, Path, WrongShape, each, of_kind, shown, take
from engine.specs.parameter import ParameterSpec
from engine.specs.runner_type import OVERRIDABLE, RunnerTypeSpec

# StackStorm refuses names with a hyphen; ours, which begin with x-, can so be nobody else's.
_NAME = re.compile(r"(x-)?\w+")
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def _not_negative(value: Any, path: Path) -> None:
    if value < 0:
        raise WrongShape(f"{path[-1]}: {shown(value)} is less than the minimum of 0", path=path)


def _positive(value: Any, path: Path) -> None:
    if value <= 0:
        raise WrongShape(f"{path[-1]}: {shown(value)} must be more than 0", path=path)


def _type(value: Any, path: Path) -> None:
    if not (isinstance(value, str) and value in _TYPES):
        raise WrongShape(
            f"type: {shown(value)} is not valid under any of the given schemas",
            path=path,
            hint=f"Write one of {', '.join(sorted(_TYPES))}; anyOf takes several.",
        )


def _type_or_types(value: Any, path: Path) -> None:
    for word in value if isinstance(value, list) and value else [value]:
        _type(word, path)


def _enum(value: Any, path: Path) -> None:
    if not value:
        raise WrongShape("enum: [] is too short", path=path)
    if any(
        type(item) is type(other) and item == other for i, item in enumerate(value) for other in value[:i]
    ):
        raise WrongShape(f"enum: {shown(value)} has non-unique elements", path=path)


def _schema(value: Any, path: Path) -> None:
    """A schema inside a parameter: unknown attributes are let through."""
    take(value, _NESTED, path=path, is_open=True, null_is_absent=False)


def _schemas(value: Any, path: Path) -> None:
    if not value:
        raise WrongShape(f"{path[-1]}: [] is too short", path=path)
    each(_schema)(value, path)


def _named_schemas(value: Any, path: Path) -> None:
    for name, item in value.items():
        _schema(item, (*path, name))


def _schema_or_schemas(value: Any, path: Path) -> None:
    if isinstance(value, list):
        _schemas(value, path)
    else:
        _schema(value, path)


def _boolean_or_schema(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        _schema(value, path)


def _dependencies(value: Any, path: Path) -> None:
    for name, item in value.items():
        if isinstance(item, list):
            each(of_kind("string"))(item, (*path, name))
        else:
            _schema(item, (*path, name))


_COUNT = Field("integer", check=_not_negative)
_ATTRIBUTES: dict[str, Field] = {
    "type": Field("any", check=_type),
    "description": Field("string"),
    "default": Field("any"),
    "required": Field("boolean"),
    "immutable": Field("boolean"),
    "secret": Field("boolean"),
    "position": Field("number", check=_not_negative),
    "enum": Field("array", check=_enum),
    "items": Field("any", check=_schema_or_schemas),
    "properties": Field("object", check=_named_schemas),
    "patternProperties": Field("object", check=_named_schemas),
    "additionalProperties": Field("any", check=_boolean_or_schema),
    "additionalItems": Field("any", check=_boolean_or_schema),
    "definitions": Field("object", check=_named_schemas),
    "dependencies": Field("object", check=_dependencies),
    "pattern": Field("string"),
    "minimum": Field("number"),
    "maximum": Field("number"),
    "exclusiveMinimum": Field("boolean"),
    "exclusiveMaximum": Field("boolean"),
    "multipleOf": Field("number", check=_positive),
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "minProperties": _COUNT,
    "maxProperties": _COUNT,
    "uniqueItems": Field("boolean"),
    "allOf": Field("array", check=_schemas),
    "anyOf": Field("array", check=_schemas),
    "oneOf": Field("array", check=_schemas),
    "not": Field("object", check=_schema),
    "id": Field("string"),
    "$schema": Field("string"),
    "title": Field("string"),
}
_TOP: Mapping[str, Field] = MappingProxyType(_ATTRIBUTES)
# Inside a parameter several types are right, and draft 4's list of required names is let through.
_NESTED: Mapping[str, Field] = MappingProxyType(
    {**_ATTRIBUTES, "type": Field("any", check=_type_or_types), "required": Field("any")}
)


def check_schema(value: Any, path: Path) -> None:
    """A free-standing schema, for example an output schema: known attributes only are checked."""
    _schema(value, path)


def check_attributes(name: Any, attributes: Any, path: Path) -> None:
    """One parameter as written. Raises WrongShape."""
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise WrongShape(
            f'Parameter name "{name}" is invalid. Valid characters for parameter name are [a-zA-Z0-9_].',
            path=path,
        )
    take(attributes, _TOP, path=path, null_is_absent=False)
    for bound in ("Minimum", "Maximum"):
        if f"exclusive{bound}" in attributes and bound.lower() not in attributes:
            raise WrongShape(f"'{bound.lower()}' is a dependency of 'exclusive{bound}'", path=path)


def check_properties(properties: Any, path: Path) -> None:
    """The `parameters` of an action, or a whole config schema. Raises WrongShape."""
    for name, attributes in properties.items():
        check_attributes(name, attributes, (*path, name))


def check_against_runner(ref: str, parameters: Mapping[str, Any], runner: RunnerTypeSpec) -> None:
    """The rules between the parameters of the action `ref` and those of its runner.

    Raises WrongShape with StackStorm's texts.
    """
    positions: dict[float, str] = {}
    for name, attributes in parameters.items():
        path: Path = ("parameters", name)
        inherited = runner.parameters.get(name)
        if inherited is not None:
            _check_override(ref, name, attributes, inherited.schema_)
        if "position" in attributes:
            _check_position(name, attributes["position"], positions, (*path, "position"))
        if "immutable" in attributes:
            _check_immutable(name, attributes, inherited, (*path, "immutable"))
    _check_contiguous(positions)


def _check_override(ref: str, name: str, attributes: Mapping[str, Any], of_runner: Mapping[str, Any]) -> None:
    for attribute, value in attributes.items():
        if attribute in OVERRIDABLE or attribute.startswith("x-"):
            continue
        if value != of_runner.get(attribute):
            raise WrongShape(
                f'The attribute "{attribute}" for the runner parameter "{name}" in action "{ref}" '
                "cannot be overridden.",
                path=("parameters", name, attribute),
                hint=f"An action may say these again: {', '.join(sorted(OVERRIDABLE))}.",
            )


def _check_position(name: str, position: float, positions: dict[float, str], path: Path) -> None:
    other = positions.get(position)
    if other is not None:
        raise WrongShape(
            f"Parameters {name} and {other} have same position {position:g}."
            " Position values have to be unique.",
            path=path,
        )
    positions[position] = name


def _check_immutable(
    name: str, attributes: Mapping[str, Any], inherited: ParameterSpec | None, path: Path
) -> None:
    if inherited is not None and "immutable" in inherited.schema_:
        raise WrongShape(
            f"Param {name} is declared immutable in runner. Cannot override in action.", path=path
        )
    if "default" not in attributes and not (inherited is not None and inherited.has_default):
        raise WrongShape(
            f"Immutable param {name} requires a default value.", path=path, hint="Add `default:`."
        )


def _check_contiguous(positions: Mapping[float, str]) -> None:
    if not positions:
        return
    found = sorted(positions)
    if found != [found[0] + step for step in range(len(found))] or found[0] != int(found[0]):
        raise WrongShape(
            f"Positions supplied {found} for parameters are not contiguous.",
            path=("parameters", positions[found[-1]], "position"),
        )
