"""Work that needs no server: reading packs and formats with the engine's own rooms.

The rooms are heavy, so each is imported by the function that needs it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.exits import Code, CommandError
from engine.errors import BadContent, EngineError, NoMatch
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.content.check import Finding
    from engine.content.registry import Registry


def extract(format: str, text: str, *, every: bool) -> dict[str, Any]:
    """{"params": ...}, a list of them with `every`; {"error": {"type", "message"}} without a match."""
    from engine.aliases.grammar import compile_format  # noqa: PLC0415 - heavy

    try:
        compiled = compile_format(format)
        return {"params": compiled.extract_all(text) if every else compiled.extract(text)}
    except NoMatch as error:
        return {"error": {"type": "ParseException", "message": error.message}}
    except BadContent as error:
        return {"error": {"type": "re.error", "message": error.message}}


def read_registry(settings: Settings) -> "Registry":
    """All content, read as a starting server reads it."""
    from engine.content.loader import load_registry  # noqa: PLC0415 - heavy
    from engine.foundation import shipped_packs  # noqa: PLC0415 - heavy

    return load_registry(settings, shipped=shipped_packs(), generation=1)


def check_packs(settings: Settings, path: Path | None) -> "list[Finding]":
    """What is wrong with the pack at `path`, or with all of them. Raises CommandError."""
    from engine.aliases.lint import lint  # noqa: PLC0415 - heavy
    from engine.content.check import check  # noqa: PLC0415 - heavy
    from engine.content.registry import Registry  # noqa: PLC0415 - heavy
    from engine.criteria.lint import lint as lint_rules  # noqa: PLC0415 - heavy
    from engine.workflows.chain_lint import lint as lint_chains  # noqa: PLC0415 - heavy
    from engine.workflows.workflow_lint import lint as lint_workflows  # noqa: PLC0415 - heavy

    if path is not None and not path.is_dir():
        raise CommandError(Code.NOT_FOUND, f"{path} is not a folder.", hint="Name the folder of a pack.")
    if path is None:
        registry = read_registry(settings)
        return [
            *check(registry),
            *lint(registry),
            *lint_rules(registry),
            *lint_chains(registry),
            *lint_workflows(registry),
        ]
    folder = path.resolve()
    # The pack's neighbours are read too: its aliases may name their actions.
    content = replace(settings.content, packs=[str(folder), str(folder.parent), *settings.content.packs])
    known = read_registry(replace(settings, content=content))
    mine = {ref for ref, pack in known.packs.items() if pack.folder.resolve().is_relative_to(folder)}
    aliases = {ref: alias for ref, alias in known.aliases.items() if alias.pack in mine}
    rules = {ref: rule for ref, rule in known.rules.items() if rule.pack in mine}
    actions = {ref: action for ref, action in known.actions.items() if action.pack in mine}
    return [
        *check(path, known=known),
        *lint(Registry(actions=known.actions, aliases=aliases)),
        *lint_rules(Registry(packs=known.packs, rules=rules)),
        *lint_chains(Registry(actions=actions), known=known),
        *lint_workflows(Registry(actions=actions), known=known),
    ]


def as_document(finding: "Finding") -> dict[str, Any]:
    return asdict(finding)


def set_up_packs(settings: Settings, names: Sequence[str], *, python: str | None) -> Iterator[str]:
    """Builds one environment after the other, and tells about it.

    `python` wins over the interpreters that the packs name. Raises CommandError.
    """
    from engine.runners.environments import build_environment  # noqa: PLC0415 - heavy

    registry = read_registry(settings)
    wanted = [registry.pack(name) for name in names]
    if python is not None:
        wanted = [pack.model_copy(update={"interpreter": python}) for pack in wanted]
    for pack in wanted:
        if pack.is_system:
            yield f"{pack.ref}: ships with Stormcrow and needs none."
            continue
        yield f"{pack.ref}: building ..."
        lines: list[str] = []
        try:
            build_environment(
                pack,
                virtualenvs=settings.virtualenvs_folder,
                interpreter=settings.python.interpreter,
                base=settings.python.base,
                on_output=lines.append,
            )
        except EngineError as error:
            yield from lines
            raise CommandError(Code.FAILED, error.message, hint=error.hint) from error
        yield f"{pack.ref}: ready."
