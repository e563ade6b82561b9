"""The shape of a definition: fields, their types, what must be there.

A quick check answers for what is right; JSON schema words what is wrong, as Orquesta does.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from engine.workflows.inline import items_of
from engine.workflows.outline import TASK_SCHEMA_PATH, Outline

Entry = dict[str, Any]

_WORD = re.compile(r"\w+")
# What Python's repr puts for a character.
_ESCAPED = re.compile(r"\\(?:[\\'\"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
# Orquesta's own pattern, for messages quote it. It is never searched for: some texts take it minutes.
_EXPRESSION = r"{{.*?}}|<%.*?%>"
ITEMS = rf"^(\s+)?({_EXPRESSION})(\s+)?$|^(\s+)?((\w+,\s?|\s+)+)?(\w+)\s+in\s+({_EXPRESSION})(\s+)?$"

_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT_OR_COUNT = {"oneOf": [_TEXT, _COUNT]}
# What JSON has; a date, which YAML has too, is none of these.
_JSON_TYPES = ("null", "array", "boolean", "integer", "number", "object", "string")
_VALUES = {r"^\w+$": {"anyOf": [{"type": name} for name in _JSON_TYPES]}}
_OBJECT = {"type": "object", "minProperties": 1, "patternProperties": _VALUES}
_ONE_KEY = {**_OBJECT, "maxProperties": 1}
_PAIRS = {"type": "array", "items": _ONE_KEY, "uniqueItems": True, "minItems": 1}
_NAMES = {"type": "array", "items": _TEXT, "uniqueItems": True, "minItems": 1}
_TRANSITION = {
    "type": "object",
    "properties": {
        "when": _TEXT,
        "publish": {"oneOf": [_TEXT, _PAIRS]},
        "do": {"oneOf": [_TEXT, _NAMES]},
    },
    "additionalProperties": False,
}
_TASK = {
    "type": "object",
    "properties": {
        "delay": _TEXT_OR_COUNT,
        "join": {"oneOf": [{"enum": ["all"]}, _COUNT]},
        "with": {
            "type": "object",
            "properties": {
                "items": {"type": "string", "minLength": 1, "pattern": ITEMS},
                "concurrency": _TEXT_OR_COUNT,
            },
            # Orquesta lets it pass, and fails when the task starts.
            "required": ["items"],
            "additionalProperties": False,
        },
        "action": _TEXT,
        "input": {"oneOf": [_TEXT, _OBJECT]},
        "retry": {
            "type": "object",
            "properties": {"when": _TEXT, "count": _TEXT_OR_COUNT, "delay": _TEXT_OR_COUNT},
            "required": ["count"],
            "additionalProperties": False,
        },
        "next": {"type": "array", "items": _TRANSITION},
    },
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "version": {"anyOf": [_TEXT, _COUNT, {"type": "number", "minimum": 0.0}], "enum": ["1.0", 1.0]},
        "name": _TEXT,
        "description": _TEXT,
        "tags": _NAMES,
        "vars": _PAIRS,
        "input": {
            "type": "array",
            "items": {"oneOf": [_TEXT, _ONE_KEY]},
            "uniqueItems": True,
            "minItems": 1,
        },
        "output": _PAIRS,
        "tasks": {"type": "object", "minProperties": 1, "patternProperties": {r"^\w+$": _TASK}},
    },
    "required": ["tasks"],
    "additionalProperties": False,
}


def syntax_problems(outline: Outline) -> list[Entry]:
    """What is right need not be worded: only the tasks that are not go through the schema."""
    plain = _own(outline.written)
    tasks = plain.get("tasks")
    odd: dict[str, Any] = {}
    if isinstance(tasks, Mapping) and tasks:
        wrong = {str(name): _plain_task(task) for name, task in tasks.items() if not _is_task(task)}
        if not wrong and _fits(plain, _ROOT_FIELDS):
            return []
        odd = {name: task for name, task in wrong.items() if not _WORD.fullmatch(name)}
        named = {name: task for name, task in wrong.items() if name not in odd}
        plain["tasks"] = named or {"placeholder": {"action": "core.noop"}}
    found = [_entry(error, "", "") for error in _validator().iter_errors(plain)]
    # The pattern of Orquesta's schema lets tasks through whose names are more than a word.
    for name, task in odd.items():
        errors = _validator().descend(task, _TASK)
        found += [_entry(error, f"tasks.{name}", TASK_SCHEMA_PATH) for error in errors]
    return found


@lru_cache(maxsize=1)
def _validator() -> Any:
    # A fifth of a second to import, and mostly not needed.
    from jsonschema import Draft4Validator, ValidationError  # noqa: PLC0415
    from jsonschema.validators import create  # noqa: PLC0415

    def matches_items(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and items_of(value) is None:
            yield ValidationError(f"{value!r} does not match {pattern!r}")

    keywords = {**Draft4Validator.VALIDATORS, "pattern": matches_items}
    made = create(meta_schema={}, validators=keywords, version="", type_checker=Draft4Validator.TYPE_CHECKER)
    return made(SCHEMA)


def _unescaped(message: str) -> str:
    r"""Values are quoted as Python writes them, but a backslash is one backslash and a line end is one."""
    return _ESCAPED.sub(lambda found: found[0].encode().decode("unicode_escape"), message)


def _entry(error: Any, path: str, schema_path: str) -> Entry:
    """Of jsonschema's error; the paths are those that its own begin behind."""
    return {
        "message": _unescaped(error.message),
        "spec_path": _dotted(error.absolute_path, path) or None,
        "schema_path": _dotted(error.absolute_schema_path, schema_path) or None,
    }


