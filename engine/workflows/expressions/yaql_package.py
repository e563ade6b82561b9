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

from engine.workflows.expressions.functions import DATA, LOOKING, call_data
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_compiled import UNCERTAIN, compiled
from engine.workflows.expressions.yaql_guards import add_run, guard
from engine.workflows.expressions.yaql_paths import Node
from engine.workflows.expressions.yaql_values import bounded
from engine.workflows.expressions.yaql_views import DictView, plain, view, weigh

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
    if isinstance(result, int):
        run.number(result)
    elif isinstance(result, Iterator):
        return run.counted(result)
    else:
        # Texts that exist may be long; those that are made are bounded where they are made.
        weigh(result, run)
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
        except UNCERTAIN:
            pass
    return interpreted(expression, run)


def interpreted(expression: str, run: Run) -> Any:
    """By the package alone: what `evaluate` must agree with."""
    return parse(expression).evaluate(context=RunContext(_root(), run))


@functools.lru_cache(maxsize=_KEPT)
def _compiled(expression: str) -> Node | None:
    return compiled(parse(expression))


@functools.cache
def _root() -> Any:
    """The package's functions and ours; it is never changed after it was made."""
    context = yaql.create_context(finalizer=_finalizer())
    guard(context)
    for name, function in LOOKING.items():
        _register(context, name, function, function)
    for name, function in DATA.items():
        _register(context, name, function, functools.partial(_data, function))
    return context


def _finalizer() -> Any:
    def finalize(value: Any, context: Any) -> Any:
        found = plain(value, context.run)
        return found if isinstance(value, DictView | str) else bounded(context.run, found)

    return specs.get_function_definition(finalize, name="#finalize")


def _data(function: Callable[..., Any], run: Run, *args: Any, **options: Any) -> Any:
    return call_data(run, function, args, options)


def _register(context: Any, name: str, function: Callable[..., Any], call: Callable[..., Any]) -> None:
    """Under the parameters of `function`; `call` takes the run before the values."""
    definition = specs.get_function_definition(function, name=name, convention=context.convention)

    def called(run: Run, *args: Any, **kwargs: Any) -> Any:
        given = [plain(arg, run) for arg in args if not isinstance(arg, contexts.ContextBase)]
        named = {key: plain(arg, run) for key, arg in kwargs.items()}
        return view(call(run, *given, **named))

    add_run(definition, called)
    context.register_function(definition)
