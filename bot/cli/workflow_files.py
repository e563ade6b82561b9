"""Workflows and rehearsals from files and packs, looked at without a server.

The engine's rooms are heavy, so the command imports this file when it needs it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bot.cli.exits import Code, CommandError
from bot.cli.local import read_registry
from engine.content.check import Finding
from engine.errors import BadContent, EngineError
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.workflows.drawing import Format, draw
from engine.workflows.reading import read
from engine.workflows.rehearsal import Rehearsal, rehearsal_of
from engine.workflows.rehearsing import differences, rehearse
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


def path_of(ref: str, settings: Settings) -> Path | None:
    """The file of an action's workflow, where the action is in the packs of this folder."""
    action = read_registry(settings).actions.get(ref)
    return action.entry_path if action is not None else None


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
    text = _text(path)
    try:
        rehearsal = _rehearsal(read_text(text, name=name).value, path)
        return Tried(name=name, differences=list(differences(rehearsal, rehearse(rehearsal))))
    except EngineError as error:
        return Tried(name=name, differences=[str(error)])


def _rehearsal(document: Any, path: Path) -> Rehearsal:
    """Raises BadContent, and CommandError for a file that cannot be read."""
    definition = ""
    if isinstance(document, dict) and "workflow_state" not in document:
        workflow = document.get("workflow")
        if not isinstance(workflow, str):
            raise BadContent("A rehearsal names its workflow.", where=str(path), hint="workflow: FILE")
        definition = _text(_beside(path, workflow))
    return rehearsal_of(_with_results(document, path), definition=definition, where=str(path))


def _with_results(document: Any, path: Path) -> Any:
    """`result_path` of a mock: the result stands in a file; JSON and YAML as values, others as text."""
    mocks = document.get("mock_action_executions") if isinstance(document, dict) else None
    if not isinstance(mocks, list):
        return document
    return {**document, "mock_action_executions": [_with_result(mock, path) for mock in mocks]}


def _with_result(mock: Any, path: Path) -> Any:
    if not isinstance(mock, dict) or "result_path" not in mock:
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


def as_document(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(Code.NOT_FOUND, f"{path} cannot be read: {error.strerror}.") from error
