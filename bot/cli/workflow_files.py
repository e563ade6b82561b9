"""Workflows and rehearsals from files and packs, looked at without a server.

The engine's rooms are heavy, so the command imports this file when it needs it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import yaml

from bot.cli.exits import Code, CommandError
from bot.cli.local import read_registry
from engine.content.check import Finding
from engine.errors import BadContent, EngineError
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.workflows.drawing import Format, draw
from engine.workflows.reading import read
from engine.workflows.rehearsal import Rehearsal, differences, rehearsal_of, rehearse
from engine.workflows.workflow_lint import RUNNER, findings, parameters_of
from engine.yaml_reader import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    name: str
    """The file, as people know it."""
    text: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rehearsal: what was otherwise than expected; empty: nothing."""

    name: str
    differences: Sequence[str]


def definition_from(wanted: str, settings: Settings) -> Definition:
    """A file, or the workflow of an action. Raises CommandError."""
    path = Path(wanted)
    if path.is_file():
        return Definition(name=wanted, text=_text(path), path=path)
    action = read_registry(settings).actions.get(wanted)
    if action is None:
        raise CommandError(
            Code.NOT_FOUND,
            f"There is no file and no action {wanted!r}.",
            hint="Name a definition's file, or PACK.ACTION: stormcrow action list",
        )
    return _of_action(action)


def _of_action(action: ActionSpec) -> Definition:
    if action.runner_type != RUNNER:
        raise CommandError(
            Code.WRONG, f"{action.ref} is no Orquesta workflow; its runner is {action.runner_type}."
        )
    name = f"{action.pack}/actions/{action.entry_point}"
    return Definition(name=name, text=_text(action.entry_path), path=action.entry_path)


def inspected(definition: Definition, settings: Settings) -> list[Finding]:
    known = parameters_of(read_registry(settings).actions)
    return list(findings(definition.text, name=definition.name, known=known))


def drawn(definition: Definition, format: Format) -> str:
    """Raises BadContent."""
    return draw(read(definition.text, name=definition.name), format)


# rehearsals


def tried(name: str) -> Tried:
    """Run a rehearsal file; what it names lies beside it, or below the current folder."""
    path = Path(name)
    document = read_text(_text(path), name=name).value
    try:
        rehearsal = _rehearsal(document, path)
        return Tried(name=name, differences=list(differences(rehearsal, rehearse(rehearsal))))
    except EngineError as error:
        return Tried(name=name, differences=[str(error)])


def _rehearsal(document: Any, path: Path) -> Rehearsal:
    workflow = document.get("workflow") if isinstance(document, dict) else None
    if isinstance(document, dict) and "workflow_state" not in document and not isinstance(workflow, str):
        raise BadContent("A rehearsal names its workflow.", where=str(path), hint="workflow: FILE")
    definition = _text(_beside(path, workflow)) if isinstance(workflow, str) else ""
    rehearsal = rehearsal_of(document, definition=definition, where=str(path))
    return replace(rehearsal, mocks=[_with_result(mock, path) for mock in rehearsal.mocks])


def _with_result(mock: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """`result_path`: the result stands in a file; JSON and YAML as values, others as text."""
    if "result_path" not in mock:
        return mock
    file = _beside(path, str(mock["result_path"]))
    text = _text(file)
    is_data = file.suffix in (".json", ".yaml", ".yml")
    return {**mock, "result": read_text(text, name=str(file)).value if is_data else text}


def _beside(path: Path, name: str) -> Path:
    """Below the folder of the rehearsal or one above it, or of the command."""
    places = [path.parent / name, path.parent.parent / name, Path(name)]
    return next((place for place in places if place.is_file()), places[0])


def junit(results: Sequence[Tried]) -> bytes:
    """As JUnit's XML."""
    failed = sum(1 for one in results if one.differences)
    suite = ET.Element(
        "testsuite", name="stormcrow workflow rehearse", tests=str(len(results)), failures=str(failed)
    )
    for one in results:
        case = ET.SubElement(suite, "testcase", name=one.name, classname="rehearsal")
        if one.differences:
            failure = ET.SubElement(case, "failure", message=one.differences[0])
            failure.text = "\n".join(one.differences)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))


# real runs


def recorded(
    execution: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    children: Mapping[str, Mapping[str, Any]],
    definition: Definition,
) -> dict[str, Any]:
    """A rehearsal file of a run: what its actions gave, and what came of it.

    `children`: the executions of its tasks, by id. The sequence is that of the rehearsal.
    """
    mocks: list[dict[str, Any]] = []
    for task in tasks:
        is_items = task["items_total"] is not None
        for number, execution_id in enumerate(task["execution_ids"]):
            child = children[execution_id]
            place = child["context"]["orquesta"]
            mock = {"task_id": task["task"], "route": task["route"], "seq_id": task["entry"]}
            if is_items:
                mock["item_id"] = place.get("item_id", number)
            mocks.append({**mock, "status": child["status"], "result": child["result"]})
    made: dict[str, Any] = {
        "workflow": str(definition.path),
        "inputs": dict(execution["parameters"]),
        "mock_action_executions": mocks,
        "expected_workflow_status": execution["status"],
        "expected_output": (execution["result"] or {}).get("output"),
    }
    found = rehearse(rehearsal_of(made, definition=definition.text, where=definition.name))
    if not found["inspection"]:
        made["expected_task_sequence"] = [one["id"] for one in found["sequence"]]
        made["expected_routes"] = found["routes"]
    return made


def replayed(document: Mapping[str, Any], definition: Definition) -> list[str]:
    """Where a recorded run goes otherwise with the definition as it is today."""
    rehearsal = rehearsal_of(dict(document), definition=definition.text, where=definition.name)
    return list(differences(rehearsal, rehearse(rehearsal)))


def as_yaml(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(orjson.loads(orjson.dumps(document)), sort_keys=False, allow_unicode=True))


def as_document(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(Code.NOT_FOUND, f"{path} cannot be read: {error.strerror}.") from error
