"""The kinds of values that compiled YAQL works on, and how they become plain ones.

Lists and dicts of the workflow are used as they are. What an expression makes itself has a kind
of its own, because the yaql package treats it in its own way: an iterator is true even when it is
empty, it has no index, and so on. What compiled YAQL does not know how to treat it leaves to the
package, by raising Elsewhere.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.expressions.limits import measure, refused
from engine.workflows.expressions.running import Run

# A larger value would hold up everybody else while it is stored.
_LARGEST_CHARACTERS = 16_777_216


class Elsewhere(Exception):
    """Compiled YAQL does not do this; the package does, or says what is wrong."""


class Made(list[Any]):
    """A list that an expression wrote down; a tuple in the package."""


class MadeDict(dict[Any, Any]):
    """A dict that an expression wrote down."""


class Listed(list[Any]):
    """A list in the package, where it is not equal to a tuple of the same elements."""


class Stream(list[Any]):
    """An iterator in the package; here it is already there as a whole."""


class Keys(list[Any]):
    """Keys or items of a dict: a set in the package."""


class Bag(list[Any]):
    """What can only be walked through in the package."""


class Loose(list[Any]):
    """A list or iterator that holds something else than plain values; it can only be given out."""


class LooseDict(dict[Any, Any]):
    """A dict that holds something else than plain values; it can only be given out."""


SCALARS = frozenset({str, int, float, bool, type(None)})
PLAIN = SCALARS | {list, dict, Made, MadeDict, Listed}
NUMBERS = frozenset({int, float})
TUPLES = frozenset({list, Made})
SEQUENCES = TUPLES | {Listed}
DICTS = frozenset({dict, MadeDict})
WALKED = SEQUENCES | {Stream, Keys, Bag}
_GIVEN = SCALARS | {list, dict}


def made(parts: list[Any]) -> Any:
    return Made(parts) if PLAIN.issuperset(map(type, parts)) else Loose(parts)


def made_dict(pairs: dict[Any, Any]) -> Any:
    return MadeDict(pairs) if PLAIN.issuperset(map(type, pairs.values())) else LooseDict(pairs)


def stream(parts: list[Any]) -> Any:
    return Stream(parts) if PLAIN.issuperset(map(type, parts)) else Loose(parts)


def is_true(value: Any) -> bool:
    """What a condition is. Raises Elsewhere."""
    kind = type(value)
    if kind in PLAIN or kind is Keys:
        return bool(value)
    if kind is Stream:
        return True
    raise Elsewhere


def walked(run: Run, value: Any) -> list[Any]:
    """The elements of a list or iterator, paid for. Raises Elsewhere."""
    if type(value) not in WALKED:
        raise Elsewhere
    run.spend(len(value))
    found: list[Any] = value
    return found


def settled(run: Run, value: Any) -> Any:
    """A value as JSON can hold it. What the workflow holds is given as it is, and not looked at."""
    if type(value) in _GIVEN:
        return value
    return bounded(run, _plain(run, value))


def bounded(run: Run, value: Any) -> Any:
    """A plain value that was made here, if it is not too large: it may hold one value many times over."""
    nodes, characters = measure(value, run.left)
    run.spend(nodes)
    if characters > _LARGEST_CHARACTERS:
        raise refused(f"makes a value of more than {_LARGEST_CHARACTERS} characters")
    return value


def _plain(run: Run, value: Any) -> Any:
    if type(value) in _GIVEN:
        return value
    if isinstance(value, list):
        run.spend(len(value))
        return [_plain(run, part) for part in value]
    if isinstance(value, MadeDict | LooseDict):
        run.spend(len(value))
        return {json_key(key): _plain(run, part) for key, part in value.items()}
    raise Elsewhere


_KEYS: Mapping[Any, str] = MappingProxyType({None: "null", True: "true", False: "false"})


def json_key(key: Any) -> str:
    """The name that a key has in JSON. Raises TypeError."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return _KEYS[key]
    if isinstance(key, int | float):
        return str(key)
    raise TypeError(f"A value of the kind {type(key).__name__} cannot be the name of another.")
