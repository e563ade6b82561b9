"""The statuses of workflows and tasks, and the rules by which they follow from one another.

A task ends, waits or is stopped; what that makes of the workflow depends on the workflow's status,
on what happened, and on whether other tasks are still active. That is all of the table AFTER_TASK:
each cell is (while others are active, when nothing is active any more).

    what happened   a task ...
    went on         succeeded, or failed and something handles it; there is more to run
    done            the same, and nothing is left to run
    held            the same, while another task is pausing or paused
    waiting         the same, while another task waits for an answer and nothing else can run
    dropped         the same, after another task was cancelled
    failed          failed, and nothing handles it
    pending pausing paused canceling canceled retrying running   is in this status now

One thing differs from StackStorm on purpose: there a task that waits for an answer stops every
branch. Here the workflow runs on while anything else can run, is paused only when nothing can, and
an answer lets it run on.
"""

from dataclasses import dataclass

from engine.errors import IllegalTransition

ABENDED = frozenset({"failed", "timeout", "abandoned"})
COMPLETED = ABENDED | {"succeeded", "canceled"}
ACTIVE = frozenset({"requested", "scheduled", "delayed", "running", "resuming", "pausing", "canceling"})
# Workflows in these statuses start tasks.
STARTING = frozenset({"requested", "scheduled", "delayed", "running", "resuming"})

Cell = tuple[str, str]

_RUNNING: dict[str, Cell] = {
    "went on": ("running", "running"),
    "done": ("running", "succeeded"),
    "held": ("pausing", "paused"),
    "waiting": ("running", "paused"),
    "dropped": ("canceling", "canceled"),
    "failed": ("failed", "failed"),
    "pending": ("running", "paused"),
    "paused": ("running", "paused"),
    "canceling": ("canceling", "canceling"),
    "canceled": ("canceling", "canceled"),
}
_PAUSING: dict[str, Cell] = {
    "went on": ("pausing", "paused"),
    "done": ("pausing", "paused"),
    "held": ("pausing", "paused"),
    "waiting": ("pausing", "paused"),
    "dropped": ("pausing", "canceled"),
    "failed": ("failed", "failed"),
    "pending": ("pausing", "paused"),
    "paused": ("pausing", "paused"),
    "canceling": ("canceling", "canceling"),
    "canceled": ("canceling", "canceled"),
    "retrying": ("pausing", "paused"),
}
_CANCELING: dict[str, Cell] = dict.fromkeys(
    ("went on", "done", "held", "waiting", "dropped", "failed", "pending", "paused", "canceled", "retrying"),
    ("canceling", "canceled"),
)
AFTER_TASK: dict[str, dict[str, Cell]] = {
    "running": _RUNNING,
    "resuming": _RUNNING
    | {
        "running": ("running", "running"),
        "held": ("resuming", "paused"),
        "dropped": ("resuming", "canceled"),
    },
    "pausing": _PAUSING,
    # Somebody paused it: only a task that runs again changes that.
    "paused": {"running": ("running", "running"), "resuming": ("running", "running")},
    "canceling": _CANCELING,
}

# What people ask for: (while tasks are active, when none is).
_PAUSE: Cell = ("pausing", "paused")
_CANCEL: Cell = ("canceling", "canceled")
AFTER_REQUEST: dict[str, dict[str, Cell]] = {
    "running": {"paused": _PAUSE, "canceled": _CANCEL},
    "pausing": {"paused": _PAUSE, "canceled": _CANCEL, "resuming": ("resuming", "resuming")},
    "paused": {"canceled": _CANCEL, "resuming": ("resuming", "resuming")},
    "resuming": {"paused": _PAUSE, "canceled": _CANCEL},
    "canceling": {"canceled": _CANCEL},
}


