"""What a workflow asks of actions that is not so: unknown actions, missing parameters, too many of them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from engine.expressions.merge import merge_parameters
from engine.specs.action import ActionSpec
from engine.specs.runner_type import RUNNER_TYPES
from engine.workflows.expressions.texts import languages_of
from engine.workflows.outline import TASK_SCHEMA_PATH, TaskOutline, outline_of
from engine.workflows.reading import load

Entry = dict[str, Any]
_ONE_INPUT = r".patternProperties.^\w+$"
# An action's parameters by name: whether it must be given. None: there is no such action.
Known = Callable[[str], Mapping[str, bool] | None]


def parameters_of(actions: Mapping[str, ActionSpec]) -> Known:
    """What a task has to give to an action, from the actions that are there."""

    def known(ref: str) -> Mapping[str, bool] | None:
        action = actions.get(ref)
        if action is None:
            return None
        merged = merge_parameters(action, RUNNER_TYPES[action.runner_type])
        return {name: parameter.required and not parameter.has_default for name, parameter in merged.items()}

    return known


def content_problems(text: str, known: Known) -> list[Entry]:
    """As `inspect` gives its problems. Raises DefinitionError."""
    outline = outline_of(load(text))
    return [problem for task in outline.tasks.values() for problem in _of_task(task, known)]


def _of_task(task: TaskOutline, known: Known) -> list[Entry]:
    ref = task.action
    if not isinstance(ref, str) or not ref or languages_of(ref):
        return []
    if "." not in ref:
        return [_entry(task, "action", f'The action reference "{ref}" is not formatted correctly.')]
    parameters = known(ref)
    if parameters is None:
        return [_entry(task, "action", f'The action "{ref}" is not registered in the database.')]
    return _of_input(task, ref, parameters)


def _of_input(task: TaskOutline, ref: str, parameters: Mapping[str, bool]) -> list[Entry]:
    if isinstance(task.input, str):
        return []
    given: Collection[str] = task.input if isinstance(task.input, Mapping) else ()
    missing = sorted(name for name, is_required in parameters.items() if is_required and name not in given)
    too_many = sorted(str(name) for name in given if name not in parameters and not languages_of(str(name)))
    return [
        *(_entry(task, "input", f'Action "{ref}" is missing required input "{name}".') for name in missing),
        *(
            _entry(task, "input", f'Action "{ref}" has unexpected input "{name}".', name=name)
            for name in too_many
        ),
    ]


def _entry(task: TaskOutline, field: str, message: str, *, name: str = "") -> Entry:
    """`name`: the one input that it is about."""
    return {
        "message": message,
        "spec_path": f"{task.spec_path}.{field}" + (f".{name}" if name else ""),
        "schema_path": f"{TASK_SCHEMA_PATH}.properties.{field}" + (_ONE_INPUT if name else ""),
    }
