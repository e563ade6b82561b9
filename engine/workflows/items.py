"""The items of a with-items task: an array with a cursor, rendered one by one as they start."""

from dataclasses import dataclass, field
from typing import Any

from engine.workflows.statuses import ABENDED, ACTIVE, COMPLETED, Others

WAITING = frozenset({"pending", "paused"})


@dataclass(slots=True)
class Items:
    values: list[Any]
    concurrency: int | None = None
    """None: all at once."""
    retry_count: int = 0
    """How often an item that failed is tried again, x-items."""
    retry_delay_s: int = 0
    statuses: list[str] = field(default_factory=list)
    """Empty: not started."""
    executions: list[str] = field(default_factory=list)
    """The newest of each; empty: none yet."""
    tries: dict[int, int] = field(default_factory=dict)
    """Retries so far, of those that had any."""
    cursor: int = 0
    """All before it have been started."""
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.statuses:
            self.statuses = [""] * len(self.values)
            self.executions = [""] * len(self.values)
        for status in self.statuses:
            self.counts[status] = self.counts.get(status, 0) + 1

    @property
    def total(self) -> int:
        return len(self.values)

    @property
    def unset(self) -> int:
        return self.counts.get("", 0)

    @property
    def done(self) -> int:
        return self._sum(COMPLETED)

    @property
    def active(self) -> int:
        return self._sum(ACTIVE)

    @property
    def abended(self) -> int:
        return self._sum(ABENDED)

    @property
    def is_waiting(self) -> bool:
        """For answers, and not because somebody paused it."""
        return bool(self.counts.get("pending")) and not self.counts.get("paused")

    @property
    def slots(self) -> int:
        """How many may start now; one that waits for an answer keeps its place."""
        if self.concurrency is None:
            return self.unset
        return max(0, min(self.unset, self.concurrency - self.active - self._sum(WAITING)))

    def next_unset(self, start: int) -> int:
        """The first from `start` on that was not started; there must be one."""
        while self.statuses[self.cursor] != "":
            self.cursor += 1
        item = max(start, self.cursor)
        while self.statuses[item] != "":
            item += 1
        return item

    def put(self, item: int, status: str) -> None:
        before = self.statuses[item]
        self.counts[before] -= 1
        self.counts[status] = self.counts.get(status, 0) + 1
        self.statuses[item] = status

    def again(self, item: int) -> None:
        """It is to start once more."""
        self.tries[item] = self.tries.get(item, 0) + 1
        self.put(item, "")
        self.cursor = min(self.cursor, item)

    def for_rerun(self, *, whole: bool) -> "Items":
        """The same list; those that did not succeed are to run again, or all of them."""
        keep = [not whole and status == "succeeded" for status in self.statuses]
        return Items(
            self.values,
            self.concurrency,
            retry_count=self.retry_count,
            retry_delay_s=self.retry_delay_s,
            statuses=["succeeded" if kept else "" for kept in keep],
            executions=[self.executions[item] if kept else "" for item, kept in enumerate(keep)],
        )

    def others(self, item: int) -> Others:
        """Of all but this one."""
        status = self.statuses[item]
        return Others(
            active=self.active - (status in ACTIVE),
            paused=self._sum(WAITING) - (status in WAITING),
            canceled=self.counts.get("canceled", 0) - (status == "canceled"),
            abended=self.abended - (status in ABENDED),
            unset=self.unset - (not status),
        )

    def _sum(self, statuses: frozenset[str]) -> int:
        return sum(count for status, count in self.counts.items() if status in statuses)


def named(names: tuple[str, ...], item: Any) -> Any:
    """What `item()` gives: the item itself, or its parts by name.

    A list gives its parts to the names in order, also to a single one: StackStorm's rule.
    """
    if not names:
        return item
    if isinstance(item, list | tuple):
        return dict(zip(names, item, strict=False))
    return {names[0]: item} if len(names) == 1 else item
