"""The workflow languages by the runner they belong to, imported when they are first needed."""

from engine.catalogue import Catalogue
from engine.expressions.jinja import Templates
from engine.workflows.conducting import Language

_BUILT_IN = {
    "orquesta": "engine.workflows.orquesta:Orquesta",
    "action-chain": "engine.workflows.action_chains:ActionChains",
}


class Languages:
    """`templates` render what languages write in Jinja besides their own expressions."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._catalogue = Catalogue(_BUILT_IN, group="stormcrow.workflow_languages")
        self._made: dict[str, Language] = {}

    def get(self, runner: str) -> Language:
        """KeyError for a runner that is no workflow's."""
        if runner not in self._made:
            self._made[runner] = self._catalogue.load(runner)(self._templates)
        return self._made[runner]
