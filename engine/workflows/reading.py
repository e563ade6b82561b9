"""From the text of a workflow to its frozen definition.

What is wrong with a definition that can be loaded is told by engine/workflows/inspect.py; here only
what cannot be loaded at all is refused.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.errors import BadContent
from engine.workflows.definition import Definition, Input, Items, Retry, Task, Transition
from engine.workflows.inline import action_of, items_of, pairs_of
from engine.yaml_reader import read_text

_NEEDED = "It is a mapping with `version: 1.0` and `tasks`."


class DefinitionError(BadContent):
    """A workflow that cannot be loaded."""


def load(text: str, *, name: str = "workflow") -> dict[str, Any]:
    """What the YAML says. Raises DefinitionError for what is no YAML, no mapping, or has a key twice."""
    try:
        document = read_text(text, name=name)
    except BadContent as error:
        reason = error.message[0].lower() + error.message[1:]
        message = f"Failed to load workflow definition because {reason}"
        raise DefinitionError(message, hint=error.hint, where=error.where) from error
    if document.duplicates:
        line, key = document.duplicates[0]
        raise DefinitionError(
            f'Failed to load workflow definition because found duplicate key "{key}".',
            where=f"{name}:{line}",
            hint="Only the last one would count: remove or rename one of them.",
        )
    if document.value is None:
        raise DefinitionError("Workflow definition is empty.", where=f"{name}:1", hint=_NEEDED)
    if not isinstance(document.value, dict):
        raise DefinitionError(
            "Unable to convert workflow definition into dict.", where=f"{name}:1", hint=_NEEDED
        )
    return document.value


def read(text: str, *, name: str = "workflow") -> Definition:
    """Raises DefinitionError, also for parts of the wrong shape: `inspect` says more of those."""
    loaded = load(text, name=name)
    try:
        return definition_of(loaded, digest=hashlib.sha256(text.encode()).hexdigest())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DefinitionError(
            f"The workflow definition has a part of the wrong shape: {error}",
            where=name,
            hint="See: stormcrow workflow inspect",
        ) from error


def definition_of(loaded: Mapping[str, Any], *, digest: str) -> Definition:
    return Definition(
        digest=digest,
        name=loaded.get("name") or "",
        description=loaded.get("description") or "",
        tags=tuple(loaded.get("tags") or ()),
        input=tuple(map(_input, loaded.get("input") or ())),
        vars=_named(loaded.get("vars")),
        tasks={str(name): _task(str(name), task or {}) for name, task in loaded["tasks"].items()},
        output=_named(loaded.get("output")),
        extensions=_extensions(loaded),
    )


def _input(written: str | Mapping[str, Any]) -> Input:
    if isinstance(written, str):
        return Input(name=written)
    ((name, default),) = written.items()
    return Input(name=name, default=default, has_default=True)


def _named(written: str | Iterable[Mapping[str, Any]] | None) -> tuple[tuple[str, Any], ...]:
    """A list of mappings, or one line of pairs."""
    if isinstance(written, str):
        return pairs_of(written)
    return tuple(pair for mapping in written or () for pair in mapping.items())


def _task(name: str, written: Mapping[str, Any]) -> Task:
    action, given = written.get("action"), written.get("input")
    if isinstance(action, str):
        action, inline = action_of(action)
        given = inline or given
    return Task(
        name=name,
        action=action,
        input=given,
        delay=written.get("delay"),
        join=written.get("join"),
        items=_items(written.get("with")),
        retry=_retry(written.get("retry")),
        next=tuple(_transition(number, one) for number, one in enumerate(written.get("next") or ())),
        extensions=_extensions(written),
    )


def _items(written: str | Mapping[str, Any] | None) -> Items | None:
    if written is None:
        return None
    if isinstance(written, str):
        written = {"items": written}
    names, expression = items_of(written["items"]) or ((), written["items"])
    return Items(names=names, expression=expression, concurrency=written.get("concurrency"))


def _retry(written: Mapping[str, Any] | None) -> Retry | None:
    if written is None:
        return None
    return Retry(when=written.get("when"), count=written["count"], delay=written.get("delay"))


def _transition(number: int, written: Mapping[str, Any]) -> Transition:
    return Transition(
        number=number,
        when=written.get("when"),
        publish=_named(written.get("publish")),
        do=_targets(written.get("do")),
        is_else=written.get("x-else") is True,
    )


def _targets(written: str | Sequence[str] | None) -> tuple[str, ...]:
    if written is None:
        return ("continue",)
    names = written.split(",") if isinstance(written, str) else written
    return tuple(name.strip() for name in names)


def _extensions(written: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in written.items() if isinstance(key, str) and key.startswith("x-")}
