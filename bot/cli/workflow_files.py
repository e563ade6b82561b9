"""Workflows from files and packs, looked at without a server.

The engine's rooms are heavy, so the command imports this file when it needs it.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.cli.exits import Code, CommandError
from bot.cli.local import read_registry
from engine.content.check import Finding
from engine.errors import BadContent
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.workflows.drawing import Format, draw
from engine.workflows.inspect_contents import parameters_of
from engine.workflows.reading import read
from engine.workflows.workflow_lint import RUNNER, findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    name: str
    """The file, as people know it."""
    text: str
    path: Path


def definition_from(wanted: str, settings: Settings) -> Definition:
    """A file, or the workflow of an action. Raises CommandError, NotFound, BadContent."""
    path = Path(wanted)
    if path.is_file():
        return Definition(name=wanted, text=text_of(path), path=path)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise CommandError(Code.NOT_FOUND, f"There is no file {wanted}.")
    return _of_action(read_registry(settings).action(wanted))


def _of_action(action: ActionSpec) -> Definition:
    if action.runner_type != RUNNER:
        raise CommandError(
            Code.WRONG, f"{action.ref} is no Orquesta workflow; its runner is {action.runner_type}."
        )
    name = f"{action.pack}/actions/{action.entry_point}"
    return Definition(name=name, text=text_of(action.entry_path), path=action.entry_path)


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


def as_document(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def text_of(path: Path) -> str:
    """Raises CommandError when it is not there, BadContent when it is no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadContent("The file is not UTF-8 text.", where=str(path)) from error
    except OSError as error:
        raise CommandError(Code.NOT_FOUND, f"{path} cannot be read: {error.strerror}.") from error
