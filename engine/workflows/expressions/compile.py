"""Values of a workflow definition, compiled: constants as they are, texts with expressions in them.

compiled = compile_value({"cmd": "echo <% ctx().name %>", "n": 3})
compiled.evaluate(scope)        # {"cmd": "echo Ada", "n": 3}
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionFailure
from engine.settings.content import TemplateSettings
from engine.workflows.expressions import jinja, yaql
from engine.workflows.expressions.jinja import JinjaText
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.texts import Language, Reference, languages_of, references
from engine.workflows.expressions.yaql import YaqlText
from engine.workflows.scope import Scope

__all__ = ["Compiled", "ExpressionFailure", "Problem", "Reference", "compile_value"]

RAW = "x-raw"
"""The single key of an object whose value is given as it is."""
_LIMITS = TemplateSettings()

Made = Callable[[Run], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An expression that does not parse."""

    language: Language | None
    """None: the text mixes both."""
    expression: str
    message: str


class Compiled:
    """A value of a definition; safe to evaluate from many threads."""

    __slots__ = ("_make", "_settings", "_texts", "_value")

    def __init__(
        self, value: Any, make: Made | None, texts: tuple[str, ...], settings: TemplateSettings
    ) -> None:
        self._value = value
        self._make = make
        self._texts = texts
        self._settings = settings

    @property
    def is_constant(self) -> bool:
        """Whether every evaluation gives the same value, shared and never to be changed."""
        return self._make is None

    def evaluate(self, scope: Scope) -> Any:
        """The value; what it takes from the scope is shared with it. Raises ExpressionFailure."""
        return self._value if self._make is None else self._make(Run(self._settings, scope))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What does not parse, in the order of the value."""
        return tuple(problem for text in self._texts for problem in problems_of(text))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The variables that are read through ctx, sorted by name."""
        return tuple(sorted({found for text in self._texts for found in references(text)}))

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the references."""
        return tuple(dict.fromkeys(reference.name for reference in self.references))


def compile_value(
    value: Any, *, evaluates_data: bool = False, settings: TemplateSettings = _LIMITS
) -> Compiled:
    """Compile a text, dict or list; whatever else is a constant. Texts that do not parse fail when evaluated.

    `evaluates_data`: a result that holds an expression is evaluated again, as Orquesta does.
    """
    compiler = _Compiler(settings, evaluates_data)
    constant, make = compiler.part(value)
    return Compiled(constant, make, tuple(compiler.texts), settings)


class _Compiler:
    """One pass over a value: a part is (its constant value, None) or (None, what makes it)."""

    def __init__(self, settings: TemplateSettings, evaluates_data: bool) -> None:
        self._settings = settings
        self._evaluates_data = evaluates_data
        self.texts: list[str] = []

    def part(self, value: Any) -> tuple[Any, Made | None]:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return (value[RAW], None) if value.keys() == {RAW} else self._object(value)
        if isinstance(value, list | tuple):
            return self._list(value)
        return value, None

    def _text(self, text: str) -> tuple[Any, Made | None]:
        languages = languages_of(text)
        if not languages:
            return text, None
        self.texts.append(text)
        if languages[0] == "yaql":
            return None, YaqlText(text, evaluates_data=self._evaluates_data).evaluate
        return None, JinjaText(text, self._settings, evaluates_data=self._evaluates_data).evaluate

    def _object(self, value: Mapping[Any, Any]) -> tuple[Any, Made | None]:
        pairs = [(self.part(key), self.part(inner)) for key, inner in value.items()]
        if any(make for pair in pairs for _, make in pair):

            def make_object(run: Run) -> dict[Any, Any]:
                return {_key(_made(key, run)): _made(inner, run) for key, inner in pairs}

            return None, make_object
        if all(part[0] is inner for (_, part), inner in zip(pairs, value.values(), strict=True)):
            return value, None
        return {key[0]: inner[0] for key, inner in pairs}, None

    def _list(self, value: Sequence[Any]) -> tuple[Any, Made | None]:
        parts = [self.part(inner) for inner in value]
        if any(make for _, make in parts):
            return None, lambda run: [_made(part, run) for part in parts]
        if all(part[0] is inner for part, inner in zip(parts, value, strict=True)):
            return value, None
        return [constant for constant, _ in parts], None


def _made(part: tuple[Any, Made | None], run: Run) -> Any:
    constant, make = part
    return constant if make is None else make(run)


def _key(key: Any) -> Any:
    if isinstance(key, dict | list):
        raise ExpressionFailure("TypeError: The name of a value cannot be a list or an object.")
    return key


@functools.lru_cache(maxsize=4096)
def problems_of(text: str) -> tuple[Problem, ...]:
    """Of a text that holds an expression."""
    languages = languages_of(text)
    if len(languages) > 1:
        message = "Expression with multiple types is not supported."
        return (Problem(language=None, expression=text, message=message),)
    found = yaql.problems(text) if languages[0] == "yaql" else jinja.problems(text)
    return tuple(
        Problem(language=languages[0], expression=expression, message=message)
        for expression, message in found
    )
