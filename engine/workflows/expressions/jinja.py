"""Jinja in workflows: expressions that keep their type, and whole texts with blocks; compiled once."""

import functools
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Set, ValuesView
from typing import Any

from jinja2 import Template, TemplateError, Undefined

from engine.expressions.limits import refused
from engine.settings.content import TemplateSettings
from engine.workflows.expressions.jinja_room import RESULT, bound, room_of
from engine.workflows.expressions.running import Run, failure, guarded
from engine.workflows.expressions.texts import (
    Part,
    has_block,
    is_whole,
    parts_of,
    with_raw,
    without_raw,
)

_LANGUAGE = "Jinja"
_KEPT = 4096
_LONGEST_TEXT = 1_048_576


@functools.lru_cache(maxsize=_KEPT)
def problems(text: str) -> tuple[tuple[str, str], ...]:
    """(expression, message) of what does not parse: the whole text first, then each expression."""
    room = room_of(TemplateSettings())
    found: list[tuple[str, str]] = []
    try:
        room.parse(text)
    except TemplateError as error:
        found.append((text, str(error.message)))
    for part in parts_of(text, "jinja"):
        if any(expression == part.text for expression, _ in found):
            continue
        try:
            room.parsed(part.inner)
        except TemplateError as error:
            found.append((part.text, str(error.message)))
    return tuple(found)


@functools.lru_cache(maxsize=_KEPT)
def _template(settings: TemplateSettings, text: str, is_expression: bool) -> Template:
    if len(text) > _LONGEST_TEXT:
        raise refused(f"is longer than {_LONGEST_TEXT} characters")
    room = room_of(settings)
    return room.expression(text) if is_expression else room.from_string(text)


class JinjaText:
    """A text with Jinja in it; compiled when it is first evaluated."""

    __slots__ = ("_evaluates_data", "_is_rendered", "_is_whole", "_parts", "_raw", "_settings", "_text")

    def __init__(self, text: str, settings: TemplateSettings, *, evaluates_data: bool) -> None:
        # Where results are evaluated again, what is raw has to stay out of it.
        self._text, self._raw = without_raw(text) if evaluates_data else (text, ())
        self._settings = settings
        self._evaluates_data = evaluates_data
        self._is_rendered = has_block(self._text)
        self._parts = parts_of(self._text, "jinja")
        self._is_whole = is_whole(self._text, self._parts)

    def evaluate(self, run: Run) -> Any:
        """Raises ExpressionFailure."""
        value = self._evaluated(run)
        return with_raw(value, self._raw) if self._raw and isinstance(value, str) else value

    def _evaluated(self, run: Run) -> Any:
        if self._is_rendered:
            return guarded(_LANGUAGE, self._text, run, lambda: self._rendered(run))
        pieces: list[Any] = []
        unresolved: list[Part] = []
        before = 0
        for part in self._parts:
            value = guarded(_LANGUAGE, part.text, run, functools.partial(self._value, part, run))
            if isinstance(value, Undefined):
                unresolved.append(part)
            elif not self._is_whole:
                pieces.append(self._text[before : part.start])
                pieces.append(guarded(_LANGUAGE, part.text, run, functools.partial(run.shown, value)))
            before = part.end
        if unresolved:
            names = ", ".join(part.inner for part in unresolved)
            raise failure(_LANGUAGE, f"There are unresolved variables: {names}", run)
        return value if self._is_whole else "".join([*pieces, self._text[before:]])

    def _value(self, part: Part, run: Run) -> Any:
        template = _template(self._settings, part.inner, True)
        context = bound(template, run)
        for _ in template.root_render_func(context):
            pass
        return self._again(plain(context.vars[RESULT], run), run)

    def _rendered(self, run: Run) -> Any:
        template = _template(self._settings, self._text, False)
        pieces: list[str] = []
        for piece in template.root_render_func(bound(template, run)):
            run.output(piece)
            pieces.append(piece)
        return self._again("".join(pieces), run)

    def _again(self, value: Any, run: Run) -> Any:
        """The old behaviour, where it was asked for: expressions in data are evaluated too."""
        if not (self._evaluates_data and isinstance(value, str) and "{" in value) or value == self._text:
            return value
        inner = JinjaText(value, self._settings, evaluates_data=True)
        if not (inner._parts or inner._is_rendered or inner._raw):
            return value
        run.deeper()
        return inner.evaluate(run)


def plain(value: Any, run: Run) -> Any:
    """A value that JSON can hold; what came from the workflow is passed on as it is."""
    if isinstance(value, Iterator | ItemsView | KeysView | ValuesView | range | tuple):
        return [plain(part, run) for part in run.counted(value)]
    if isinstance(value, Set):
        return [plain(part, run) for part in run.counted(sorted(value, key=repr))]
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return {key: plain(part, run) for key, part in value.items()}
    return value
