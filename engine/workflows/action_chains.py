"""ActionChain as a language of workflows: text -> chain -> conductor."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.errors import BadContent
from engine.expressions.jinja import Templates
from engine.workflows.calls import Host
from engine.workflows.chain import Chain
from engine.workflows.chain_conduct import ChainConductor, loaded_state
from engine.workflows.chain_reading import read_chain
from engine.workflows.conducting import Unplannable

_KEPT = 256


class ActionChains:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def plan(self, text: str) -> Chain:
        return _chain(text)

    def refusal(self, errors: Sequence[Mapping[str, Any]]) -> Any:
        return {"error": str(errors[0]["message"]), "traceback": ""}

    def begin(
        self, plan: Chain, *, context: Mapping[str, Any], inputs: Mapping[str, Any], host: Host
    ) -> ChainConductor:
        return ChainConductor.begin(plan, {**context, "inputs": inputs}, host, self._templates)

    def load(
        self,
        plan: Chain,
        *,
        context: Mapping[str, Any],
        snapshot: bytes | None,
        deltas: Sequence[bytes],
        host: Host,
    ) -> ChainConductor:
        return ChainConductor(plan, loaded_state(snapshot, deltas), context, host, self._templates)


@lru_cache(maxsize=_KEPT)
def _chain(text: str) -> Chain:
    try:
        return read_chain(text, name="chain")
    except BadContent as error:
        raise Unplannable(error.message, errors=[{"message": error.message}], where=error.where) from error
