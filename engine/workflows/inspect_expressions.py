"""Expressions that do not parse, and variables that are read before anything has set them."""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from engine.workflows.expressions.compile import RAW, problems_of
from engine.workflows.expressions.texts import languages_of, references
from engine.workflows.extensions import OUTCOME
from engine.workflows.graph import COMMANDS
from engine.workflows.inline import pairs_of
from engine.workflows.outline import TASK_SCHEMA_PATH, Outline, TaskOutline, TransitionOutline

Entry = dict[str, Any]
Known = frozenset[str]

_NEXT = f"{TASK_SCHEMA_PATH}.properties.next.items.properties"
# Keys of ours whose values may hold expressions.
_EXTENSIONS = ("x-timeout", "x-approve", "x-on-failure", "x-undo", "x-items")
_WHEN, _PUBLISH, _DO = f"{_NEXT}.when", f"{_NEXT}.publish", f"{_NEXT}.do"


def expression_problems(outline: Outline) -> list[Entry]:
    found: list[Entry] = []
    for name in ("vars", "input", "output", "x-timeout"):
        found += _unparsable(outline.written.get(name), name, f"properties.{name}")
    for task in outline.tasks.values():
        for name, schema_path, value in _fields(task):
            found += _unparsable(value, f"{task.spec_path}.{name}", schema_path)
        for number, transition in enumerate(task.next):
            path = f"{task.spec_path}.next[{number}]"
            found += _unparsable(transition.when, f"{path}.when", _WHEN)
            found += _unparsable(transition.publish, f"{path}.publish", _PUBLISH)
            found += _unparsable(transition.do, f"{path}.do", _DO)
    return found


def _fields(task: TaskOutline) -> Iterable[tuple[str, str, Any]]:
    """(name, schema path, value) of what a task has."""
    written = task.written
    if "delay" in written:
        yield "delay", _field_path("delay"), written["delay"]
    for name, value in (task.items or {}).items():
        yield f"with.{name}", _field_path("with", str(name)), value
    if task.action:
        yield "action", _field_path("action"), task.action
    if task.input:
        yield "input", _field_path("input"), task.input
    for name in _EXTENSIONS:
        if name in written:
            yield name, _field_path(name), written[name]
    retry = written.get("retry")
    if isinstance(retry, Mapping):
        for name, value in retry.items():
            yield f"retry.{name}", _field_path("retry", str(name)), value


@lru_cache
def _field_path(*steps: str) -> str:
    return TASK_SCHEMA_PATH + "".join(f".properties.{step}" for step in steps)


