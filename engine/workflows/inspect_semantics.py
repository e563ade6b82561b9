"""What a definition of the right shape cannot mean: unknown tasks, no start, joins that cannot be reached."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.workflows.graph import COMMANDS, looping_of
from engine.workflows.outline import TASK_SCHEMA_PATH, Outline, TaskOutline

Entry = dict[str, Any]


def semantic_problems(outline: Outline) -> list[Entry]:
    found = [
        _of_task(task, f'The task name "{task.name}" is reserved with special function.')
        for task in outline.tasks.values()
        if task.name in COMMANDS
    ]
    if outline.tasks and not outline.starts:
        message = (
            "Unable to identify any tasks to start the workflow. If the workflow has a "
            "loop, please add a task that serves as an entry point (or lead) into the loop."
        )
        found.append({"message": message, "spec_path": "tasks", "schema_path": "properties.tasks"})
    found += _undefined(outline)
    found += _unreachable(outline)
    found += [
        _of_task(task, "The action property is required for with items task.")
        for task in outline.tasks.values()
        if task.items is not None and not task.action
    ]
    return found


def _of_task(task: TaskOutline, message: str) -> Entry:
    return {"message": message, "spec_path": task.spec_path, "schema_path": TASK_SCHEMA_PATH}


def _undefined(outline: Outline) -> list[Entry]:
    """Targets that are no tasks, of the tasks that can be reached."""
    found: list[Entry] = []
    waiting = deque((*outline.starts, *outline.final))
    seen = set(waiting)
    while waiting:
        task = outline.tasks[waiting.popleft()]
        for number, transition in enumerate(task.next):
            for target in transition.targets:
                if target in outline.tasks:
                    if target not in seen:
                        seen.add(target)
                        waiting.append(target)
                elif target not in COMMANDS:
                    path = f"{task.spec_path}.next[{number}].do"
                    schema = f"{TASK_SCHEMA_PATH}.properties.next.items.properties.do"
                    message = f'The task "{target}" is not defined.'
                    found.append({"message": message, "spec_path": path, "schema_path": schema})
    return found


@dataclass(slots=True)
class _Reached:
    """A task on the way: `splits` is a set of bits, one for each fork that lies before it."""

    splits: int = 0
    before: list[str] = field(default_factory=list)


def _unreachable(outline: Outline) -> list[Entry]:
    """Joins whose branches come from different levels of forks."""
    following = {
        name: sorted(
            target for one in task.next for target in dict.fromkeys(one.targets) if target in outline.tasks
        )
        for name, task in outline.tasks.items()
    }
    looping = set(looping_of(following))
    reached = _walk(outline, following, looping, _bits(outline, following, looping))
    found = []
    for name, here in reached.items():
        task = outline.tasks[name]
        if task.is_join and any(reached[before].splits != here.splits for before in here.before):
            message = (
                f'The join task "{name}" is unreachable. A join task is determined to be '
                "unreachable if there are nested forks from multi-referenced tasks "
                "that join on the said task. This is ambiguous to the workflow engine "
                "because it does not know at which level should the join occurs."
            )
            found.append(_of_task(task, message))
    return found


def _bits(outline: Outline, following: Mapping[str, list[str]], looping: set[str]) -> dict[str, int]:
    """A bit for each task that is started once per branch that leads to it."""
    inbound: dict[str, int] = {}
    for targets in following.values():
        for target in targets:
            inbound[target] = inbound.get(target, 0) + 1
    forks = [
        name
        for name, count in inbound.items()
        if count > 1 and name not in looping and not outline.tasks[name].is_join
    ]
    return {name: 1 << number for number, name in enumerate(forks)}


def _walk(
    outline: Outline, following: Mapping[str, list[str]], looping: set[str], bits: Mapping[str, int]
) -> dict[str, _Reached]:
    """From the starts on; an edge is walked again only when it brings forks that it has not brought yet."""
    reached: dict[str, _Reached] = {}
    brought: dict[tuple[str, str], int] = {}
    passed_on: dict[str, int] = {}
    waiting: deque[tuple[str, str, int]] = deque(("", name, 0) for name in (*outline.starts, *outline.final))
    while waiting:
        before, name, splits = waiting.popleft()
        splits |= bits.get(name, 0)
        here = reached.setdefault(name, _Reached())
        here.splits |= splits
        if before and before not in here.before:
            here.before.append(before)
        if name in passed_on and not splits & ~passed_on[name]:
            continue
        passed_on[name] = passed_on.get(name, 0) | splits
        for target in following[name]:
            if target in reached and target in looping:
                continue
            edge = (name, target)
            if edge not in brought or splits & ~brought[edge]:
                brought[edge] = brought.get(edge, 0) | splits
                waiting.append((name, target, splits))
    return reached
