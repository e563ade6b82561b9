"""Orquesta as a language of workflows: text -> plan -> conductor."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings
from engine.specs.action import ActionSpec
from engine.workflows.calls import Host
from engine.workflows.compile import Plan, plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.conducting import Unplannable
from engine.workflows.inspect import flattened, inspect
from engine.workflows.inspect_contents import content_problems, parameters_of
from engine.workflows.reading import DefinitionError, read

# Definitions whose plan is kept; a text is inspected and compiled once.
_KEPT = 256


class Orquesta:
    def __init__(self, templates: Templates) -> None:
        """It has an environment of its own for Jinja: only the limits of `templates` hold."""
        self._settings = templates.settings

    def plan(self, text: str) -> Plan:
        return _plan(text, self._settings)

    def amiss(self, text: str, actions: Mapping[str, ActionSpec]) -> Sequence[Mapping[str, Any]]:
        return flattened({"content": content_problems(text, parameters_of(actions))})

    def refusal(self, errors: Sequence[Mapping[str, Any]]) -> Any:
        return {"output": None, "errors": list(errors)}

    def begin(
        self, plan: Plan, *, context: Mapping[str, Any], inputs: Mapping[str, Any], host: Host
    ) -> Conductor:
        return Conductor.begin(plan, context=context, inputs=inputs, host=host)

    def load(
        self,
        plan: Plan,
        *,
        context: Mapping[str, Any],
        snapshot: bytes | None,
        deltas: Sequence[bytes],
        host: Host,
    ) -> Conductor:
        return Conductor.load(plan, context=context, snapshot=snapshot, deltas=deltas, host=host)


@lru_cache(maxsize=_KEPT)
def _plan(text: str, settings: TemplateSettings) -> Plan:
    try:
        definition = read(text)
    except DefinitionError as error:
        entry = {"type": "error", "message": error.message}
        raise Unplannable(error.message, errors=[entry], where=error.where) from error
    problems = flattened(inspect(text))
    if problems:
        raise Unplannable(str(problems[0]["message"]), errors=problems)
    return plan_of(definition, settings)
