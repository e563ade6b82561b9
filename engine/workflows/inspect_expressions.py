"""Expressions that do not parse, and variables that are read before anything has set them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from engine.workflows.expressions.compile import RAW, problems_of
from engine.workflows.expressions.texts import languages_of, references
from engine.workflows.extensions import OUTCOME
from engine.workflows.graph import COMMANDS
from engine.workflows.inline import pairs_of
from engine.workflows.outline import TASK_SCHEMA_PATH, Outline, TaskOutline, TransitionOutline

Entry = dict[str, Any]
Known = frozenset[str]
_NOTHING: Known = frozenset()
_RAW = {RAW}
_NESTED = ("with", "retry")

_NEXT = f"{TASK_SCHEMA_PATH}.properties.next.items.properties"
# Keys of ours whose values may hold expressions.
_EXTENSIONS = ("x-timeout", "x-approve", "x-on-failure", "x-undo", "x-items")
# Orquesta looks at a task once for each way to it, and their number can double with every task. After as
# many visits as this a task is looked at once more at most.
_MOST_VISITS = 2_000
_TASK_FIELDS = ("delay", "join", "with", "action", *_EXTENSIONS, "retry")
_WHEN, _PUBLISH, _DO = f"{_NEXT}.when", f"{_NEXT}.publish", f"{_NEXT}.do"


class Field(NamedTuple):
    """A field with expressions in it."""

    name: str
    spec_path: str
    schema_path: str
    value: Any
    texts: Sequence[str]
    """Those of its texts that hold expressions."""


class TaskFields(NamedTuple):
    own: Sequence[Field]
    next: Sequence[Mapping[str, Field]]
    """Of each transition: `when`, `publish`, `do`."""


Fields = Mapping[str, TaskFields]


def fields_of(outline: Outline) -> Fields:
    """By task."""
    return {name: TaskFields(_own(task), _following(task)) for name, task in outline.tasks.items()}


def _own(task: TaskOutline) -> Sequence[Field]:
    written = task.written
    found = []
    for name in _TASK_FIELDS:
        if name not in written:
            continue
        value = written[name]
        if name == "action":
            found.append(_field(task.spec_path, name, _ACTION, task.action))
        elif name in _NESTED:
            # `with: TEXT` has been spelled out; what is no object has been told.
            for inner, part in value.items() if isinstance(value, Mapping) else ():
                path = _field_path(name, str(inner))
                found.append(_field(task.spec_path, f"{name}.{inner}", path, part))
        elif name != "input":
            found.append(_field(task.spec_path, name, _field_path(name), value))
    if task.input:
        found.append(_field(task.spec_path, "input", _INPUT, task.input))
    return [one for one in found if one is not None]


def _following(task: TaskOutline) -> Sequence[Mapping[str, Field]]:
    found = []
    for number, transition in enumerate(task.next):
        path = f"{task.spec_path}.next[{number}]"
        fields = (
            _field(path, "when", _WHEN, transition.when),
            _field(path, "publish", _PUBLISH, transition.publish),
            _field(path, "do", _DO, transition.do),
        )
        found.append({one.name: one for one in fields if one is not None})
    return found


def _field(path: str, name: str, schema_path: str, value: Any) -> Field | None:
    """None: there is no expression in it."""
    texts = _texts(value)
    return Field(name, f"{path}.{name}", schema_path, value, texts) if texts else None


@lru_cache
def _field_path(*steps: str) -> str:
    return TASK_SCHEMA_PATH + "".join(f".properties.{step}" for step in steps)


_ACTION, _INPUT = _field_path("action"), _field_path("input")


def _texts(value: Any) -> Sequence[str]:
    """The texts with expressions in a value."""
    if isinstance(value, str):
        return (value,) if languages_of(value) else ()
    return _texts_within(value, []) if isinstance(value, dict | list) else ()


def _texts_within(value: Any, found: list[str]) -> list[str]:
    if isinstance(value, str):
        if languages_of(value):
            found.append(value)
    elif isinstance(value, list):
        for inner in value:
            _texts_within(inner, found)
    elif isinstance(value, dict) and value.keys() != _RAW:
        for name, inner in value.items():
            _texts_within(name, found)
            _texts_within(inner, found)
    return found


def expression_problems(outline: Outline, fields: Fields) -> list[Entry]:
    found: list[Entry] = []
    for name in ("vars", "input", "output", "x-timeout"):
        found += _unparsable(_texts(outline.written.get(name)), name, f"properties.{name}")
    for own, following in fields.values():
        for _, spec_path, schema_path, _, texts in own:
            found += _unparsable(texts, spec_path, schema_path)
        for transition in following:
            for _, spec_path, schema_path, _, texts in transition.values():
                found += _unparsable(texts, spec_path, schema_path)
    return found


def _unparsable(texts: Iterable[str], spec_path: str, schema_path: str) -> Sequence[Entry]:
    return [
        {
            "type": problem.language,
            "expression": problem.expression,
            "message": problem.message,
            "spec_path": spec_path,
            "schema_path": schema_path,
        }
        for text in texts
        for problem in problems_of(text)
    ]


# variables


def context_problems(outline: Outline, fields: Fields, given: Iterable[str]) -> list[Entry]:
    """`given`: names that the host sets before the workflow begins."""
    walk = _Walk(outline, fields)
    known = frozenset(given)
    for name in ("input", "vars"):
        known = _section(outline.written.get(name), name, f"properties.{name}", known, walk.found)
    walk.found += _unset(outline.written.get("x-timeout"), "x-timeout", "properties.x-timeout", known)
    known = walk.tasks(outline.starts, known)
    if outline.final:
        # They see what all others have published, and how it ended.
        known = walk.tasks(outline.final, known | {OUTCOME})
    _section(outline.written.get("output"), "output", "properties.output", known, walk.found)
    return walk.found


def _section(value: Any, spec_path: str, schema_path: str, known: Known, found: list[Entry]) -> Known:
    """What a list of named values reads; the names are known to those behind."""
    if not value:
        return known
    if not isinstance(value, list):
        found += _unset(value, spec_path, schema_path, known)
        return _with(known, value)
    for number, one in enumerate(value):
        found += _unset(one, f"{spec_path}[{number}]", schema_path, known)
        known = _with(known, one)
    return known


def _with(known: Known, value: Any) -> Known:
    """The names of a value added; the same set when all of them are in it."""
    names = map(str, value) if isinstance(value, Mapping) else (value,) if isinstance(value, str) else ()
    new = [name for name in names if name not in known]
    return known.union(new) if new else known


class _Walk:
    """Through the tasks in the order in which Orquesta looks: with what the first branch knows."""

    def __init__(self, outline: Outline, fields: Fields) -> None:
        self._tasks = outline.tasks
        self._fields = fields
        self.found: list[Entry] = []

    def tasks(self, starts: Iterable[str], known: Known) -> Known:
        everything, last = set(known), known
        at_joins: dict[str, Known] = {}
        queued: dict[str, Known] = {}
        walked: set[str] = set()
        waiting: deque[tuple[str, Known | None]] = deque((name, known) for name in starts)
        visits_left = _MOST_VISITS + len(self._tasks)
        while waiting:
            name, here = waiting.popleft()
            walked.add(name)
            here = here or at_joins.get(name, _NOTHING)
            if here is not last:
                everything |= here
                last = here
            for target, after in self._ahead(name, here):
                if target in walked:
                    continue
                # `join: 0` waits for nobody: it knows what one branch knows.
                is_join = target in self._tasks and self._tasks[target].written.get("join")
                if is_join:
                    at_joins[target] = at_joins.get(target, _NOTHING) | after
                is_new = target not in queued
                if is_new or (visits_left > 0 and (is_join or queued[target] != after)):
                    waiting.append((target, None if is_join else after))
                    visits_left -= 1
                queued[target] = after
        return frozenset(everything)

    def _ahead(self, name: str, known: Known) -> Iterator[tuple[str, Known]]:
        """Tasks that a task leads to, with what is known there; what is wrong with it is found on the way."""
        task = self._tasks.get(name)
        if task is None:
            return
        self._own(name, known)
        for number, transition in enumerate(task.next):
            entries, after = self._transition(task, number, transition, known)
            for target in transition.targets:
                self.found += entries
                if target in self._tasks or target in COMMANDS:
                    yield target, after

    def _own(self, name: str, known: Known) -> None:
        found: list[Entry] = []
        for field in self._fields[name].own:
            if field.name != "join" and not field.name.startswith("retry."):
                found += _read_in(field, known)
        self.found += sorted(found, key=_by_place)

    def _transition(
        self, task: TaskOutline, number: int, transition: TransitionOutline, known: Known
    ) -> tuple[Sequence[Entry], Known]:
        """What is wrong with it, and what is known behind it."""
        fields = self._fields[task.name].next[number]
        found: list[Entry] = []
        if "when" in fields:
            found += _read_in(fields["when"], known)
        if transition.publish:
            path = f"{task.spec_path}.next[{number}].publish"
            known = _section(transition.publish, path, _PUBLISH, known, found)
        if "do" in fields:
            found += _read_in(fields["do"], known)
        return sorted(found, key=_by_place), known


def _by_place(entry: Entry) -> str:
    return str(entry["spec_path"])


def _read_in(field: Field, known: Known) -> Sequence[Entry]:
    _, spec_path, schema_path, value, texts = field
    for text in texts:
        if not _are_set(text, known):
            break
    else:
        return ()
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


def _are_set(text: str, known: Known) -> bool:
    return _demanded(text) <= known


@lru_cache(maxsize=4096)
def _demanded(text: str) -> Known:
    """The variables that a text reads; with a private one among them the empty name, which nothing has."""
    names = {reference.name for reference in references(text)}
    return frozenset(names | {""} if any(name.startswith("__") for name in names) else names)


def _unset(value: Any, spec_path: str, schema_path: str, known: Known) -> Sequence[Entry]:
    texts = [text for text in _texts(value) if not _are_set(text, known)]
    return [
        {
            "type": reference.language,
            "expression": reference.text,
            "message": message,
            "spec_path": spec_path,
            "schema_path": schema_path,
        }
        for reference in sorted({reference for text in texts for reference in references(text)})
        for message in _wrong_with(reference.name, known)
    ]


def _wrong_with(name: str, known: Known) -> Iterator[str]:
    if name.startswith("__"):
        yield (
            f'Variable "{name}" that is prefixed with double underscores is considered '
            "a private variable and cannot be referenced."
        )
    if name not in known:
        yield f'Variable "{name}" is referenced before assignment.'
