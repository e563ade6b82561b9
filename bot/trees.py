"""A workflow's tasks as a tree that a person reads at a glance, however many there are.

What waits, runs or has failed comes first when there are more tasks than lines; what is left out
is counted where it would stand.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import formatting
from bot.chat import Branch, Tree
from engine.clock import isoformat
from engine.status import FAILURES, FINISHED, Status

# So many tasks of one workflow are shown, and so many lines in all.
TASKS_SHOWN = 20
LINES_SHOWN = 60
_DEEPEST = 6
_SMALL = 5
_NAME_LENGTH = 60
_NOTE_LENGTH = 120
# In this order they are counted, the ones that want somebody's attention first.
_COUNTED = (
    *(Status.FAILED, Status.TIMEOUT, Status.ABANDONED, Status.PENDING, Status.PAUSED, Status.PAUSING),
    *(Status.RUNNING, Status.RESUMING, Status.CANCELING, Status.DELAYED, Status.SCHEDULED, Status.REQUESTED),
    *(Status.CANCELED, Status.SUCCEEDED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTask:
    """One task that was run, or runs."""

    name: str
    status: str
    """StackStorm's word, or `retrying`."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    execution_ids: tuple[str, ...] = ()
    items_total: int | None = None
    """None: it has no items."""
    items_done: int = 0
    note: str = ""
    inner: "tuple[ShownTask, ...]" = ()
    """Those of the workflow that it runs."""


def tree_of(tasks: Sequence[ShownTask], *, now: datetime, is_folded: bool = False) -> Tree:
    """`now`: the moment up to which what runs is counted."""
    lines = list(_branches(tasks, 0, now))
    left = len(lines) - LINES_SHOWN
    if left > 0:
        lines = [*lines[:LINES_SHOWN], Branch(name="", note=f"… {left:,} more lines")]
    return Tree(branches=tuple(lines), title=counts(tasks), is_folded=is_folded)


def counts(tasks: Sequence[ShownTask]) -> str:
    """`12 tasks: 1 failed, 2 running, 9 succeeded`."""
    if not tasks:
        return "no task yet"
    return f"{len(tasks):,} {'task' if len(tasks) == 1 else 'tasks'}: {_by_status(tasks)}"


def _by_status(tasks: Sequence[ShownTask]) -> str:
    found = Counter(task.status for task in tasks)
    known = [status for status in _COUNTED if found[status]]
    rest = sorted(status for status in found if status not in _COUNTED)
    return ", ".join(f"{found[status]:,} {formatting.status_word(status)}" for status in (*known, *rest))


def _branches(tasks: Sequence[ShownTask], depth: int, now: datetime) -> Iterator[Branch]:
    hidden: list[ShownTask] = []
    shown = kept(tasks)
    for number, task in enumerate(tasks):
        if number not in shown:
            hidden.append(task)
            continue
        if hidden:
            yield _left_out(hidden, depth)
            hidden = []
        yield _branch(task, depth, now)
        if not task.inner:
            continue
        if depth + 1 < _DEEPEST and not _is_settled(task):
            yield from _branches(task.inner, depth + 1, now)
        else:
            yield Branch(name="", depth=depth + 1, note=counts(task.inner))
    if hidden:
        yield _left_out(hidden, depth)


def _is_settled(task: ShownTask) -> bool:
    """A sub-workflow that went well: how many tasks it had is all there is to say."""
    return task.status == Status.SUCCEEDED and len(task.inner) > _SMALL


def kept(tasks: Sequence[ShownTask]) -> frozenset[int]:
    """The numbers of the tasks that are shown: failures, what is not over, then the newest."""
    if len(tasks) <= TASKS_SHOWN:
        return frozenset(range(len(tasks)))

    def urgency(number: int) -> tuple[int, int]:
        status = tasks[number].status
        if status in FAILURES:
            return (0, -number)
        return (2 if status in FINISHED else 1, -number)

    return frozenset(sorted(range(len(tasks)), key=urgency)[:TASKS_SHOWN])


def _left_out(tasks: Sequence[ShownTask], depth: int) -> Branch:
    return Branch(name="", depth=depth, note=f"… {len(tasks):,} more: {_by_status(tasks)}")


def _branch(task: ShownTask, depth: int, now: datetime) -> Branch:
    is_over = task.ended_at is not None or task.status in FINISHED
    elapsed_s = None
    if task.started_at is not None:
        elapsed_s = max(0.0, ((task.ended_at or now) - task.started_at).total_seconds())
    return Branch(
        name=_one_line(task.name, _NAME_LENGTH),
        depth=depth,
        status=task.status,
        note=" · ".join(part for part in (_items(task), _one_line(task.note, _NOTE_LENGTH)) if part),
        elapsed_s=elapsed_s,
        since=isoformat(task.started_at) if task.started_at is not None and not is_over else "",
        execution_id=task.execution_ids[0] if len(task.execution_ids) == 1 else "",
    )


def _items(task: ShownTask) -> str:
    if task.items_total is None:
        return ""
    return f"{task.items_done:,}/{task.items_total:,} items"


def _one_line(text: str, limit: int) -> str:
    line = " ".join(formatting.clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
