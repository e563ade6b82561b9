"""What the tests of this room share: templates, a datastore in a dict, actions."""

from collections.abc import Mapping
from typing import Any

from engine.expressions.jinja import Templates
from engine.expressions.params import ActionPlan, Plans, TemplateScope
from engine.settings.content import TemplateSettings
from engine.specs.action import ActionSpec
from engine.specs.parameter import ParameterSpec

CIPHER = "cipher:"


def decrypt(ciphertext: str) -> str:
    if not ciphertext.startswith(CIPHER):
        raise ValueError("not a ciphertext")
    return ciphertext.removeprefix(CIPHER)


class DictKeys:
    """Keys in a dict: `system.NAME` or `user.USER.NAME`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.asked: list[str] = []

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        key = f"system.{name}" if scope == "system" else f"user.{user}.{name}"
        self.asked.append(key)
        return self.values.get(key)


def templates(**limits: int) -> Templates:
    return Templates(TemplateSettings(**limits), decrypt=decrypt)


def scope(keys: Mapping[str, str] | None = None, **more: Any) -> TemplateScope:
    return TemplateScope(templates=templates(), keys=DictKeys(keys or {}), **more)


def action(runner: str = "python-script", **parameters: Mapping[str, Any]) -> ActionSpec:
    return ActionSpec(
        pack="p",
        name="a",
        runner_type=runner,
        parameters={name: ParameterSpec.of(name, schema) for name, schema in parameters.items()},
    )


def plan(runner: str = "python-script", **parameters: Mapping[str, Any]) -> ActionPlan:
    return Plans().get(action(runner, **parameters))
