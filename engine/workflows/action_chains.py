"""Action chains as a language of workflows: text -> plan -> conductor."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.errors import BadContent
from engine.expressions.jinja import Templates
from engine.specs.action import ActionSpec
from engine.workflows.calls import Host
from engine.workflows.chain_conduct import ChainConductor
from engine.workflows.chain_reading import read_chain
from engine.workflows.chain_state import loaded
from engine.workflows.chain_texts import ChainPlan, plan_of
from engine.workflows.conducting import Unplannable

# Chains whose plan is kept; a text is read and compiled once.
_KEPT = 256


class ActionChains:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def plan(self, text: str) -> ChainPlan:
        return _plan(text)

    def amiss(self, text: str, actions: Mapping[str, ActionSpec]) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """Nothing: a chain meets what is not there on its way, as in StackStorm."""
        return ()

    def refusal(self, errors: Sequence[Mapping[str, Any]]) -> Any:
        return {"error": "\n".join(str(error["message"]) for error in errors), "traceback": ""}

    def begin(
        self, plan: ChainPlan, *, context: Mapping[str, Any], inputs: Mapping[str, Any], host: Host
    ) -> ChainConductor:
        return ChainConductor.begin(
            plan, context=context, inputs=inputs, host=host, templates=self._templates
        )

    def load(
        self,
        plan: ChainPlan,
        *,
        context: Mapping[str, Any],
        snapshot: bytes | None,
        deltas: Sequence[bytes],
        host: Host,
    ) -> ChainConductor:
        state = loaded(host.value, snapshot, deltas)
        return ChainConductor(plan, state, context=context, host=host, templates=self._templates)


@lru_cache(maxsize=_KEPT)
def _plan(text: str) -> ChainPlan:
    try:
        return plan_of(read_chain(text, name="the chain"))
    except BadContent as error:
        line = error.where.rpartition(":")[2]
        message = f"{error.message} (line {line})"
        raise Unplannable(
            message, errors=[{"type": "error", "message": message}], where=error.where
        ) from error
