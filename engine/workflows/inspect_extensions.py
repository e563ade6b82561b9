"""Our own keys, x-...: one that is misspelt or of the wrong shape is refused, never passed over.

An approval that is not asked for because its key is written `x-aprove` is worse than none.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import nearest
from engine.workflows.extensions import final_tasks
from engine.workflows.outline import TASK_SCHEMA_PATH, Outline, TaskOutline

Entry = dict[str, Any]
Schema = Mapping[str, Any]

_TEXT = {"type": "string", "minLength": 1}
_SECONDS = {"oneOf": [_TEXT, {"type": "integer", "minimum": 1}]}
_COUNT = {"oneOf": [_TEXT, {"type": "integer", "minimum": 0}]}
_NAMES = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}]}
# Who is asked, and how: parameters of the inquirer runner.
_ASKED = {"type": "object", "minProperties": 1}
WORKFLOW_KEYS: Mapping[str, Schema] = {
    "x-timeout": _SECONDS,
    "x-finally": _NAMES,
    "x-on-failure": {"enum": ["undo"]},
    "x-evaluate-data": {"type": "boolean"},
}
TASK_KEYS: Mapping[str, Schema] = {
    "x-timeout": _SECONDS,
    "x-approve": _ASKED,
    "x-on-failure": {"oneOf": [{"enum": ["ask"]}, _ASKED]},
    "x-undo": {
        "type": "object",
        "properties": {"action": _TEXT, "input": {"oneOf": [_TEXT, {"type": "object"}]}},
        "required": ["action"],
        "additionalProperties": False,
    },
    "x-items": {
        "type": "object",
        "properties": {
            "on-failure": {"enum": ["all", "fast"]},
            "retry": {
                "type": "object",
                "properties": {"count": _COUNT, "delay": _COUNT},
                "required": ["count"],
                "additionalProperties": False,
            },
        },
        "minProperties": 1,
        "additionalProperties": False,
    },
}
TRANSITION_KEYS: Mapping[str, Schema] = {"x-else": {"enum": [True]}}
_NEXT_PATH = f"{TASK_SCHEMA_PATH}.properties.next.items"


def extension_syntax(outline: Outline) -> list[Entry]:
    found = _shapes(outline.written, WORKFLOW_KEYS, "", "")
    for task in outline.tasks.values():
        found += _shapes(task.written, TASK_KEYS, task.spec_path, TASK_SCHEMA_PATH)
        following = task.written.get("next")
        for number, transition in enumerate(following if isinstance(following, list) else ()):
            if isinstance(transition, Mapping):
                path = f"{task.spec_path}.next[{number}]"
                found += _shapes(transition, TRANSITION_KEYS, path, _NEXT_PATH)
    return found


def extension_semantics(outline: Outline) -> list[Entry]:
    """What has the right shape and makes no sense."""
    found = [_entry(message, "x-finally", "properties.x-finally") for message in _final(outline)]
    for task in outline.tasks.values():
        for key, message in _senseless(task):
            found.append(_entry(message, f"{task.spec_path}.{key}", f"{TASK_SCHEMA_PATH}.properties.{key}"))
    return found


def _shapes(written: Mapping[str, Any], known: Mapping[str, Schema], path: str, schema: str) -> list[Entry]:
    found = []
    for key, value in written.items():
        if not (isinstance(key, str) and key.startswith("x-")):
            continue
        if key not in known:
            message = f"'{key}' is not known. {nearest(key, known)}".rstrip()
        else:
            message = _problem(value, known[key])
        if message:
            found.append(_entry(message, _joined(path, key), _joined(schema, f"properties.{key}")))
    return found


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _problem(value: Any, schema: Schema) -> str:
    # A fifth of a second to import, and only workflows with extensions need it.
    from jsonschema import Draft4Validator  # noqa: PLC0415

    errors: Iterable[Any] = Draft4Validator(schema).iter_errors(value)
    return next((str(error.message) for error in errors), "")


def _entry(message: str, spec_path: str, schema_path: str) -> Entry:
    return {"message": message, "spec_path": spec_path, "schema_path": schema_path}


def _final(outline: Outline) -> Iterator[str]:
    led_to = {target for task in outline.tasks.values() for one in task.next for target in one.targets}
    for name in final_tasks(outline.written):
        if name not in outline.tasks:
            yield f'The task "{name}" is not defined.'
        elif name in led_to:
            yield f'The task "{name}" runs when the workflow has ended, and another task leads to it.'


def _senseless(task: TaskOutline) -> Iterator[tuple[str, str]]:
    """(key, message)."""
    for key in ("x-approve", "x-on-failure", "x-undo", "x-timeout"):
        if key in task.written and not task.action:
            yield key, f"The task has no action, so {key} means nothing."
    if "x-approve" in task.written and task.items is not None:
        yield "x-approve", "The task has items, and x-approve is for one action."
    if "x-items" in task.written and task.items is None:
        yield "x-items", "The task has no items, so x-items means nothing."
