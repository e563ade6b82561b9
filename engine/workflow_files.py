"""Files of workflows and chains that are broken: told in the log when they change, and to who asks.

Their actions are listed all the same, and fail when they are run. A start only notes how the files are:
what inspects them is heavy, and mostly nothing has changed.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.content.registry import Registry, Unavailable
from engine.specs.action import ActionSpec

log = logging.getLogger(__name__)

_RUNNERS = frozenset({"orquesta", "action-chain"})

Stamps = Mapping[Path, tuple[int, int]]
"""(time of the change in nanoseconds, size in bytes)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    generation: int
    stamps: Stamps
    broken: tuple[Unavailable, ...]


class WorkflowFiles:
    """Safe to ask from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: Stamps | None = None
        self._last: _Looked | None = None

    def look(self, registry: Registry) -> None:
        """Log what is wrong with those that changed since the last call; the first call only notes them."""
        with self._lock:
            stamps = _stamps(registry)
            before, self._before = self._before, stamps
        if before is None:
            return
        changed = [ref for ref, action in _written(registry).items() if _is_new(action, before, stamps)]
        for one in _broken(registry, changed):
            log.warning("%s: %s", one.where, one.reason, extra={"action": f"{one.pack}.{one.name}"})

    def broken(self, registry: Registry) -> Sequence[Unavailable]:
        """All of them, as `unavailable` of the kind `workflow`."""
        with self._lock:
            stamps = _stamps(registry)
            last = self._last
            if last is None or last.generation != registry.generation or last.stamps != stamps:
                found = _broken(registry, list(_written(registry)))
                last = _Looked(generation=registry.generation, stamps=stamps, broken=tuple(found))
                self._last = last
            return last.broken


def _written(registry: Registry) -> dict[str, ActionSpec]:
    """Actions that are such a file, by ref."""
    return {
        ref: action
        for ref, action in registry.actions.items()
        if action.runner_type in _RUNNERS and action.entry_point
    }


def _stamps(registry: Registry) -> Stamps:
    """Files that are not there are left out."""
    found = {}
    for action in _written(registry).values():
        try:
            status = action.entry_path.stat()
        except OSError:
            continue
        found[action.entry_path] = (status.st_mtime_ns, status.st_size)
    return found


def _is_new(action: ActionSpec, before: Stamps, now: Stamps) -> bool:
    path = action.entry_path
    return path in now and now[path] != before.get(path)


def _broken(registry: Registry, refs: Sequence[str]) -> list[Unavailable]:
    if not refs:
        return []
    # The languages of workflows are heavy, and are not needed at the start.
    from engine.workflows.chain_lint import lint as lint_chains  # noqa: PLC0415
    from engine.workflows.workflow_lint import lint as lint_workflows  # noqa: PLC0415

    found: list[Unavailable] = []
    for ref in refs:
        action = registry.actions[ref]
        alone = replace(registry, actions={ref: action})
        findings = (*lint_chains(alone, known=registry), *lint_workflows(alone, known=registry))
        found += [
            Unavailable(
                kind="workflow",
                pack=action.pack,
                name=action.name,
                where=finding.where,
                reason=finding.text,
                hint=finding.hint,
            )
            for finding in findings
            if finding.severity == "error"
        ]
    return found