def _dotted(path: Any, text: str) -> str:
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _plain_task(task: Any) -> Any:
    """x-... keys are ours, and are left out of tasks and transitions."""
    if not isinstance(task, Mapping):
        return task
    plain = _own(task)
    if isinstance(plain.get("next"), list):
        plain["next"] = [_own(one) if isinstance(one, Mapping) else one for one in plain["next"]]
    return plain


def _own(written: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in written.items() if not str(key).startswith("x-")}


# The quick check

_PLAIN = frozenset({str, int, float, bool, type(None), list, dict})


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text_or_count(value: Any) -> bool:
    return _is_text(value) or _is_count(value)


def _is_list_of(value: Any, fits: Callable[[Any], bool]) -> bool:
    return (
        isinstance(value, list)
        and value != []
        and all(map(fits, value))
        and len({repr(one) for one in value}) == len(value)
    )


def _is_one_key(value: Any) -> bool:
    return _is_object(value) and len(value) == 1


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and value != {} and all(type(one) in _PLAIN for one in value.values())


def _is_items(value: Any) -> bool:
    fields = {
        "items": lambda text: _is_text(text) and items_of(text) is not None,
        "concurrency": _is_text_or_count,
    }
    return isinstance(value, dict) and "items" in value and _fits(value, fields)


def _is_retry(value: Any) -> bool:
    fields = {"when": _is_text, "count": _is_text_or_count, "delay": _is_text_or_count}
    return isinstance(value, dict) and "count" in value and _fits(value, fields)


def _is_transition(value: Any) -> bool:
    return isinstance(value, dict) and _fits(value, _TRANSITION_FIELDS, has_extensions=True)


def _is_task(value: Any) -> bool:
    return isinstance(value, dict) and _fits(value, _TASK_FIELDS, has_extensions=True)


def _fits(
    value: Mapping[Any, Any], fields: Mapping[str, Callable[[Any], bool]], *, has_extensions: bool = False
) -> bool:
    for name, inner in value.items():
        fits = fields.get(name)
        if fits is None:
            if not (has_extensions and str(name).startswith("x-")):
                return False
        elif not fits(inner):
            return False
    return True


_TRANSITION_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "when": _is_text,
    "publish": lambda value: _is_text(value) or _is_list_of(value, _is_one_key),
    "do": lambda value: _is_text(value) or _is_list_of(value, _is_text),
}
_TASK_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "delay": _is_text_or_count,
    "join": lambda value: value == "all" or _is_count(value),
    "with": _is_items,
    "action": _is_text,
    "input": lambda value: _is_text(value) or _is_object(value),
    "retry": _is_retry,
    "next": lambda value: isinstance(value, list) and all(map(_is_transition, value)),
}
_ROOT_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "version": lambda value: value in ("1.0", 1.0) and value is not True,
    "name": _is_text,
    "description": _is_text,
    "tags": lambda value: _is_list_of(value, _is_text),
    "vars": lambda value: _is_list_of(value, _is_one_key),
    "input": lambda value: _is_list_of(value, lambda one: _is_text(one) or _is_one_key(one)),
    "output": lambda value: _is_list_of(value, _is_one_key),
    "tasks": lambda _: True,
}
