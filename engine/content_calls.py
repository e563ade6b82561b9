"""The engine's door to content: what there is, reload, and what could not be used."""

import logging
from pathlib import Path

from engine.content.registry import Content, Registry, Unavailable
from engine.installer.switching import State
from engine.workflow_files import WorkflowFiles

log = logging.getLogger(__name__)


class ContentCalls:
    """What the engine's callers may do with content; a part of class Engine, which makes these."""

    content: Content
    folder: Path
    _workflow_files: WorkflowFiles

    @property
    def registry(self) -> Registry:
        return self.content.current

    def reload(self) -> Registry:
        """Read all content anew. Broken files are in the result's `unavailable`."""
        self._settle_installs()
        registry = self.content.reload()
        self._workflow_files.look(registry)
        return registry

    def unavailable(self, *, kind: str | None = None, pack: str | None = None) -> list[Unavailable]:
        """The files that could not be used, and those of workflows and chains that cannot be run."""
        registry = self.registry
        found = list(registry.unavailable)
        if kind in (None, "workflow"):
            found += self._workflow_files.broken(registry)
        return [one for one in found if kind in (None, one.kind) and pack in (None, one.pack)]

    def _settle_installs(self) -> None:
        """Finish or undo what installers left behind that were killed; see engine/installer."""
        for ref in State(self.folder / "installer").recover():
            log.warning("the pack %s was being switched when its installer was killed; that is done now", ref)
