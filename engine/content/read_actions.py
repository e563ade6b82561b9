"""From actions/*.yaml and policies/*.yaml to specs; strict about unknown keys, as StackStorm is."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.parameters import check_against_runner, check_properties, check_schema
from engine.content.read_notify import check_notify
from engine.content.shape import Field, WrongShape, shown, take
from engine.content.source import COMMON, TAGS, Source, check_pack
from engine.errors import nearest
from engine.refs import make_ref
from engine.specs.action import EFFECT_KEY, EFFECTS, ActionSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.policy import PolicySpec
from engine.specs.policy_type import PolicyType, policy_type, policy_type_names
from engine.specs.runner_type import RUNNER_ALIASES, RUNNER_TYPES

_ACTION: Mapping[str, Field] = MappingProxyType(
    {
        **COMMON,
        "runner_type": Field("string", required=True),
        "entry_point": Field("string"),
        "parameters": Field("object", check=check_properties),
        "output_schema": Field("object", check=check_schema),
        "tags": TAGS,
        "notify": Field("object", check=check_notify),
    }
)
# Runners that StackStorm had once, and what to use today.
_GONE: Mapping[str, str] = MappingProxyType(
    {
        "mistral-v2": "Mistral left StackStorm with 3.3; rewrite the workflow for orquesta.",
        "mistral-v1": "Mistral left StackStorm with 3.3; rewrite the workflow for orquesta.",
        "cloudslang": "CloudSlang left StackStorm with 3.0; use orquesta.",
        "windows-cmd": "Use winrm-cmd.",
        "windows-script": "Use winrm-ps-script.",
    }
)


def _runner(name: str) -> str:
    spelled = name.replace("_", "-")
    found = RUNNER_ALIASES.get(spelled, spelled)
    if found in RUNNER_TYPES:
        return found
    hint = _GONE.get(spelled) or nearest(spelled, RUNNER_TYPES) or f"Runners: {', '.join(RUNNER_TYPES)}."
    raise WrongShape(f"RunnerType {name} is not found.", path=("runner_type",), hint=hint)


def read_action(content: Any, source: Source) -> ActionSpec:
    taken = take(content, _ACTION)
    check_pack(taken, source)
    values = taken.values
    runner = _runner(values["runner_type"])
    parameters = values.get("parameters") or {}
    check_against_runner(make_ref(source.pack, values["name"]), parameters, RUNNER_TYPES[runner])
    if taken.extensions.get(EFFECT_KEY) is not None:
        _one_of(*EFFECTS)(taken.extensions[EFFECT_KEY], (EFFECT_KEY,))
    return ActionSpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        runner_type=runner,
        entry_point=values.get("entry_point", ""),
        parameters={name: ParameterSpec.of(name, attributes) for name, attributes in parameters.items()},
        output_schema=values.get("output_schema") or None,
        tags=tuple(values.get("tags", ())),
        notify=values.get("notify") or None,
        extensions=taken.extensions,
        metadata_file=source.metadata_file,
        pack_folder=source.pack_folder,
    )


def _check_of(schema: Mapping[str, Any]) -> Callable[[Any, shape.Path], None] | None:
    """What else than its type the schema of a policy's parameter asks of a value."""
    if "enum" in schema:
        return _one_of(*schema["enum"])
    if "minimum" in schema or "maximum" in schema:
        return _between(schema.get("minimum", -math.inf), schema.get("maximum", math.inf))
    if schema.get("items"):
        return shape.each(shape.of_kind(schema["items"]["type"]))
    return None


def _one_of(*words: str) -> Callable[[Any, shape.Path], None]:
    def check(value: Any, path: shape.Path) -> None:
        if value not in words:
            raise WrongShape(
                f"{value!r} is not one of {list(words)}", path=path, hint=nearest(str(value), words)
            )

    return check


def _between(low: float, high: float) -> Callable[[Any, shape.Path], None]:
    span = f"{low:g} or more" if math.isinf(high) else f"from {low:g} to {high:g}"

    def check(value: Any, path: shape.Path) -> None:
        if not low <= value <= high:
            raise WrongShape(f"{path[-1]}: {shown(value)} is not {span}", path=path)

    return check


def _fields(kind: PolicyType) -> dict[str, Field]:
    return {
        name: Field(
            schema.get("type", "any"), required=schema.get("required") is True, check=_check_of(schema)
        )
        for name, schema in kind.parameters.items()
    }


_POLICY: Mapping[str, Field] = MappingProxyType(
    {
        **COMMON,
        "resource_ref": Field("string", required=True),
        "policy_type": Field("string", required=True),
        "parameters": Field("object"),
    }
)


def read_policy(content: Any, source: Source) -> PolicySpec:
    """The parameters are checked against the policy's type, and defaults are filled in."""
    taken = take(content, _POLICY)
    check_pack(taken, source)
    values = taken.values
    kind = _policy_type(values["policy_type"])
    given = take(values.get("parameters", {}), _fields(kind), path=("parameters",))
    known = {**kind.defaults, **given.values}
    parameters = {name: known[name] for name in kind.parameters if name in known}
    try:
        kind.compile(parameters)
    except Exception as error:  # the type may be somebody else's: whatever it raises is its refusal
        raise WrongShape(f"{kind.name}: {error}", path=("parameters",)) from error
    return PolicySpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        resource_ref=values["resource_ref"],
        policy_type=kind.name,
        parameters=parameters,
        extensions=taken.extensions,
        metadata_file=source.metadata_file,
    )


def _policy_type(name: str) -> PolicyType:
    try:
        return policy_type(name)
    except KeyError:
        known = policy_type_names()
        raise WrongShape(
            f'Referenced policy_type "{name}" doesnt exist',
            path=("policy_type",),
            hint=nearest(name, known) or f"Types: {', '.join(known)}.",
        ) from None
    except (ImportError, AttributeError) as error:
        raise WrongShape(
            f"The policy type {name} cannot be loaded: {error}",
            path=("policy_type",),
            hint="Its package is installed beside Stormcrow; repair or remove it.",
        ) from error
