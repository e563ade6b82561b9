"""Rehearsal files, run one after the other.

The engine's rooms are heavy, so the command imports this file when it needs it.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.cli.exits import CommandError
from bot.cli.outcomes import Tried
from bot.cli.workflow_files import text_of
from engine.errors import BadContent, EngineError
from engine.workflows.rehearsal import Rehearsal, rehearsal_of
from engine.workflows.rehearsal_differences import differences
from engine.workflows.rehearsing import rehearse
from engine.yaml_reader import line_of, read_text


def tried(path: Path, *, definition: Path | None = None) -> Tried:
    """What it names lies beside it, one folder up, or below the current folder.

    `definition` is used in place of the one that it names.
    """
    started = time.monotonic()
    found: Sequence[str] = ()
    error = ""
    try:
        rehearsal = _rehearsal(path, definition)
        found = list(differences(rehearsal, rehearse(rehearsal)))
    except (EngineError, CommandError) as refusal:
        error = refusal.message if isinstance(refusal, CommandError) else str(refusal)
    return Tried(name=str(path), differences=found, error=error, took_s=time.monotonic() - started)


def _rehearsal(path: Path, definition: Path | None) -> Rehearsal:
    """Raises BadContent, and CommandError for a file that cannot be read."""
    text = text_of(path)
    document = read_text(text, name=str(path)).value
    used = ""
    if isinstance(document, dict):
        document = _with_results(document, path, text)
        if "workflow_state" not in document:
            used = text_of(definition or _workflow_of(document, path, text))
    return rehearsal_of(document, definition=used, where=str(path), text=text)


def _workflow_of(document: dict[str, Any], path: Path, text: str) -> Path:
    workflow = document.get("workflow")
    if not isinstance(workflow, str) or not workflow:
        where = f"{path}:{line_of(text, ('workflow',))}"
        raise BadContent("A rehearsal names its workflow.", where=where, hint="Write `workflow: FILE`.")
    return _beside(path, workflow, text, "workflow")


def _with_results(document: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """`result_path` of a mock: the result stands in a file; JSON and YAML are values, others are text."""
    mocks = document.get("mock_action_executions")
    if not isinstance(mocks, list):
        return document
    read = [
        {
            **mock,
            "result": _result(_beside(path, mock["result_path"], text, "mock_action_executions", number)),
        }
        if isinstance(mock, dict) and isinstance(mock.get("result_path"), str)
        else mock
        for number, mock in enumerate(mocks)
    ]
    return {**document, "mock_action_executions": read}


def _result(file: Path) -> Any:
    text = text_of(file)
    is_data = file.suffix in (".json", ".yaml", ".yml")
    return read_text(text, name=str(file)).value if is_data else text


def _beside(path: Path, name: str, text: str, *place: str | int) -> Path:
    """Beside the file, one folder up, or here. Raises BadContent."""
    places = [folder / name for folder in (path.parent, path.parent.parent, Path())]
    found = next((one for one in places if one.is_file()), None)
    if found is None:
        raise BadContent(
            f"There is no file {name}.",
            where=f"{path}:{line_of(text, place)}",
            hint="It is looked for beside this file, one folder up, and here.",
        )
    return found