def _texts(value: Any, found: list[str]) -> list[str]:
    """The texts with expressions in a value."""
    if isinstance(value, str):
        if languages_of(value):
            found.append(value)
    elif isinstance(value, Mapping):
        if value.keys() != {RAW}:
            for name, inner in value.items():
                _texts(name, found)
                _texts(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _texts(inner, found)
    return found


def _unparsable(value: Any, spec_path: str, schema_path: str) -> list[Entry]:
    return [
        {
            "type": problem.language,
            "expression": problem.expression,
            "message": problem.message,
            "spec_path": spec_path,
            "schema_path": schema_path,
        }
        for text in _texts(value, [])
        for problem in problems_of(text)
    ]


# variables


def context_problems(outline: Outline, given: Iterable[str]) -> list[Entry]:
    """`given`: names that the host sets before the workflow begins."""
    found: list[Entry] = []
    known = frozenset(given)
    for name in ("input", "vars"):
        known = _section(outline.written.get(name), name, f"properties.{name}", known, found)
    found += _unset(outline.written.get("x-timeout"), "x-timeout", "properties.x-timeout", known)
    known = _tasks(outline, outline.starts, known, found)
    if outline.final:
        # They see what all others have published, and how it ended.
        known = _tasks(outline, outline.final, known | {OUTCOME}, found)
    _section(outline.written.get("output"), "output", "properties.output", known, found)
    return found


def _section(value: Any, spec_path: str, schema_path: str, known: Known, found: list[Entry]) -> Known:
    """What a list of named values reads; the names are known to those behind."""
    if not value:
        return known
    if not isinstance(value, list):
        found += _unset(value, spec_path, schema_path, known)
        return known | _names(value)
    for number, one in enumerate(value):
        found += _unset(one, f"{spec_path}[{number}]", schema_path, known)
        known |= _names(one)
    return known


def _names(value: Any) -> Known:
    if isinstance(value, Mapping) and value:
        return frozenset(map(str, value))
    return frozenset([value]) if isinstance(value, str) else frozenset()


def _tasks(outline: Outline, starts: Iterable[str], known: Known, found: list[Entry]) -> Known:
    """Walked in the order in which Orquesta looks: a task is looked at with what the first branch knows."""
    everything = known
    at_joins: dict[str, Known] = {}
    queued: dict[str, Known] = {}
    walked: set[str] = set()
    waiting: deque[tuple[str, Known | None]] = deque((name, known) for name in starts)
    while waiting:
        name, here = waiting.popleft()
        walked.add(name)
        here = here or at_joins.get(name, frozenset())
        everything |= here
        task = outline.tasks.get(name)
        if task is None:
            continue
        found += _of_task(task, here)
        for number, transition in enumerate(task.next):
            for target in transition.targets:
                after = _of_transition(task, number, transition, here, found)
                if target in walked or not (target in outline.tasks or target in COMMANDS):
                    continue
                if target in outline.tasks and outline.tasks[target].is_join:
                    at_joins[target] = at_joins.get(target, frozenset()) | after
                    waiting.append((target, None))
                elif queued.get(target) != after:
                    queued[target] = after
                    waiting.append((target, after))
    return everything


def _of_task(task: TaskOutline, known: Known) -> list[Entry]:
    found: list[Entry] = []
    for name, schema_path, value in _fields(task):
        if not name.startswith("retry."):
            found += _read_in(value, f"{task.spec_path}.{name}", schema_path, known)
    return sorted(found, key=lambda entry: str(entry["spec_path"]))


def _of_transition(
    task: TaskOutline, number: int, transition: TransitionOutline, known: Known, found: list[Entry]
) -> Known:
    path = f"{task.spec_path}.next[{number}]"
    here: list[Entry] = []
    here += _read_in(transition.when, f"{path}.when", _WHEN, known)
    known = _section(transition.publish, f"{path}.publish", _PUBLISH, known, here)
    here += _read_in(transition.do, f"{path}.do", _DO, known)
    found += sorted(here, key=lambda entry: str(entry["spec_path"]))
    return known


def _read_in(value: Any, spec_path: str, schema_path: str, known: Known) -> list[Entry]:
    if isinstance(value, str) and "=" in value:
        # Orquesta takes `a=<% ... %>` for a parameter wherever a text may hold one.
        inline = pairs_of(value)
        value = [{name: inner} for name, inner in inline] if inline else value
    if isinstance(value, list):
        return [
            entry
            for number, one in enumerate(value)
            for entry in _unset(one, f"{spec_path}[{number}]", schema_path, known)
        ]
    return _unset(value, spec_path, schema_path, known)


def _unset(value: Any, spec_path: str, schema_path: str, known: Known) -> list[Entry]:
    found: list[Entry] = []
    texts = _texts(value, [])
    for reference in sorted({one for text in texts for one in references(text)}):
        messages = []
        if reference.name.startswith("__"):
            messages.append(
                f'Variable "{reference.name}" that is prefixed with double underscores is considered '
                "a private variable and cannot be referenced."
            )
        if reference.name not in known:
            messages.append(f'Variable "{reference.name}" is referenced before assignment.')
        found += [
            {
                "type": reference.language,
                "expression": reference.text,
                "message": message,
                "spec_path": spec_path,
                "schema_path": schema_path,
            }
            for message in messages
        ]
    return found
