"""What an expression sees while a task is rendered or has just ended; read when it asks."""

from collections.abc import Mapping
from typing import Any, Self

from engine.workflows.contexts import Context, Variables
from engine.workflows.entries import Entry
from engine.workflows.run import Run

_NO_ITEM = object()


class RunScope:
    """`engine.workflows.scope.Scope` on a workflow's live state."""

    __slots__ = ("_entry", "_execution_id", "_item", "_route", "_run", "_task", "_variables")

    def __init__(
        self,
        run: Run,
        context: Context,
        *,
        task: str | None = None,
        route: int = 0,
        entry: Entry | None = None,
        item: Any = _NO_ITEM,
        rolling: dict[str, Any] | None = None,
    ) -> None:
        self._run = run
        self._variables = Variables(context, rolling)
        self._task = task
        """None: outside of tasks, as in `output`."""
        self._route = route
        self._entry = entry
        """That has just ended; None: before a task has run."""
        self._item = item
        self._execution_id = ""
        """Whose result it is about, in place of the entry's."""

    def of_item(self, item: Any, execution_id: str) -> Self:
        """The same, for an item that has ended."""
        self._item = item
        self._execution_id = execution_id
        return self

    @property
    def variables(self) -> Mapping[str, Any]:
        return self._variables

    @property
    def item(self) -> Any:
        if self._item is _NO_ITEM:
            raise LookupError("there is no item here")
        return self._item

    @property
    def status(self) -> str:
        if self._entry is not None:
            return self._entry.status
        if self._task is None:
            return ""
        return self.task_status(self._task, None) or "null"

    @property
    def is_timed_out(self) -> bool:
        return self._entry is not None and self._entry.is_timed_out

    def result(self) -> Any:
        if self._execution_id:
            return self._run.results.of([self._execution_id])[0]
        return None if self._entry is None else self._run.result_of(self._entry)

    def task_status(self, name: str, route: int | None) -> str | None:
        entry = self._run.entry_of(name, self._route if route is None else route)
        return None if entry is None or not entry.status else entry.status

    def task(self, name: str | None, route: int | None) -> Mapping[str, Any] | None:
        wanted = name if name is not None else self._task
        if wanted is None:
            return None
        entry = self._run.entry_of(wanted, self._route if route is None else route)
        return None if entry is None else self._run.record_of(entry)

    def key(self, name: str, *, decrypt: bool) -> str | None:
        about = self._run.context.get("st2")
        user = about.get("user") if isinstance(about, Mapping) else None
        return self._run.host.key(name, user=user or "", decrypt=decrypt)
