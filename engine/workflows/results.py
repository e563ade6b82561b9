"""Results of finished actions, by execution: in memory while they are needed, else from the host."""

from collections.abc import Callable, Sequence
from typing import Any

# Of actions whose task has ended: what `task()` asks for most is what ended last.
_KEPT = 256


class Results:
    def __init__(self, ask: Callable[[Sequence[str]], Sequence[Any]]) -> None:
        self._ask = ask
        self._held: dict[str, Any] = {}
        """Of tasks that still run."""
        self._lately: dict[str, Any] = {}

    def hold(self, execution_id: str, result: Any) -> None:
        self._held[execution_id] = result

    def release(self, execution_ids: Sequence[str]) -> None:
        """Their task has ended: they may be forgotten."""
        for execution_id in execution_ids[-_KEPT:]:
            if execution_id in self._held:
                self._lately[execution_id] = self._held[execution_id]
        for execution_id in execution_ids:
            self._held.pop(execution_id, None)
        while len(self._lately) > _KEPT:
            del self._lately[next(iter(self._lately))]

    def of(self, execution_ids: Sequence[str]) -> list[Any]:
        """In this order; null for an empty id."""
        known = {}
        unknown = []
        for execution_id in execution_ids:
            if execution_id in self._held:
                known[execution_id] = self._held[execution_id]
            elif execution_id in self._lately:
                known[execution_id] = self._lately[execution_id]
            elif execution_id:
                unknown.append(execution_id)
        if unknown:
            known.update(zip(unknown, self._ask(unknown), strict=True))
        return [known.get(execution_id) for execution_id in execution_ids]