@dataclass(slots=True)
class Census:
    """How many tasks stand how; counted as they change, so that every rule costs the same."""

    active: int = 0
    pausing: int = 0
    paused: int = 0
    pending: int = 0
    canceling: int = 0
    canceled: int = 0

    def count(self, status: str, by: int) -> None:
        if status in ACTIVE:
            self.active += by
        if status in ("pausing", "paused", "pending", "canceling", "canceled"):
            setattr(self, status, getattr(self, status) + by)


def after_task(workflow: str, happened: str, census: Census, *, has_ready: bool, is_wanted: bool) -> str:
    """The workflow's next status.

    `happened`: a status of the task, or `handled` for a failure that something handles;
    `has_ready`: something is to be started, or has items to start;
    `is_wanted`: somebody asked for the pause that it is in.
    """
    # A pause that came of itself, because nothing could run, ends when something can.
    is_forced = workflow == "paused" and not is_wanted and happened not in ("running", "resuming")
    row = "running" if is_forced else workflow
    what = happened
    if happened in ("succeeded", "handled"):
        what = _kind_of_success(census, has_ready)
    elif happened == "pending" and has_ready and row in ("running", "resuming"):
        what = "went on"
    cell = AFTER_TASK.get(row, {}).get(what)
    if cell is None:
        return workflow
    return cell[0] if census.active else cell[1]


def _kind_of_success(census: Census, has_ready: bool) -> str:
    if census.canceling or census.canceled:
        return "dropped"
    if census.pausing or census.paused:
        return "held"
    if has_ready:
        return "went on"
    return "waiting" if census.pending else "done"


def after_request(workflow: str, wanted: str, *, is_active: bool) -> str:
    """`wanted`: paused, resuming or canceled. Raises IllegalTransition; to repeat a wish is fine."""
    cell = AFTER_REQUEST.get(workflow, {}).get(wanted)
    if cell is None:
        if workflow == wanted:
            return workflow
        raise IllegalTransition(
            f'Unable to process event "workflow_{wanted}" for workflow in "{workflow}" status.',
            hint=f"A workflow that is {workflow} cannot become {wanted}.",
        )
    return cell[0] if is_active else cell[1]


def after_action(task: str, action: str) -> str:
    """The status of a task without items when its action is in this one.

    An action that timed out or was abandoned makes its task `failed`: StackStorm's rule.
    """
    if task in COMPLETED:
        return task
    if action in COMPLETED:
        return "failed" if action in ABENDED else action
    if task == "canceling":
        return "canceled" if action == "paused" else task
    if action in ("pending", "pausing", "paused", "canceling"):
        return action
    if action == "resuming":
        return action if task in ("pausing", "paused") else task
    if action == "running":
        return action if task in ("requested", "resuming", "paused", "retrying") else task
    return task


@dataclass(frozen=True, slots=True)
class Others:
    """How many of a task's other items stand how."""

    active: int
    paused: int
    """Or waiting for an answer."""
    canceled: int
    abended: int
    unset: int
    """Not started."""


def after_item(task: str, item: str, others: Others) -> str:
    """The status of a with-items task when one of its items is in this status."""
    if task in COMPLETED:
        return task
    if item == "running":
        return item if task in ("requested", "paused", "resuming", "retrying") else task
    if item in ("pausing", "canceling"):
        return item if task == "running" else task
    if item not in COMPLETED and item not in ("pending", "paused"):
        return task
    if others.active:
        if item == "canceled" and task == "running":
            return "canceling"
        return "pausing" if item == "paused" and task == "running" else task
    return _last_active_item(task, item, others)


def _last_active_item(task: str, item: str, others: Others) -> str:
    if task == "canceling":
        is_whole = not (others.paused or others.canceled or others.abended or others.unset)
        return "succeeded" if item == "succeeded" and is_whole else "canceled"
    if item == "canceled" or (others.canceled and not (others.paused and item not in ABENDED)):
        return "canceled"
    if item in ABENDED:
        return "failed"
    if others.paused:
        return "paused"
    if others.abended:
        return "failed"
    if item in ("pending", "paused"):
        return "paused"
    if others.unset:
        return "running" if task == "running" else "paused"
    return "succeeded"
