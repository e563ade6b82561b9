"""Small registries for the tests of aliases."""

from typing import Any

from engine.content.registry import Registry
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasFormat, AliasSpec
from engine.specs.parameter import ParameterSpec


def action(name: str, *, runner: str = "noop", **parameters: dict[str, Any]) -> ActionSpec:
    return ActionSpec(
        pack="demo",
        name=name,
        runner_type=runner,
        parameters={key: ParameterSpec.of(key, schema) for key, schema in parameters.items()},
    )


def alias(name: str, *formats: str | AliasFormat, to: str = "demo.work", **more: Any) -> AliasSpec:
    made = tuple(
        each if isinstance(each, AliasFormat) else AliasFormat(display=each, representations=(each,))
        for each in formats
    )
    return AliasSpec(
        pack=more.pop("pack", "demo"),
        name=name,
        action_ref=to,
        formats=made,
        metadata_file=f"aliases/{name}.yaml",
        **more,
    )


def registry(*parts: ActionSpec | AliasSpec) -> Registry:
    return Registry(
        actions={part.ref: part for part in parts if isinstance(part, ActionSpec)},
        aliases={part.ref: part for part in parts if isinstance(part, AliasSpec)},
    )


STRING: dict[str, Any] = {"type": "string"}
