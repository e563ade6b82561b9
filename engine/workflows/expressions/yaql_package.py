"""The yaql package, bounded: it parses every YAQL expression, and evaluates what the compiler does not.

Importing it takes as long as starting the rest of the engine, so this module is imported
when the first expression that needs it is there.
"""

import collections.abc  # noqa: F401  the package uses it without importing it
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import yaql
from yaql.language import contexts, specs
from yaql.language.exceptions import YaqlException
from yaql.language.expressions import Statement

from engine.workflows.expressions.functions import DATA, LOOKING
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_compiled import Made, compiled
from engine.workflows.expressions.yaql_guards import add_run, guard
from engine.workflows.expressions.yaql_methods import Elsewhere
from engine.workflows.expressions.yaql_views import plain, view

_LONGEST_TEXT = 65_536
# What a call costs beside its result: the package takes tens of microseconds for one.
_CALL = 10
_KEPT = 4096
_parsing = threading.Lock()


class RunContext(contexts.Context):  # type: ignore[misc]
    """A YAQL context (the package has no types) in which each call is paid for; it knows its run."""

    def __init__(self, parent_context: Any, run: Run | None = None) -> None:
        super().__init__(parent_context)
        self.run: Run = run or parent_context.run

    def __call__(self, *wanted: Any, **options: Any) -> Callable[..., Any]:
        run = self.run
        run.spend(_CALL)
        run.clock()
        call = super().__call__(*wanted, **options)

        def paid(*args: Any, **kwargs: Any) -> Any:
            return _paid(run, call(*args, **kwargs))

        return paid


def _paid(run: Run, result: Any) -> Any:
    if isinstance(result, str):
        run.characters(len(result))
    elif isinstance(result, int):
        run.number(result)
    elif isinstance(result, Iterator):
        return run.counted(result)
    else:
        run.weigh(result)
    return result


@functools.cache
def _engine() -> Any:
    limits = {"yaql.limitIterators": 1_000_000, "yaql.memoryQuota": 33_554_432}
    return yaql.YaqlFactory().create(options=limits)


@functools.lru_cache(maxsize=_KEPT)
def parse(expression: str) -> Statement:
    """The tree of an expression. Raises YaqlException, ValueError, TypeError."""
    if len(expression) > _LONGEST_TEXT:
        raise ValueError(f"The expression is longer than {_LONGEST_TEXT} characters.")
    # Lexer and parser keep their state in themselves.
    with _parsing:
        return _engine()(expression)


def problem(expression: str) -> str | None:
    """Why an expression does not parse; None when it does."""
    try:
        parse(expression)
    except (YaqlException, ValueError, TypeError) as error:
        return str(getattr(error, "message", error))
    return None


def evaluate(expression: str, run: Run) -> Any:
    """Raises whatever the package, a function or a limit raises."""
    quick = _compiled(expression)
    if quick is not None:
        try:
            return quick(run, None)
        except (Elsewhere, RecursionError):
            pass
    return interpreted(expression, run)


def interpreted(expression: str, run: Run) -> Any:
    """By the package alone: what `evaluate` must agree with."""
    return parse(expression).evaluate(context=RunContext(_root(), run))


@functools.lru_cache(maxsize=_KEPT)
def _compiled(expression: str) -> Made | None:
    return compiled(parse(expression))


@functools.cache
def _root() -> Any:
    """The package's functions and ours; it is never changed after it was made."""
    context = yaql.create_context(finalizer=_finalizer())
    guard(context)
    for name, function in LOOKING.items():
        _register(context, name, function)
    for name, function in DATA.items():
        _register(context, name, function)
    return context


def _finalizer() -> Any:
    def finalize(value: Any, context: Any) -> Any:
        return plain(value, context.run)

    return specs.get_function_definition(finalize, name="#finalize")


def _register(context: Any, name: str, function: Callable[..., Any]) -> None:
    definition = specs.get_function_definition(function, name=name, convention=context.convention)

    def called(run: Run, *args: Any, **kwargs: Any) -> Any:
        given = [arg if isinstance(arg, contexts.ContextBase) else plain(arg, run) for arg in args]
        named = {key: plain(arg, run) for key, arg in kwargs.items()}
        return view(function(*given, **named))

    add_run(definition, called)
    context.register_function(definition)
