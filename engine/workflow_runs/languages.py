"""The workflow languages by the runner they belong to, imported when they are first needed."""

from engine.catalogue import Catalogue
from engine.workflows.conducting import Language

_BUILT_IN = {
    "orquesta": "engine.workflows.orquesta:Orquesta",
    "action-chain": "engine.workflows.chain:ActionChains",
}


class Languages:
    def __init__(self) -> None:
        self._catalogue = Catalogue(_BUILT_IN, group="stormcrow.workflow_languages")
        self._made: dict[str, Language] = {}

    def get(self, runner: str) -> Language:
        """KeyError for a runner that is no workflow's."""
        if runner not in self._made:
            self._made[runner] = self._catalogue.load(runner)()
        return self._made[runner]
