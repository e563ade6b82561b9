"""A workflow as people see it: the tree of its tasks, what waits in it, and where it can go on."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot import formatting, inquiries, inquiry_facts, trees
from bot.chat import Button, Piece, Text, Tree
from bot.trees import ShownTask
from engine.clock import utcnow
from engine.errors import BadInput, EngineError
from engine.records.execution import Execution
from engine.service import Engine
from engine.specs.runner_type import WORKFLOWS
from engine.status import FAILURES, FINISHED, Status
from engine.workflows.conducting import TaskView

# Workflows in workflows deeper than this are not looked into.
_DEEPEST = 4
_REMEMBERED = 500
# How many questions are named.
_QUESTIONS = 3
# Statuses in which a workflow may be paused.
_PAUSABLE = frozenset({Status.RUNNING, Status.RESUMING})
_RESUMABLE = frozenset({Status.PAUSED, Status.PAUSING})
_UNDO_WORDS = {"": "", "undoing": "is being undone", "undone": "undone", "failed": "⚠ its undo failed"}


def is_workflow(execution: Execution) -> bool:
    return execution.runner in WORKFLOWS


def is_workflow_action(engine: Engine, action: str) -> bool:
    known = engine.registry.actions.get(action)
    return known is not None and known.runner_type in WORKFLOWS


class WorkflowTrees:
    """Trees of workflows; those of sub-workflows that have ended are remembered."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ended: OrderedDict[str, tuple[ShownTask, ...]] = OrderedDict()

    def tasks(self, execution_id: str, *, depth: int = 0) -> tuple[ShownTask, ...]:
        """Every task that was run; only what will be shown is looked into. Raises NotFound."""
        views = self._engine.workflows.tree(execution_id)
        plain = [_shown(view) for view in views]
        kept = trees.kept(plain)
        return tuple(
            self._with_more(task, view, depth) if number in kept else task
            for number, (task, view) in enumerate(zip(plain, views, strict=True))
        )

    def _with_more(self, task: ShownTask, view: TaskView, depth: int) -> ShownTask:
        """With the tasks of the workflow that it runs, or with whom it waits for."""
        if len(view.execution_ids) != 1:
            return task
        (execution_id,) = view.execution_ids
        if task.status == Status.PENDING:
            return replace(task, note=_joined(task.note, self._waits_for(execution_id)))
        if depth + 1 < _DEEPEST and self._may_be_workflow(view.action):
            return replace(task, inner=self._inner(task, execution_id, depth + 1))
        return task

    def _inner(self, task: ShownTask, execution_id: str, depth: int) -> tuple[ShownTask, ...]:
        known = self._ended.get(execution_id)
        if known is not None:
            return known
        found = self.tasks(execution_id, depth=depth)
        if task.status in FINISHED and all(one.status in FINISHED for one in found):
            self._ended[execution_id] = found
            while len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
        return found

    def _may_be_workflow(self, action: str) -> bool:
        # An action that an expression names is looked at.
        is_named = action in self._engine.registry.actions
        return bool(action) and (not is_named or is_workflow_action(self._engine, action))

    def _waits_for(self, execution_id: str) -> str:
        try:
            inquiry = self._engine.inquiries.get(execution_id)
        except EngineError:
            return ""
        deadline = inquiry.deadline_at
        until = f", until {inquiry_facts.moment(deadline)}" if deadline else ""
        return f"{inquiry_facts.who_may(inquiry)}{until}" if inquiry.is_pending else ""


def _shown(view: TaskView) -> ShownTask:
    return ShownTask(
        name=view.task,
        status=view.status,
        started_at=view.started_at,
        ended_at=view.ended_at,
        execution_ids=tuple(view.execution_ids),
        items_done=view.items_done or 0,
        items_total=view.items_total,
        note=_joined(f"try {view.attempt}" if view.attempt > 1 else "", _UNDO_WORDS[view.undo]),
    )


def _joined(*notes: str) -> str:
    return " · ".join(note for note in notes if note)


def questions(engine: Engine, tasks: Sequence[ShownTask], *, prefix: str) -> tuple[Piece, ...]:
    """The words that answer what it waits for."""
    asked = list(waiting_ids(tasks))
    known = [inquiries.of(engine, engine.execution(one)) for one in asked[:_QUESTIONS]]
    words = [inquiries.prompt(one, prefix=prefix).answer_with for one in known if one is not None]
    more = f" and {len(asked) - _QUESTIONS} more: {prefix}inquiries" if len(asked) > _QUESTIONS else ""
    return (Text(text=f"Waits for an answer: {' · '.join(words)}{more}"),) if words else ()


def tree(tasks: Sequence[ShownTask], *, is_folded: bool = False) -> Tree:
    return trees.tree_of(tasks, now=utcnow(), is_folded=is_folded)


def inner_ids(tasks: Sequence[ShownTask]) -> Iterator[str]:
    """The executions of the workflows in it."""
    for task in tasks:
        if task.inner:
            yield task.execution_ids[0]
            yield from inner_ids(task.inner)


def waiting_ids(tasks: Sequence[ShownTask]) -> Iterator[str]:
    """The questions that it waits for."""
    for task in tasks:
        if task.status == Status.PENDING and len(task.execution_ids) == 1:
            yield task.execution_ids[0]
        yield from waiting_ids(task.inner)


# what may be done with it


def buttons(execution: Execution, status: Status, *, is_asking: bool = False) -> tuple[Button, ...]:
    """While it runs or rests. `is_asking`: it rests because it waits for an answer, which lets it go on."""
    word = formatting.short_id(execution.id)
    found = []
    if status in _PAUSABLE:
        found.append(Button(label="Pause", command=f"pause {word}"))
    if status in _RESUMABLE and not is_asking:
        found.append(Button(label="Resume", command=f"resume {word}", style="primary"))
    return (*found, Button(label="Cancel", command=f"cancel {word}", style="danger"))


def can_retry(execution: Execution) -> bool:
    return is_workflow(execution) and execution.status in (*FAILURES, Status.CANCELED)


def failed_at(engine: Engine, execution: Execution) -> tuple[str, ...]:
    """The tasks from which it may go on: those at which it failed. Empty: nobody knows, or it was undone."""
    tree = engine.workflows.tree(execution.id)
    if _was_undone(tree):
        return ()
    views = [view for view in tree if view.status in FAILURES]
    ends = [view for view in views if view.is_terminal]
    return tuple(dict.fromkeys(view.task for view in ends or views[-1:]))


def _was_undone(tree: Sequence[TaskView]) -> bool:
    return any(view.undo for view in tree)


def retried_tasks(engine: Engine, execution: Execution, named: str) -> tuple[str, ...]:
    """The tasks to run again. `named`: what people wrote, with commas. Raises BadInput."""
    if not is_workflow(execution):
        raise BadInput(
            f"{execution.action} is no workflow, so there is no task to go on from.",
            hint=f"Start all of it again: rerun {formatting.short_id(execution.id)}",
        )
    if _was_undone(engine.workflows.tree(execution.id)):
        raise BadInput(
            f"What {execution.action} had done was undone, so it cannot go on from the middle.",
            hint=f"Start all of it again: rerun {formatting.short_id(execution.id)}",
        )
    tasks = tuple(dict.fromkeys(part for part in named.replace(",", " ").split() if part))
    if tasks:
        return tasks
    found = failed_at(engine, execution)
    if not found:
        raise BadInput(
            f"No task of {execution.action} has failed.",
            hint="Name the tasks to go on from: retry ID from TASK. All of it again: rerun ID",
        )
    return found
