"""The parameters of an action: its runner's and its own, merged by StackStorm's rules."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.errors import BadContent
from engine.specs.action import ActionSpec
from engine.specs.parameter import ParameterSpec
from engine.specs.runner_type import OVERRIDABLE, RunnerTypeSpec


def merge_parameters(action: ActionSpec, runner: RunnerTypeSpec) -> Mapping[str, ParameterSpec]:
    """Runner parameters first. An action may say some attributes of a runner's parameter again.

    What the runner declares immutable stays so. Raises BadContent for any other attribute.
    """
    merged = dict(runner.parameters)
    for name, own in action.parameters.items():
        of_runner = runner.parameters.get(name)
        merged[name] = own if of_runner is None else _override(of_runner, own, action)
    return MappingProxyType(merged)


def _override(of_runner: ParameterSpec, own: ParameterSpec, action: ActionSpec) -> ParameterSpec:
    schema: dict[str, Any] = dict(of_runner.schema_)
    for attribute, value in own.schema_.items():
        if attribute in OVERRIDABLE:
            schema[attribute] = value
        elif schema.get(attribute) != value:
            raise BadContent(
                f'The attribute "{attribute}" for the runner parameter "{own.name}" '
                f'in action "{action.ref}" cannot be overridden.',
                hint=f"These can: {', '.join(sorted(OVERRIDABLE))}.",
                where=action.metadata_file,
            )
    if of_runner.immutable:
        schema["immutable"] = True
    return ParameterSpec.of(own.name, schema)
