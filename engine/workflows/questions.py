"""`x-on-failure: ask`: when a task has failed, people say how it goes on.

    retry   the same once more; of a task with items those that failed
    edit    once more with other parameters
    skip    as if it had succeeded
    abort   it has failed: its transitions are taken

No answer in time is abort.
"""

from collections.abc import Mapping
from typing import Any

from engine.workflows.approvals import terms_of
from engine.workflows.ending import finish, moved
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.statuses import COMPLETED

_LONGEST_REASON = 200


def question_of(run: Run, entry: Entry) -> dict[str, Any]:
    """The parameters of `core.ask`. Raises ExpressionFailure."""
    choices = ["retry", "skip", "abort"] if entry.items is not None else ["retry", "skip", "abort", "edit"]
    properties: dict[str, Any] = {
        "choice": {"type": "string", "enum": choices, "required": True, "description": "How does it go on?"}
    }
    if entry.items is None:
        properties["parameters"] = {"type": "object", "description": "With edit: parameters to change"}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    text = f"The task {entry.task} has failed{_why(run.result_of(entry))}. How does the workflow go on?"
    return {"text": text, **terms_of(run, entry, run.plan.tasks[entry.task].extensions.ask), "schema": schema}


def _why(result: Any) -> str:
    """The last line of what the action said was wrong."""
    if not isinstance(result, Mapping):
        return ""
    said = next((result[name] for name in ("stderr", "error") if isinstance(result.get(name), str)), "")
    lines = said.strip().splitlines()
    return f": {lines[-1].strip().rstrip('.')[:_LONGEST_REASON]}" if lines else ""


def answered(run: Run, entry: Entry, status: str, result: Any) -> None:
    """The question is in this status."""
    if status not in COMPLETED:
        moved(run, entry, "pending" if status == "pending" else entry.status)
        return
    given = result.get("response") if isinstance(result, Mapping) else None
    response: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    choice = response.get("choice") if status == "succeeded" else "abort"
    if choice == "skip":
        finish(run, entry, "succeeded", is_decided=True)
    elif choice in ("retry", "edit"):
        _again(run, entry, response.get("parameters") if choice == "edit" else None)
    else:
        finish(run, entry, "failed", is_decided=True)


def _again(run: Run, entry: Entry, parameters: Any) -> None:
    state = run.state
    if isinstance(parameters, Mapping):
        before = entry.edited.value if entry.edited is not None else {}
        state.apply("edit", entry.number, state.values.seal({**before, **parameters}))
    state.apply("again", entry.number, 0, True)
    run.happened("pending")
