"""Real runs of workflows, read through the API and made into rehearsal files."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from engine.errors import BadContent, BadInput
from engine.workflows.graph import COMMANDS
from engine.workflows.reading import read
from engine.workflows.rehearsal import Rehearsal, rehearsal_of
from engine.workflows.rehearsal_differences import differences, named
from engine.workflows.rehearsing import rehearse
from engine.workflows.workflow_lint import RUNNER

_ENDED = ("succeeded", "failed", "timeout", "canceled", "abandoned")

# What a definition says of its host.
_HOST_WORDS = re.compile(r"\b(st2|parent)\b")

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


def recording_of(client: Client, wanted: str, *, definition: str | None = None) -> Recording:
    """`definition`: in place of the server's.

    Raises CommandError for what is no Orquesta workflow, or has not ended.
    """
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
        definition=definition
        or "".join(client.text("actions", "views", "entry_point", run["action"]["ref"])),
    )


def _children(client: Client, execution_id: str) -> Sequence[Document]:
    found: Sequence[Document] = client.get("executions", execution_id, "children", query={"depth": 1})
    return found


def _rerun_of(task: str, reset: Collection[str]) -> Document:
    return {"task_id": task, **({"reset_items": True} if task in reset else {})}


def document_of(recording: Recording, *, workflow: str) -> dict[str, Any]:
    """A rehearsal file; `workflow` is the definition's path in it.

    Actions end in rounds where that comes to the same, so that other tools can read the file.
    """
    in_rounds = _document(recording, workflow, in_order=False)
    return in_rounds if not otherwise(in_rounds, recording) else _document(recording, workflow, in_order=True)


def _document(recording: Recording, workflow: str, *, in_order: bool) -> dict[str, Any]:
    run = recording.run
    result = run.get("result") or {}
    mocks = sorted(_mocks(recording), key=lambda pair: pair[0]) if in_order else _mocks(recording)
    made: dict[str, Any] = {"workflow": workflow, "inputs": _inputs(run)}
    if _HOST_WORDS.search(recording.definition):
        st2 = {"action": run["action"]["ref"], "action_execution_id": run["id"], **_who(run)}
        made["context"] = {"st2": st2, "parent": dict(run["context"])}
    if in_order:
        made["in_order"] = True
    made["mock_action_executions"] = [mock for _, mock in mocks]
    if recording.rerun:
        made["rerun_tasks"] = list(recording.rerun)
    made["expected_workflow_status"] = run["status"]
    for name in ("output", "errors"):
        if result.get(name) is not None:
            made[f"expected_{name}"] = result[name]
    ran = [named({"id": task["task"], "route": task["route"]}) for task in recording.tasks]
    made["expected_task_sequence"] = ran
    with suppress(BadContent):
        found = rehearse(_rehearsal(made, recording))
        sequence = found.get("sequence", ())
        # The API does not tell of the engine's own commands: where all else is the same, they are too.
        if [named(one) for one in sequence if one["id"] not in COMMANDS] == ran:
            made["expected_task_sequence"] = [named(one) for one in sequence]
            made["expected_routes"] = found.get("routes", [[]])
    return made


def _rehearsal(document: Document, recording: Recording) -> Rehearsal:
    """Without mocks of tasks that the definition has no more. Raises BadContent."""
    tasks = read(recording.definition).tasks
    mocks = [mock for mock in document["mock_action_executions"] if mock["task_id"] in tasks]
    return rehearsal_of(
        {**document, "mock_action_executions": mocks},
        definition=recording.definition,
        where=str(document["workflow"]),
    )


def otherwise(document: Document, recording: Recording) -> list[str]:
    """Where the rehearsal does not go as the run did; empty: nowhere."""
    try:
        rehearsal = _rehearsal(document, recording)
        found = rehearse(rehearsal)
    except (BadContent, BadInput) as error:
        return [str(error)]
    return [*differences(rehearsal, found), *_statuses(recording, found)]


def _statuses(recording: Recording, found: Document) -> Iterator[str]:
    """Of tasks that ran in both."""
    tasks = [one for one in found.get("sequence", ()) if one["id"] not in COMMANDS]
    for task, one in zip(recording.tasks, tasks, strict=False):
        if (task["task"], task["route"]) == (one["id"], one["route"]) and task["status"] != one.get("status"):
            yield f"status of {named(one)}: it was {task['status']}, and is {one.get('status')}"


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
        result = None if is_late else child.get("result")
        yield ended_at or "~", {**mock, "status": status, "result": result}
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
    """Where the run goes otherwise with the definition."""
    document = _document(recording, str(recording.run["action"]["entry_point"]), in_order=True)
    return otherwise(document, recording)


def path_to(definition: Path, output: Path | None) -> str:
    """As the file at `output`, or one in the current folder, names it."""
    return os.path.relpath(definition, output.parent if output is not None else ".")


def as_yaml(document: Document) -> str:
    return str(yaml.safe_dump(orjson.loads(orjson.dumps(document)), sort_keys=False, allow_unicode=True))
