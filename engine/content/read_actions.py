"""From actions/*.yaml and policies/*.yaml to specs; strict about unknown keys, as StackStorm is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.parameters import check_against_runner, check_properties, check_schema
from engine.content.read_notify import check_notify
from engine.content.shape import Field, WrongShape, shown, take
from engine.content.source import COMMON, TAGS, Source, check_pack
from engine.errors import nearest
from engine.refs import make_ref
from engine.specs.action import ActionSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.policy import PolicySpec
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


def _one_of(*words: str) -> Field:
    def check(value: Any, path: shape.Path) -> None:
        if value not in words:
            raise WrongShape(f"{value!r} is not one of {list(words)}", path=path, hint=nearest(value, words))

    return Field("string", check=check)


def _between(low: float, high: float) -> Any:
    def check(value: Any, path: shape.Path) -> None:
        if not low <= value <= high:
            raise WrongShape(f"{path[-1]}: {shown(value)} is not from {low:g} to {high:g}", path=path)

    return check


_CONCURRENCY: dict[str, Field] = {
    "threshold": Field("integer", required=True),
    "action": _one_of("delay", "cancel"),
}
_POLICY_TYPES: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "action.concurrency": _CONCURRENCY,
        "action.concurrency.attr": {**_CONCURRENCY, "attributes": Field("array", check=shape.TEXTS)},
        "action.retry": {
            "retry_on": Field("string", required=True, check=_one_of("failure", "timeout").check),
            "max_retry_count": Field("integer", check=_between(1, 5)),
            "delay": Field("number", check=_between(0, 120)),
        },
    }
)
# What StackStorm fills in where the file says nothing.
_POLICY_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "action.concurrency": {"action": "delay"},
        "action.concurrency.attr": {"action": "delay"},
        "action.retry": {"max_retry_count": 2},
    }
)
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
    kind = values["policy_type"]
    table = _POLICY_TYPES.get(kind)
    if table is None:
        raise WrongShape(
            f'Referenced policy_type "{kind}" doesnt exist',
            path=("policy_type",),
            hint=nearest(kind, _POLICY_TYPES) or f"Types: {', '.join(_POLICY_TYPES)}.",
        )
    parameters = take(values.get("parameters", {}), table, path=("parameters",))
    return PolicySpec(
        pack=source.pack,
        name=values["name"],
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        resource_ref=values["resource_ref"],
        policy_type=kind,
        parameters={**_POLICY_DEFAULTS[kind], **parameters.values},
        extensions=taken.extensions,
        metadata_file=source.metadata_file,
    )
