"""Our own keys of a workflow, `x-...`, compiled: what StackStorm's language does not have.

docs/reference/workflows.md describes them. Their shapes are checked by inspection; what is compiled
here stands on that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.workflows.expressions.compile import Compiled

OUTCOME = "x_outcome"
"""The variable that tells final tasks how it ended: `{status, errors}`."""
ItemFailure = Literal["wait", "fast", "all"]
Compile = Callable[[Any], Compiled]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRetry:
    count: Compiled
    delay: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    action: Compiled
    input: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskExtensions:
    timeout: Compiled | None = None
    """`x-timeout`: seconds for an attempt, without its delay."""
    item_failure: ItemFailure = "wait"
    """`x-items.on-failure`; wait: StackStorm's rule, see statuses.after_item."""
    item_retry: ItemRetry | None = None
    approve: Compiled | None = None
    """`x-approve`: who is asked before the action runs, and how."""
    ask: Compiled | None = None
    """`x-on-failure: ask`: who is asked what to do when it has failed."""
    undo: Undo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowExtensions:
    timeout: Compiled | None = None
    """`x-timeout`: seconds from its start."""
    final: tuple[str, ...] = ()
    """`x-finally`: tasks that run when it ends, whichever way."""
    undoes: bool = False
    """`x-on-failure: undo`."""


def of_task(written: Mapping[str, Any], compile_value: Compile) -> TaskExtensions:
    def optional(value: Any) -> Compiled | None:
        return None if value is None else compile_value(value)

    items = written.get("x-items") or {}
    retry = items.get("retry")
    undo = written.get("x-undo")
    on_failure = written.get("x-on-failure")
    if on_failure == "ask":
        on_failure = {}
    return TaskExtensions(
        timeout=optional(written.get("x-timeout")),
        item_failure=items.get("on-failure") or "wait",
        item_retry=retry
        and ItemRetry(count=compile_value(retry["count"]), delay=optional(retry.get("delay"))),
        approve=optional(written.get("x-approve")),
        ask=optional(on_failure),
        undo=undo and Undo(action=compile_value(undo["action"]), input=optional(undo.get("input"))),
    )


def of_workflow(written: Mapping[str, Any], compile_value: Compile) -> WorkflowExtensions:
    timeout = written.get("x-timeout")
    return WorkflowExtensions(
        timeout=None if timeout is None else compile_value(timeout),
        final=final_tasks(written),
        undoes=written.get("x-on-failure") == "undo",
    )


def final_tasks(written: Mapping[str, Any]) -> tuple[str, ...]:
    """A name, or a list of names; what is neither is told of by inspection."""
    final = written.get("x-finally") or ()
    if isinstance(final, str):
        return (final,)
    return tuple(map(str, final)) if isinstance(final, list) else ()
