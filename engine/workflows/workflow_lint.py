"""What `stormcrow pack check` finds wrong with the files of Orquesta workflows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.content.check import Finding
from engine.content.registry import Registry
from engine.errors import BadContent
from engine.workflows.inline import behind_action, passed_over
from engine.workflows.inspect import flattened, inspect
from engine.workflows.inspect_contents import Known, content_problems, parameters_of
from engine.workflows.outline import outline_of
from engine.workflows.reading import load
from engine.yaml_reader import line_of, read_file

RUNNER = "orquesta"

_QUOTE = 'Quote text in parameters: name="value".'
# An action that keeps its parameters as a part of its name.
_UNQUOTED = re.compile(r'The action "\S+\s+\w+=')
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def lint(registry: Registry, *, known: Registry | None = None) -> list[Finding]:
    """Errors, in the order of the files; `known` is what tasks may name besides."""
    actions = {**(known.actions if known else {}), **registry.actions}
    found: list[Finding] = []
    for action in registry.actions.values():
        if action.runner_type == RUNNER and action.entry_point and action.entry_path.is_file():
            name = f"{action.pack}/actions/{action.entry_point}"
            try:
                text, _ = read_file(action.entry_path, name=name)
            except BadContent as error:
                found.append(_finding(error))
            else:
                found.extend(findings(text, name=name, known=parameters_of(actions)))
    return sorted(found, key=lambda finding: finding.where)


def findings(text: str, *, name: str, known: Known) -> Iterator[Finding]:
    """All that is wrong with one definition, and what may surprise in it; `where` is `name:line`."""
    try:
        loaded = load(text, name=name)
    except BadContent as error:
        yield _finding(error)
        return
    problems = inspect(text)
    contents = [] if problems.get("syntax") else content_problems(text, known)
    for problem in flattened({**problems, "content": contents}):
        path = str(problem["spec_path"] or "")
        expression = problem.get("expression")
        shown = f"{path or 'workflow'}: {problem['message']}"
        yield Finding(
            severity="error",
            where=f"{name}:{line_of(text, _written_at(loaded, path))}",
            text=f"{shown} In {expression}" if expression and str(expression) not in shown else shown,
            hint=_QUOTE if _UNQUOTED.match(str(problem["message"])) else "",
        )
    for steps, words in _passed_over(loaded):
        yield Finding(
            severity="warning",
            where=f"{name}:{line_of(text, steps)}",
            text=f"{_dotted(steps)}: {words!r} is no `name=VALUE`, and is passed over.",
            hint=_QUOTE,
        )


def _passed_over(loaded: Mapping[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    """What StackStorm leaves out in silence: where, and the words."""
    for task in outline_of(loaded).tasks.values():
        action = task.written.get("action")
        if (
            isinstance(action, str)
            and task.action != action
            and (words := passed_over(behind_action(action)))
        ):
            yield ["tasks", task.name, "action"], words
        following = task.written.get("next")
        for number, transition in enumerate(following if isinstance(following, list) else ()):
            publish = transition.get("publish") if isinstance(transition, Mapping) else None
            if isinstance(publish, str) and (words := passed_over(publish)):
                yield ["tasks", task.name, "next", number, "publish"], words


def _dotted(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _finding(error: BadContent) -> Finding:
    return Finding(severity="error", where=error.where, text=error.message, hint=error.hint)


def _written_at(loaded: Mapping[str, Any], path: str) -> list[str | int]:
    """Where it stands in the file: inline parameters stand with the action."""
    steps: list[str | int] = [int(number) if number else word for number, word in _STEP.findall(path)]
    if len(steps) > 2 and steps[2] == "input" and "input" not in loaded["tasks"].get(steps[1], {}):
        steps[2:] = ["action"]
    return steps
