"""What the yaql package's functions may not do: run away, in time or in memory.

Its own limits look at results only, and at their outsides. Here, what can grow is paid for before it is made.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from types import MappingProxyType
from typing import Any

from yaql.language import contexts, specs, yaqltypes
from yaql.standard_library import collections, date_time, math, regex, strings

from engine.expressions.guards import apply_operator, check_method
from engine.expressions.limits import refused
from engine.workflows.expressions.patterns import Pattern, pattern_of
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_views import plain

_MOST_DIGITS = 400
_LONGEST_DATE = 200
_RUN = "__run"

Guarded = Callable[..., Any]


def add_run(definition: Any, payload: Callable[..., Any]) -> None:
    """Let `payload(run, ...)` do the work of a function of the package."""
    definition.parameters[_RUN] = specs.ParameterDefinition(_RUN, yaqltypes.Context())

    def called(*args: Any, **kwargs: Any) -> Any:
        run = kwargs.pop(_RUN).run
        return payload(run, *args, **kwargs)

    definition.payload = called


def guard(context: contexts.ContextBase) -> None:
    """Put the guards around the functions that a fresh context holds."""
    layer = context
    while layer is not None:
        for definitions in layer._functions.values():
            for definition in definitions:
                _replace(definition)
        layer = layer.parent


def _replace(definition: Any) -> None:
    payload = _GUARDED.get(definition.payload)
    if payload is not None:
        add_run(definition, payload)
    for parameter in definition.parameters.values():
        if getattr(parameter.value_type, "python_type", None) is re.Pattern:
            parameter.value_type = yaqltypes.PythonType(Pattern, nullable=False)


def _join(run: Run, sequence: Iterable[Any], separator: str, text_of: Callable[[Any], str]) -> str:
    texts = [text_of(part) for part in run.passes(sequence)]
    run.characters(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _join_by(run: Run, separator: str, sequence: Iterable[Any], text_of: Callable[[Any], str]) -> str:
    return _join(run, sequence, separator, text_of)


def _str(run: Run, value: Any) -> Any:
    if isinstance(value, tuple | Mapping | Set):
        run.printable(plain(value, run))
    return strings.str_(value)


def _concat(run: Run, *args: str) -> str:
    run.characters(sum(map(len, args)))
    return "".join(args)


def _to_upper(run: Run, string: str) -> str:
    run.characters(len(string))
    return string.upper()


def _to_lower(run: Run, string: str) -> str:
    run.characters(len(string))
    return string.lower()


def _repeat_text(run: Run, left: str, right: int, _engine: Any) -> str:
    run.characters(len(left) * max(right, 0))
    return left * right


def _repeat_list(run: Run, left: Any, right: int, _engine: Any) -> Any:
    run.spend(len(left) * max(right, 0))
    return left * right


def _text_replace(run: Run, string: str, old: str, new: str, count: int = -1) -> str:
    check_method(run, string, "replace", (old, new), {})
    return string.replace(old, new, count)


def _replace_all(
    run: Run, string: str, text_of: Callable[[Any], str], replacements: Mapping[Any, Any], count: int = -1
) -> str:
    for old, new in replacements.items():
        string = _text_replace(run, string, text_of(old), text_of(new), count)
    return string


def _pow(run: Run, a: Any, b: Any, c: Any = None) -> Any:
    return apply_operator(run, "**", a, b) if c is None else pow(a, b, c)


def _shift_left(run: Run, value: int, bits_number: int) -> int:
    if value and value.bit_length() + bits_number > run.settings.number_limit_bits:
        raise refused(f"computes a number of more than {run.settings.number_limit_bits} bits")
    return value << bits_number


def _round(_run: Run, number: Any, ndigits: int = 0) -> Any:
    if abs(ndigits) > _MOST_DIGITS:
        raise refused(f"rounds to more than {_MOST_DIGITS} digits")
    return round(number, ndigits)


def _datetime(run: Run, string: str, format__: str | None = None) -> Any:
    if len(string) > _LONGEST_DATE:
        raise refused(f"reads a time from a text of more than {_LONGEST_DATE} characters")
    run.spend(100)
    return date_time.datetime_from_string(string, format__)


def _regex(
    _run: Run, pattern: str, ignore_case: bool = False, multi_line: bool = False, dot_all: bool = False
) -> Pattern:
    flags = (re.IGNORECASE, ignore_case), (re.MULTILINE, multi_line), (re.DOTALL, dot_all)
    return Pattern(pattern, sum(flag for flag, is_on in flags if is_on))


def _matches(_run: Run, string: str, regexp: str) -> bool:
    return pattern_of(regexp).search(string) is not None


def _matches_not(run: Run, string: str, pattern: str) -> bool:
    return not _matches(run, string, pattern)


def _is_regex(_run: Run, value: Any) -> bool:
    return isinstance(value, Pattern)


_GUARDED: Mapping[Callable[..., Any], Guarded] = MappingProxyType(
    {
        strings.join: _join,
        strings.join_: _join_by,
        strings.str_: _str,
        strings.concat: _concat,
        strings.string_by_int: _repeat_text,
        strings.int_by_string: lambda run, left, right, engine: _repeat_text(run, right, left, engine),
        collections.list_by_int: _repeat_list,
        collections.int_by_list: lambda run, left, right, engine: _repeat_list(run, right, left, engine),
        strings.to_upper: _to_upper,
        strings.to_lower: _to_lower,
        strings.replace: _text_replace,
        strings.replace_with_dict: _replace_all,
        math.pow_: _pow,
        math.shift_bits_left: _shift_left,
        math.round_: _round,
        date_time.datetime_from_string: _datetime,
        regex.regex: _regex,
        regex.matches_: _matches,
        regex.matches_operator_string: _matches,
        regex.not_matches_operator_string: _matches_not,
        regex.is_regex: _is_regex,
    }
)
