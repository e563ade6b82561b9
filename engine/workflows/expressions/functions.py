"""The functions of both languages: what a workflow knows about itself, and StackStorm's data functions.

Values come and go as plain JSON values; they are shared with the context and never changed.
"""

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Protocol

from engine.errors import BadTemplate
from engine.expressions.filters import FILTERS
from engine.expressions.guards import check_filter
from engine.workflows.expressions.running import (
    ExpressionEvaluationException,
    Run,
    VariableInaccessibleError,
    VariableUndefinedError,
    is_private,
)

_COMPLETED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})


class Caller(Protocol):
    """What each language passes to a function that looks at the workflow."""

    @property
    def run(self) -> Run: ...


def ctx(context: Caller, key: str | None = None) -> Any:
    """All variables, or one of them."""
    variables = context.run.scope.variables
    if not key:
        return {name: value for name, value in variables.items() if not is_private(name)}
    if key not in variables:
        raise VariableUndefinedError(key)
    if is_private(key):
        raise VariableInaccessibleError(key)
    return variables[key]


def item(context: Caller, key: str | None = None) -> Any:
    """The current item of a with-items task, or one part of it; null where there is none."""
    try:
        current = context.run.scope.item
    except LookupError:
        current = None
    if not key:
        return current
    if not isinstance(current, Mapping):
        raise ExpressionEvaluationException("Item is not type of collections.abc.Mapping.")
    if key not in current:
        raise ExpressionEvaluationException(f'Item does not have key "{key}".')
    return current[key]


def _status(context: Caller) -> str:
    status = context.run.scope.status
    if not status:
        raise ExpressionEvaluationException("The current task is not set in the context.")
    return status


def result(context: Caller) -> Any:
    """Of the action that has just ended."""
    _status(context)
    return context.run.scope.result()


def succeeded(context: Caller) -> bool:
    return _status(context) == "succeeded"


def failed(context: Caller) -> bool:
    """Exactly the status failed, which a task also has that was out of time."""
    return _status(context) == "failed"


def timedout(context: Caller) -> bool:
    """Whether the task, or its action, was out of time."""
    return bool(_status(context)) and context.run.scope.is_timed_out


def completed(context: Caller) -> bool:
    return _status(context) in _COMPLETED


def task_status(context: Caller, task_id: str, route: int | None = None) -> str:
    """The text `null` for a task that did not run."""
    found = context.run.scope.task_status(task_id, route)
    return "null" if found is None else found


def task(context: Caller, task_id: str | None = None, route: int | None = None) -> Mapping[str, Any]:
    """The record of a task, by default of the current one."""
    scope = context.run.scope
    if task_id is None and not scope.status:
        # What Orquesta stumbles over, and says, where there is no current task.
        raise KeyError("id")
    found = scope.task(task_id, route)
    if found is None:
        name = "the current task" if task_id is None else task_id
        raise ExpressionEvaluationException(f'Unable to find task execution for "{name}".')
    return found


def st2kv(context: Caller, key: str, **kwargs: Any) -> Any:
    """A datastore key: `system.x`, or `x` of the workflow's user. `default` counts also when it is null."""
    if not isinstance(key, str):
        raise TypeError("Given key is not typeof string.")
    decrypt = kwargs.get("decrypt", False)
    if not isinstance(decrypt, bool):
        raise TypeError("Decrypt parameter is not typeof bool.")
    try:
        found = context.run.scope.key(key, decrypt=decrypt)
    except BadTemplate as error:
        raise ExpressionEvaluationException(error.message) from error
    if found is not None:
        if decrypt:
            context.run.decrypted.append(found)
        return found
    if "default" in kwargs:
        return kwargs["default"]
    raise ExpressionEvaluationException(f'The key "{key}" does not exist in the StackStorm datastore.')


def json_object(s: Any) -> Any:
    """JSON text as its value; an object passes through."""
    if isinstance(s, Mapping):
        return s
    if not isinstance(s, str):
        raise TypeError("Given object is not typeof string.")
    return json.loads(s)


def zipped(*lists: Any, **kwargs: Any) -> Any:
    """Lists side by side, the shorter ones filled up with `pad`; a single list as it is."""
    given = [[] if part is None else part for part in lists]
    if len(given) == 1:
        return given[0]
    return [list(group) for group in zip_longest(*given, fillvalue=kwargs.get("pad"))]


LOOKING: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            ctx,
            item,
            result,
            succeeded,
            failed,
            timedout,
            completed,
            task_status,
            task,
            st2kv,
        )
    }
)
"""Functions that look at the workflow: their first parameter is the caller."""

DATA: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {name: function for name, function in FILTERS.items() if name != "to_complex"}
    | {
        "json": json_object,
        "zip": zipped,
        "json_parse": FILTERS["from_json_string"],
        "json_dump": FILTERS["to_json_string"],
        "yaml_parse": FILTERS["from_yaml_string"],
        "yaml_dump": FILTERS["to_yaml_string"],
    }
)
"""Functions of their arguments alone."""


def call_data(run: Run, function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Call one of DATA, and pay for what it reads and gives: a small YAML text can be a huge value."""
    if args:
        check_filter(run, function.__name__, args[0], tuple(args[1:]), options)
    value = function(*args, **options)
    if isinstance(value, str):
        run.characters(len(value))
    else:
        run.weigh(value)
    return value


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function may be called in YAQL, as far as its arguments' types do not matter."""

    function: Callable[..., Any]
    looks: bool
    """Whether it looks at the workflow, so that its first parameter is the caller."""
    least: int
    most: int
    names: frozenset[str] | None
    """None: every name."""

    def accepts(self, positional: int, named: Mapping[str, Any]) -> bool:
        return self.least <= positional <= self.most and (self.names is None or named.keys() <= self.names)


@functools.cache
def signature_of(name: str) -> Signature | None:
    """Of a function of ours; None where there is none of that name."""
    looks = name in LOOKING
    function = LOOKING.get(name) or DATA.get(name)
    if function is None:
        return None
    parameters = list(inspect.signature(function).parameters.values())[looks:]
    kinds = {parameter.kind for parameter in parameters}
    plain = [parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    # Where a default has a type YAQL insists on it; that is left to the package.
    free = [parameter for parameter in plain if parameter.default in (None, parameter.empty)]
    most = 64 if inspect.Parameter.VAR_POSITIONAL in kinds else plain.index(free[-1]) + 1 if free else 0
    named = frozenset(
        parameter.name for parameter in free if parameter.default is None and "_" not in parameter.name
    )
    return Signature(
        function,
        looks,
        least=sum(parameter.default is parameter.empty for parameter in plain),
        most=most,
        names=None if inspect.Parameter.VAR_KEYWORD in kinds else named,
    )
