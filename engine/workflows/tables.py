"""The tables of a workflow's state, and how they are kept in step with one another.

Only the operations of `state.State` change them.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from engine.workflows.compile import Plan
from engine.workflows.contexts import Context
from engine.workflows.entries import Call, Entry, Staged
from engine.workflows.joins import Join, Passed, passed_by
from engine.workflows.statuses import COMPLETED, Census
from engine.workflows.values import Sealed, Values

WORKFLOW = -1
"""In the place of an entry: the workflow itself."""
StagedKey = tuple[str, int, int]


class Tables:
    def __init__(self, plan: Plan, host_context: Mapping[str, Any], stored: Callable[[str], bytes]) -> None:
        self.plan = plan
        self.values = Values(stored)
        self._host_context = host_context
        self.status = ""
        self.is_pause_wanted = False
        self.given: Mapping[str, Any] | None = None
        """Inputs and variables as they were written down; None: they did not render."""
        self.contexts: list[Context] = []
        self.routes: list[tuple[str, ...]] = []
        self.sequence: list[Entry] = []
        self.last: dict[tuple[str, int], int] = {}
        """By task and route: the entry that ran last."""
        self.ready: dict[StagedKey, Staged] = {}
        self.cleanup: dict[StagedKey, Staged] = {}
        """Those of `ready` that start although the workflow has failed."""
        self.hungry: dict[int, None] = {}
        """Entries with items that may start now."""
        self.deadlines: dict[int, int] = {}
        """By entry, or WORKFLOW: when it is out of time."""
        self._next_deadlines: list[tuple[int, int]] = []
        """A heap of (time, entry); some of them do not hold any more."""
        self.owed: dict[int, str] = {}
        """Entries that have a call to make: its purpose."""
        self.outcome = ""
        """How it ended, while something still runs after its end."""
        self.phase = ""
        """undo, final, or cut when somebody cancelled that; empty: it has not ended."""
        self.to_undo: list[tuple[int, int | None]] = []
        """Entry and item, the next one first."""
        self.was_undone = False
        self.undoing: str | None = None
        """The execution that undoes."""
        self.finished: list[int] = []
        """Entries in the order in which they ended, where that matters: x-on-failure: undo."""
        self.joins: dict[tuple[str, int], Join] = {}
        self.calls: dict[str, Call] = {}
        self.working = 0
        """Calls that neither wait for an answer nor are paused."""
        self.census = Census()
        self.errors: list[Sealed] = []
        self._error_texts: set[str] = set()
        self.is_broken = False
        """An expression of the definition has failed, or another fault of its own, since it (re)started."""
        self.output: Sealed | None = None
        self.output_errors: list[Sealed] = []
        """Of its rendering: gone when the workflow runs again."""

    def _open(self, value: Any) -> Sealed:
        return value if isinstance(value, Sealed) else self.values.unseal(value)

    @property
    def next_deadline(self) -> tuple[int, int] | None:
        """(time, entry or WORKFLOW)."""
        heap = self._next_deadlines
        while heap and self.deadlines.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def _put_ready(self, staged: Staged) -> None:
        self.ready[staged.task, staged.route, staged.slot] = staged

    def _clean_up(self, staged: Staged) -> None:
        staged.is_on_fail = True
        self.cleanup[staged.task, staged.route, staged.slot] = staged

    def _add_entry(
        self, task: str, route: int, context: int, previous: Sequence[int], generation: int | None
    ) -> Entry:
        passed: Passed = passed_by(self.sequence[number].passed for number in previous)
        if generation is not None and self.plan.tasks[task].is_looping:
            passed = {**passed, (task, route): generation + 1}
        entry = Entry(
            number=len(self.sequence),
            task=task,
            route=route,
            context=self.contexts[context],
            previous=tuple(previous),
            generation=generation,
            passed=passed,
        )
        before = self.last.get((task, route))
        if before is not None and self.sequence[before].counted_as == "canceled":
            self._recount(self.sequence[before], "")
        self.sequence.append(entry)
        self.last[task, route] = entry.number
        return entry

    def _feed(self, entry: Entry) -> None:
        if entry.items is not None and entry.status and entry.status not in COMPLETED and entry.items.slots:
            self.hungry[entry.number] = None
        else:
            self.hungry.pop(entry.number, None)

    def _count(self, entry: Entry, status: str) -> None:
        entry.status = status
        is_waiting = status == "paused" and entry.items is not None and entry.items.is_waiting
        self._recount(entry, "pending" if is_waiting else status)

    def _recount(self, entry: Entry, counted_as: str) -> None:
        self.census.count(entry.counted_as, -1)
        self.census.count(counted_as, 1)
        entry.counted_as = counted_as

    def has_error(self, error: Sealed) -> bool:
        return key_of(error) in self._error_texts


def key_of(sealed: Sealed) -> str:
    """Equal for equal values."""
    return orjson.dumps(sealed.written).decode()
