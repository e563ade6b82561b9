"""YAQL in workflows: texts with `<% ... %>` in them."""

from functools import partial
from typing import Any

from engine.workflows.expressions.running import Run, guarded
from engine.workflows.expressions.texts import Part, is_whole, parts_of
from engine.workflows.expressions.yaql_paths import path
from engine.workflows.expressions.yaql_values import Elsewhere

_LANGUAGE = "Yaql"


class YaqlText:
    """A text with YAQL in it; its expressions are compiled when they are first evaluated."""

    __slots__ = ("_evaluates_data", "_is_whole", "_parts", "_text")

    def __init__(self, text: str, *, evaluates_data: bool) -> None:
        self._text = text
        self._evaluates_data = evaluates_data
        self._parts = parts_of(text, "yaql")
        self._is_whole = is_whole(text, self._parts)

    def evaluate(self, run: Run) -> Any:
        """Raises ExpressionFailure."""
        if self._is_whole:
            return self._value(self._parts[0], run)
        pieces: list[str] = []
        before = 0
        for part in self._parts:
            value = self._value(part, run)
            pieces.append(self._text[before : part.start])
            pieces.append(guarded(_LANGUAGE, part.text, run, partial(run.shown, value)))
            before = part.end
        return "".join([*pieces, self._text[before:]])

    def _value(self, part: Part, run: Run) -> Any:
        return guarded(_LANGUAGE, part.text, run, lambda: self._again(_evaluated(part.inner, run), run))

    def _again(self, value: Any, run: Run) -> Any:
        """The old behaviour, where it was asked for: expressions in data are evaluated too."""
        if not (self._evaluates_data and isinstance(value, str) and "<%" in value):
            return value
        inner = YaqlText(value, evaluates_data=True)
        if not inner._parts:
            return value
        run.deeper()
        return inner.evaluate(run)


def _evaluated(expression: str, run: Run) -> Any:
    quick = path(expression)
    if quick is not None:
        try:
            return quick(run, None)
        except (Elsewhere, LookupError, TypeError):
            # The package knows the words for it.
            pass
    # The package takes as long to import as the engine to start, so it waits until it is needed.
    from engine.workflows.expressions import yaql_package  # noqa: PLC0415

    return yaql_package.evaluate(expression, run)


def problems(text: str) -> tuple[tuple[str, str], ...]:
    """(expression, message) of what does not parse."""
    parts = [part for part in parts_of(text, "yaql") if path(part.inner) is None]
    if not parts:
        return ()
    from engine.workflows.expressions import yaql_package  # noqa: PLC0415

    found = ((part.text, yaql_package.problem(part.inner)) for part in parts)
    return tuple((expression, message) for expression, message in found if message is not None)
