"""One evaluation: its scope and budget, and how what goes wrong is said in Orquesta's words."""

from collections.abc import Callable
from typing import TypeVar

from engine.errors import BadTemplate, EngineError, ExpressionFailure
from engine.expressions.limits import Budget, refused
from engine.expressions.masking import ValueMasker
from engine.settings.content import TemplateSettings
from engine.workflows.scope import Scope

# Error texts repeat values; a large one would fill every log and database row.
_LONGEST_WORDS = 2_000
# How often a result may hold an expression again, where data is evaluated.
_DEEPEST = 20

Value = TypeVar("Value")


class ExpressionEvaluationException(Exception):
    """A function cannot do what it was asked; the class's name is part of the message."""


class VariableUndefinedError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(f'The variable "{name}" is undefined.')


class VariableInaccessibleError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(f'The variable "{name}" is for internal use and inaccessible.')


class Run(Budget):
    """What an expression may see and spend while it is evaluated."""

    __slots__ = ("depth", "scope")

    def __init__(self, settings: TemplateSettings, scope: Scope) -> None:
        super().__init__(settings)
        self.scope = scope
        self.depth = 0

    @property
    def run(self) -> "Run":
        """Itself: functions take whatever has a run."""
        return self

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise refused(f"finds expressions in results more than {_DEEPEST} times over")

    def shown(self, value: object) -> str:
        """A value as it stands in a text."""
        self.printable(value)
        text = str(value)
        self.output(text)
        return text


def guarded(language: str, expression: str, run: Run, work: Callable[[], Value]) -> Value:
    """What `work` gives; raises ExpressionFailure, which names the expression, for all that it raises."""
    try:
        return work()
    except ExpressionFailure:
        raise
    except BadTemplate as error:
        words = f"Unable to evaluate expression '{expression}'. {error.message}"
        raise failure(language, words, run, hint=error.hint) from _cause(run, error)
    except EngineError:
        # The database is broken, not the expression.
        raise
    except KeyError as error:
        if language != "Yaql":
            raise failure(language, _words(language, expression, error), run) from _cause(run, error)
        key = str(error).strip("'")
        words = f"Unable to resolve key '{key}' in expression '{expression}' from context."
        raise failure(language, words, run) from _cause(run, error)
    # An expression can raise whatever Python can; the workflow has to fail by it, not the engine.
    except Exception as error:  # noqa: BLE001
        raise failure(language, _words(language, expression, error), run) from _cause(run, error)


def failure(language: str, words: str, run: Run, *, hint: str = "") -> ExpressionFailure:
    """The failure to raise; values that were decrypted are masked in its words."""
    words = ValueMasker(run.decrypted).text(words)
    if len(words) > _LONGEST_WORDS:
        words = f"{words[:_LONGEST_WORDS]} ..."
    return ExpressionFailure(f"{language}EvaluationException: {words}", hint=hint)


def _words(language: str, expression: str, error: Exception) -> str:
    text = str(error)
    is_of_yaql = type(error).__module__.startswith("yaql.") or isinstance(error, ValueError | TypeError)
    if language == "Yaql" and is_of_yaql:
        # So does Orquesta.
        text = text.strip("'")
    if isinstance(error, RecursionError | MemoryError):
        text = "it is nested too deeply, or needs too much memory"
    return f"Unable to evaluate expression '{expression}'. {type(error).__name__}: {text}"


def _cause(run: Run, error: Exception) -> Exception | None:
    # A chained exception would show in a log what the message masks.
    return None if run.decrypted else error


def is_private(name: str) -> bool:
    """Whether a variable is the engine's own, which no expression sees."""
    return name.startswith("__")
