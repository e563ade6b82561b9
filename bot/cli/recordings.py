"""Real runs of workflows, read through the API and made into rehearsal files."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from engine.workflows.graph import COMMANDS
from engine.workflows.rehearsal import rehearsal_of
from engine.workflows.rehearsing import differences, named, rehearse
from engine.workflows.workflow_lint import RUNNER

_ENDED = ("succeeded", "failed", "timeout", "canceled", "abandoned")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run that has ended, with what its actions gave."""

    run: Document
    tasks: Sequence[Document]
    children: Sequence[Document]
    """Executions of its tasks, also those of the run that it went on from."""
    rerun: Sequence[Document] = ()
    """Tasks that it went on from; empty: it began at the start."""
    definition: str
    """As it is today."""


def recording_of(client: Client, wanted: str) -> Recording:
    """Raises CommandError for what is no Orquesta workflow, or has not ended."""
    run = client.get("executions", wanted)
    if run["runner"]["name"] != RUNNER:
        raise CommandError(Code.WRONG, f"{run['id']} is no Orquesta workflow.")
    if run["status"] not in _ENDED:
        raise CommandError(Code.WRONG, f"{run['id']} is {run['status']}.", hint="Wait for its end.")
    before = run["context"].get("re-run") or {}
    earlier = _children(client, before["ref"]) if before.get("tasks") else []
    if earlier and (client.get("executions", before["ref"])["context"].get("re-run") or {}).get("tasks"):
        raise CommandError(
            Code.WRONG,
            f"{run['id']} went on from a run that had gone on from another.",
            hint=f"Record an earlier one: {before['ref']}",
        )
    tasks, children = client.get("executions", run["id"], "tasks"), _children(client, run["id"])
    if children and not tasks:
        raise CommandError(
            Code.WRONG, f"{run['id']} went on as a later run.", hint="Record that one: it has both in it."
        )
    return Recording(
        run=run,
        tasks=tasks,
        children=[*earlier, *children],
        rerun=[_rerun_of(name, before.get("reset") or ()) for name in before.get("tasks") or ()],
        definition="".join(client.text("actions", "views", "entry_point", run["action"]["ref"])),
    )


def _children(client: Client, execution_id: str) -> Sequence[Document]:
    found: Sequence[Document] = client.get("executions", execution_id, "children", query={"depth": 1})
    return found


def _rerun_of(task: str, reset: Collection[str]) -> Document:
    return {"task_id": task, **({"reset_items": True} if task in reset else {})}


def document_of(recording: Recording, *, workflow: str) -> dict[str, Any]:
    """A rehearsal file; `workflow` is the definition's path in it."""
    run = recording.run
    made: dict[str, Any] = {
        "workflow": workflow,
        "inputs": _inputs(run),
        "context": {"st2": {"action": run["action"]["ref"], "action_execution_id": run["id"], **_who(run)}},
        "in_order": True,
        "mock_action_executions": [mock for _, mock in sorted(_mocks(recording), key=lambda pair: pair[0])],
        **({"rerun_tasks": list(recording.rerun)} if recording.rerun else {}),
        "expected_workflow_status": run["status"],
        "expected_output": (run.get("result") or {}).get("output"),
    }
    ran = [named({"id": task["task"], "route": task["route"]}) for task in recording.tasks]
    found = rehearse(rehearsal_of(made, definition=recording.definition, where=workflow))
    if not found["inspection"]:
        # The API does not tell of the engine's own commands: where all else is the same, they are too.
        sequence = found["sequence"]
        is_same = [named(one) for one in sequence if one["id"] not in COMMANDS] == ran
        made["expected_task_sequence"] = [named(one) for one in sequence] if is_same else ran
    return made


def _inputs(run: Document) -> dict[str, Any]:
    """What the workflow was given, the action's own defaults too; those that are templates are not known."""
    defaults = {
        name: schema["default"]
        for name, schema in (run["action"].get("parameters") or {}).items()
        if "default" in schema and "{{" not in str(schema["default"])
    }
    return {**defaults, **(run.get("parameters") or {})}


def _who(run: Document) -> dict[str, Any]:
    context = run["context"]
    return {name: context[name] for name in ("user", "pack", "api_user", "source_channel") if name in context}


def _mocks(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    """(when it ended, what it gave)."""
    tasks = {one: task for task in recording.tasks for one in task["execution_ids"]}
    known = set()
    for child in recording.children:
        known.add(child["id"])
        place = child["context"]["orquesta"]
        task = tasks.get(child["id"], {})
        # What is out of time is ended by its workflow, as it is when somebody cancels it.
        is_late = child["status"] in ("canceling", "canceled") and task.get("status") in ("failed", "timeout")
        ended_at = task.get("ended_at") if is_late else child.get("end_timestamp")
        mock = {"task_id": place["task_name"]}
        if place["task_route"]:
            mock["route"] = place["task_route"]
        mock |= {name: place[name] for name in ("item_id", "purpose") if name in place}
        status = "timeout" if is_late else child["status"]
        yield ended_at or "~", {**mock, "status": status, "result": child.get("result")}
    errors = (recording.run.get("result") or {}).get("errors") or ()
    for execution_id, task in tasks.items():
        if execution_id not in known:
            # It could not be requested, so there is no execution.
            result = next((one.get("result") for one in errors if one.get("task_id") == task["task"]), None)
            yield (
                task["ended_at"] or "~",
                {"task_id": task["task"], "route": task["route"], "status": "failed", "result": result},
            )


def replayed(recording: Recording) -> list[str]:
    """Where the run goes otherwise with the definition as it is today."""
    name = str(recording.run["action"]["entry_point"])
    document = document_of(recording, workflow=name)
    rehearsal = rehearsal_of(document, definition=recording.definition, where=name)
    return list(differences(rehearsal, rehearse(rehearsal)))


def path_to(definition: Path, output: Path | None) -> str:
    """As the file at `output`, or one in the current folder, names it."""
    return os.path.relpath(definition, output.parent if output is not None else ".")


def as_yaml(document: Document) -> str:
    return str(yaml.safe_dump(orjson.loads(orjson.dumps(document)), sort_keys=False, allow_unicode=True))
