"""StackStorm's Jinja filters, quirks included; pure functions.

`decrypt_kv` is not here: it needs the key, and lives with the environment.
"""

import datetime as dt
import functools
import json
import os.path
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jsonpath_rw
import orjson
import regex
import yaml
from semver import Version

from engine.errors import BadTemplate
from engine.expressions.casts import NONE_MAGIC
from engine.expressions.lookups import KeyLookup

# A pattern that backtracks without end is given up after this time.
_REGEX_TIMEOUT_S = 0.5
_LONGEST_REPLACED = 16_777_216


def _text_of_key(value: Any) -> str:
    if isinstance(value, KeyLookup):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def to_json_string(
    value: Any,
    indent: int | None = None,
    sort_keys: bool = False,
    separators: tuple[str, str] = (",", ": "),
) -> str:
    """JSON; between members stands a bare comma, as in StackStorm."""
    return json.dumps(value, indent=indent, sort_keys=sort_keys, separators=separators, default=_text_of_key)


def from_json_string(value: Any) -> Any:
    return orjson.loads(str(value))


def to_yaml_string(value: Any, indent: int | None = None, allow_unicode: bool = True) -> str:
    """YAML in block style, keys sorted."""
    made: str = yaml.dump(
        value, Dumper=yaml.CSafeDumper, indent=indent, allow_unicode=allow_unicode, default_flow_style=False
    )
    return made


def from_yaml_string(value: Any) -> Any:
    """YAML 1.1, so `yes` is true."""
    return yaml.load(str(value), Loader=yaml.CSafeLoader)


def to_complex(value: Any) -> str:
    return json.dumps(value, default=_text_of_key)


def json_escape(value: Any) -> str:
    """JSON without the quotes around it; a value that ends in a quote loses that one too."""
    return json.dumps(value, default=_text_of_key).strip('"')


def jsonpath_query(value: Any, query: str) -> list[Any] | None:
    """What the path finds, or None when that is nothing."""
    return [match.value for match in _json_path(query).find(value)] or None


@functools.lru_cache(maxsize=256)
def _json_path(query: str) -> Any:
    try:
        return jsonpath_rw.parse(query)
    except Exception as error:
        # jsonpath_rw raises bare Exception for a bad path.
        raise BadTemplate(f"The JSONPath {query!r} does not parse: {error}") from error


def _bounded_regex(found: Callable[[], Any], pattern: str) -> Any:
    # `re` has the last word on what is a pattern, `regex` runs it: only that one can be stopped.
    re.compile(pattern)
    try:
        return found()
    except TimeoutError as error:
        raise BadTemplate(f"The pattern {pattern!r} takes longer than {_REGEX_TIMEOUT_S} s.") from error


def _flags(ignorecase: bool) -> int:
    return regex.IGNORECASE if ignorecase else 0


def regex_match(value: Any, pattern: str, ignorecase: bool = False) -> bool:
    """Whether the pattern fits at the beginning."""
    return bool(
        _bounded_regex(
            lambda: regex.match(pattern, str(value), _flags(ignorecase), timeout=_REGEX_TIMEOUT_S), pattern
        )
    )


def regex_search(value: Any, pattern: str, ignorecase: bool = False) -> bool:
    """Whether the pattern fits anywhere."""
    return bool(
        _bounded_regex(
            lambda: regex.search(pattern, str(value), _flags(ignorecase), timeout=_REGEX_TIMEOUT_S), pattern
        )
    )


def regex_replace(value: Any, pattern: str, replacement: str, ignorecase: bool = False) -> str:
    made = 0

    def replaced(match: Any) -> str:
        nonlocal made
        text: str = match.expand(replacement)
        made += len(text)
        if made > _LONGEST_REPLACED:
            raise BadTemplate(f"regex_replace makes more than {_LONGEST_REPLACED} characters.")
        return text

    text: str = _bounded_regex(
        lambda: regex.sub(pattern, replaced, str(value), flags=_flags(ignorecase), timeout=_REGEX_TIMEOUT_S),
        pattern,
    )
    return text


def regex_substring(value: Any, pattern: str, result_index: int = 0, ignorecase: bool = False) -> Any:
    """One of the texts that fit: a tuple when the pattern has several groups. IndexError without one."""
    found = _bounded_regex(
        lambda: regex.findall(pattern, str(value), _flags(ignorecase), timeout=_REGEX_TIMEOUT_S), pattern
    )
    return found[result_index]


def to_human_time_from_seconds(seconds: Any) -> str:
    """1h1m1s. What is below a second is called μs, and whole months are dropped, as in StackStorm."""
    if not isinstance(seconds, int | float):
        raise TypeError(f"{seconds!r} is not a number of seconds")
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{seconds}μs"
    moment = dt.datetime(1, 1, 1) + dt.timedelta(seconds=round(seconds))  # noqa: DTZ001  a length
    parts = [
        (moment.year - 1, "y"),
        (moment.day - 1, "d"),
        (moment.hour, "h"),
        (moment.minute, "m"),
        (moment.second, "s"),
    ]
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return "".join(f"{count}{unit}" for count, unit in parts[first:])


def _version(value: Any) -> Version:
    """Strict semantic versions: "1.2" is a ValueError."""
    return Version.parse(str(value))


def version_compare(value: Any, other: Any) -> int:
    return _version(value).compare(str(other))


def version_more_than(value: Any, other: Any) -> bool:
    return version_compare(value, other) > 0


def version_less_than(value: Any, other: Any) -> bool:
    return version_compare(value, other) < 0


def version_equal(value: Any, other: Any) -> bool:
    return version_compare(value, other) == 0


def version_match(value: Any, expression: Any) -> bool:
    """`>=1.2.0` and the like; a bare version asks for equality."""
    return _version(value).match(str(expression))


def version_bump_major(value: Any) -> str:
    return str(_version(value).bump_major())


def version_bump_minor(value: Any) -> str:
    return str(_version(value).bump_minor())


def version_bump_patch(value: Any) -> str:
    return str(_version(value).bump_patch())


def version_strip_patch(value: Any) -> str:
    version = _version(value)
    return f"{version.major}.{version.minor}"


def use_none(value: Any) -> Any:
    """A text that the casts turn into None; every other value is left alone."""
    return NONE_MAGIC if value is None else value


def basename(value: Any) -> str:
    return os.path.basename(str(value))  # noqa: PTH119  "a/b/" has the empty base name, pathlib says "b"


def dirname(value: Any) -> str:
    return os.path.dirname(str(value))  # noqa: PTH120  "a/b/" is in "a/b", pathlib says "a"


FILTERS: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            to_json_string,
            from_json_string,
            to_yaml_string,
            from_yaml_string,
            to_complex,
            json_escape,
            jsonpath_query,
            regex_match,
            regex_search,
            regex_replace,
            regex_substring,
            to_human_time_from_seconds,
            version_compare,
            version_more_than,
            version_less_than,
            version_equal,
            version_match,
            version_bump_major,
            version_bump_minor,
            version_bump_patch,
            version_strip_patch,
            use_none,
            basename,
            dirname,
        )
    }
)
