"""A definition as far as it can be read: what inspection goes through also where shapes are wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.workflows.extensions import final_tasks
from engine.workflows.inline import action_of, pairs_of

TASK_SCHEMA_PATH = "properties.tasks.patternProperties.^\\w+$"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionOutline:
    when: Any
    publish: Any
    """A list of one-key objects also where it was written as one line."""
    do: Any
    """As written; `continue` where nothing was."""
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutline:
    name: str
    written: Mapping[str, Any]
    action: Any
    input: Any
    """Inline parameters take its place."""
    items: Mapping[str, Any] | None
    next: tuple[TransitionOutline, ...]

    @property
    def spec_path(self) -> str:
        return f"tasks.{self.name}"

    @property
    def is_join(self) -> bool:
        return self.written.get("join") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    written: Mapping[str, Any]
    """The whole document, with `with: TEXT` spelled out."""
    tasks: Mapping[str, TaskOutline]
    starts: tuple[str, ...]
    """Tasks that nothing leads to, sorted."""
    final: tuple[str, ...] = ()
    """Tasks of x-finally: they do not start the workflow."""


def outline_of(loaded: Mapping[str, Any]) -> Outline:
    tasks = loaded.get("tasks")
    written = dict(loaded)
    if isinstance(tasks, Mapping):
        written["tasks"] = {name: _spelled_out(task) for name, task in tasks.items()}
        tasks = {
            str(name): _task(str(name), task)
            for name, task in written["tasks"].items()
            if isinstance(task, Mapping)
        }
    else:
        tasks = {}
    final = tuple(name for name in final_tasks(loaded) if name in tasks)
    inbound = {target for task in tasks.values() for one in task.next for target in one.targets}
    return Outline(
        written=written,
        tasks=tasks,
        starts=tuple(sorted(name for name in tasks if name not in inbound and name not in final)),
        final=final,
    )


def _spelled_out(task: Any) -> Any:
    if isinstance(task, Mapping) and isinstance(task.get("with"), str):
        return {**task, "with": {"items": task["with"]}}
    return task


def _task(name: str, written: Mapping[str, Any]) -> TaskOutline:
    action, given = written.get("action"), written.get("input")
    if isinstance(action, str):
        action, inline = action_of(action)
        given = inline or given
    items = written.get("with")
    following = written.get("next")
    return TaskOutline(
        name=name,
        written=written,
        action=action,
        input=given,
        items=items if isinstance(items, Mapping) else None,
        next=tuple(_transition(one) for one in following if isinstance(one, Mapping))
        if isinstance(following, list)
        else (),
    )


def _transition(written: Mapping[str, Any]) -> TransitionOutline:
    publish, do = written.get("publish"), written.get("do") or "continue"
    if isinstance(publish, str):
        publish = [{name: value} for name, value in pairs_of(publish)]
    names: Sequence[Any] = do.split(",") if isinstance(do, str) else do if isinstance(do, list) else ()
    return TransitionOutline(
        when=written.get("when"),
        publish=publish,
        do=do,
        targets=tuple(name.strip() for name in names if isinstance(name, str)),
    )
