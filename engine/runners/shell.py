"""Shell command lines and what comes back from them: arguments, environment names, JSON in output."""

import json
import math
import re
import shlex
from collections.abc import Mapping
from typing import Any

import orjson

from engine.errors import RunnerFailure
from engine.specs.action import ActionSpec
from engine.status import Status

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JSON_STARTS = frozenset('{["-0123456789tfn')
# What the kernel takes as one string of argv or of the environment, with room to spare.
ARGUMENT_LIMIT_BYTES = 120_000
TIMED_OUT = -9
TERMINATED = -15


def build_arguments(action: ActionSpec, action_parameters: Mapping[str, Any], kwarg_op: str) -> str:
    """The arguments of a script as shell text, positional ones first, all quoted.

    Every parameter with a `position` gives one argument, an empty one too, so that `$3` stays
    `$3`. The others become `<kwarg_op>name=value`; null and "" are left out, true is a bare
    flag, false is left out.
    """
    positions = {name: spec.position for name, spec in action.parameters.items() if spec.position is not None}
    words = [
        shlex.quote(serialise(action_parameters.get(name), action.parameters[name].type))
        for name in sorted(positions, key=lambda name: positions[name] or 0)
    ]
    words += [
        word
        for name, value in action_parameters.items()
        if name not in positions
        for word in _named_argument(kwarg_op + name, value)
    ]
    return " ".join(words)


def _named_argument(name: str, value: Any) -> list[str]:
    if value is None or value == "" or value is False:
        return []
    if value is True:
        return [shlex.quote(name)]
    return [f"{shlex.quote(name)}={shlex.quote(str(value))}"]


def serialise(value: Any, type_: str | None) -> str:
    """A positional value as text, by its declared type; null is always empty.

    boolean: `1` or `0`; array: joined with commas; object: JSON; anything else: `str`.
    """
    if value is None or type_ == "null":
        return ""
    if type_ == "boolean":
        return "1" if value else "0"
    if type_ == "array" and isinstance(value, list | tuple | set):
        return ",".join(str(item) for item in value)
    if type_ == "object":
        return json.dumps(value)
    return str(value)


def environment_text(variables: Mapping[str, Any]) -> dict[str, str]:
    """Variables as text, null left out. Raises RunnerFailure for a name that no shell takes."""
    checked: dict[str, str] = {}
    for name, value in variables.items():
        if not _ENVIRONMENT_NAME.fullmatch(str(name)):
            raise RunnerFailure(
                f"{name!r} cannot be the name of an environment variable.",
                hint="Use letters, digits and underscores, not beginning with a digit.",
            )
        if value is None:
            continue
        text = str(value)
        if "\0" in text:
            raise RunnerFailure(f"The environment variable {name} holds a NUL character.")
        checked[str(name)] = text
    return checked


def status_of_exit(code: int) -> Status:
    """The status that StackStorm gives to the exit code of a shell command."""
    if code == 0:
        return Status.SUCCEEDED
    if code == TIMED_OUT:
        return Status.TIMEOUT
    if code == TERMINATED:
        return Status.ABANDONED
    return Status.FAILED


def decode_output(text: str) -> Any:
    """Output as it stands in a result: one line end taken off, and JSON decoded when it is JSON.

    What would not come back from our own JSON (NaN, 1e400, integers over 64 bits, lone
    surrogates) stays text.
    """
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or text.lstrip()[:1] not in _JSON_STARTS:
        return text
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        orjson.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return text
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number
