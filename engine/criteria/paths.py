"""Where a criterion looks: the first value that its JSONPath finds."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonpath_rw

from engine.expressions.lookups import KeyLookup

Find = Callable[[Mapping[str, Any]], Any]
"""From the whole context to the value; None when the path finds nothing."""

# jsonpath_rw's own words for names and numbers; what is not written like this goes to jsonpath_rw itself.
_FIRST = re.compile(r"[a-zA-Z_@][a-zA-Z0-9_@\-]*")
_STEP = re.compile(
    r"""\.(?P<name>[a-zA-Z_@][a-zA-Z0-9_@\-]*)
      | \[(?P<index>-?[0-9]+)\]
      | \[(?P<bare>[a-zA-Z_@][a-zA-Z0-9_@\-]*)\]
      | \[(?P<quote>['"])(?P<quoted>[^'"\\\n]*)(?P=quote)\]
    """,
    re.VERBOSE,
)


class BadPath(ValueError):
    """The text is no JSONPath."""


def compile_path(key: str) -> Find:
    """From a criterion's key; `#` and what follows only tells two keys with one path apart.

    Never raises: where the text is no path, calling the result raises BadPath.
    """
    text = key.partition("#")[0]
    steps = plain_steps(text)
    return _slow(text) if steps is None else _walk(steps)


def plain_steps(text: str) -> tuple[str | int, ...] | None:
    """The names and indexes of a path that has nothing else; None for every other path."""
    first = _FIRST.match(text)
    if first is None:
        return None
    steps: list[str | int] = [first.group()]
    position = first.end()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return None
        if step["index"] is not None:
            steps.append(int(step["index"]))
        elif step["quoted"] is None:
            steps.append(step["name"] or step["bare"])
        elif step["quoted"] == "*":
            # Even in quotes it means "every member" there.
            return None
        else:
            steps.append(step["quoted"])
        if steps[-1] == "where" and step["quoted"] is None:
            return None
        position = step.end()
    return None if steps[0] == "where" else tuple(steps)


def _walk(steps: tuple[str | int, ...]) -> Find:
    names = [step for step in steps if isinstance(step, str)]
    find = _by_name(names) if len(names) == len(steps) else _by_name_and_index(steps)
    return find if steps[0] == "trigger" else _as_text(find)


def _by_name(names: list[str]) -> Find:
    first, *rest = names
    if len(rest) == 2:
        # What most rules of the world ask; written out it takes a third of the time.
        second, third = rest

        def by_three(context: Mapping[str, Any]) -> Any:
            try:
                return context[first][second][third]
            except (TypeError, KeyError):
                return None

        return by_three

    def by_name(context: Mapping[str, Any]) -> Any:
        try:
            value = context[first]
            for name in rest:
                value = value[name]
        except (TypeError, KeyError):
            return None
        return value

    return by_name


def _by_name_and_index(steps: tuple[str | int, ...]) -> Find:
    def find(context: Mapping[str, Any]) -> Any:
        value: Any = context
        for step in steps:
            if isinstance(step, str):
                try:
                    value = value[step]
                except (TypeError, KeyError):
                    return None
            elif len(value) > step:
                # Of an object, and of an empty list with [-1], this raises, as in jsonpath_rw.
                value = value[step]
            else:
                return None
        return value

    return find


def _as_text(find: Find) -> Find:
    """For the datastore: the key's text in the place of its lookup."""

    def text(context: Mapping[str, Any]) -> Any:
        value = find(context)
        return str(value) if isinstance(value, KeyLookup) else value

    return text


def _slow(text: str) -> Find:
    def find(context: Mapping[str, Any]) -> Any:
        matches = parsed(text).find(context)
        return matches[0].value if matches else None

    return _as_text(find)


@functools.lru_cache(maxsize=1_024)
def parsed(text: str) -> Any:
    """jsonpath_rw's own object. Raises BadPath."""
    try:
        return jsonpath_rw.parse(text)
    except Exception as error:
        # jsonpath_rw raises bare Exception, and AttributeError where the text ends too early.
        words = "it ends too early" if isinstance(error, AttributeError) else str(error)
        raise BadPath(f"{text!r} is not a JSONPath: {words}") from error
