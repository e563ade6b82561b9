"""The result of an action as JSON, for what StackStorm's encoder takes and nothing else.

It takes None, booleans, integers of 64 bits, floats, text, lists, tuples, dicts with text keys,
dataclasses, enums, dates, times and UUIDs. Everything else makes a result "not serialisable",
and the caller stores `str(result)` in its place.
"""

import dataclasses
import datetime as dt
import enum
import json
import math
import uuid

DEEPEST = 250
_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1


class NotSerialisable(Exception):
    """The value holds something that has no JSON form."""


def encode(value):
    """`value` as JSON text. Raises NotSerialisable."""
    text = json.dumps(_plain(value, 0), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotSerialisable("a text holds a lone surrogate") from None
    return text


def _plain(value, depth):
    if depth > DEEPEST:
        raise NotSerialisable("it is nested too deeply")
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth + 1)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return _object(value, depth)
    if isinstance(value, list) or type(value) is tuple:
        return [_plain(item, depth + 1) for item in value]
    return _special(value, depth)


def _integer(value):
    if not _LOWEST <= value <= _HIGHEST:
        raise NotSerialisable("an integer has more than 64 bits")
    return int(value)


def _object(value, depth):
    for key in value:
        if not isinstance(key, str):
            raise NotSerialisable("the key %r is not text" % (key,))
    return {str(key): _plain(item, depth + 1) for key, item in value.items()}


def _special(value, depth):
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
        return {name: _plain(getattr(value, name), depth + 1) for name in names}
    raise NotSerialisable("%s has no JSON form" % type(value).__name__)
