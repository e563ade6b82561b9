"""Values as the yaql package wants them, hashable and unchangeable, made only where it looks."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, MappingView, Set
from typing import Any

from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_values import json_key

_SCALARS = (str, int, float, type(None))


class DictView(Mapping[Any, Any]):
    """A dict whose values become views when they are read; nothing is copied."""

    __slots__ = ("_hash", "raw")

    def __init__(self, raw: Mapping[Any, Any]) -> None:
        self.raw = raw
        self._hash: int | None = None

    def __getitem__(self, key: Any) -> Any:
        return view(self.raw[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __contains__(self, key: object) -> bool:
        return key in self.raw

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = 0
            for pair in self.items():
                self._hash ^= hash(pair)
        return self._hash

    def __repr__(self) -> str:
        return repr(dict(self.items()))


_LEAVES = frozenset({*_SCALARS, bool, DictView})


def view(value: Any) -> Any:
    """A dict as a DictView, a list as a tuple of views."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        return DictView(value)
    if isinstance(value, list | tuple):
        return tuple([view(part) for part in value])
    if isinstance(value, Mapping):
        return value if isinstance(value, DictView) else DictView(value)
    if isinstance(value, Set):
        return frozenset(view(part) for part in value)
    return value


def weigh(value: Any, run: Run) -> None:
    """Pay for all that a made value holds, however much it shares; what a view stands for is there anyway."""
    nodes = 1
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if type(part) in _LEAVES:
            continue
        before = len(waiting)
        if isinstance(part, tuple | list | frozenset):
            waiting.extend(part)
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
            waiting.extend(part.keys())
        nodes += len(waiting) - before
        if nodes > run.left:
            break
    run.spend(nodes)


def plain(value: Any, run: Run) -> Any:
    """The other way: a value that JSON can hold. What a view stands for is given as it is."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, DictView):
        return value.raw
    run.spend(1)
    if isinstance(value, Mapping):
        return {json_key(key): plain(part, run) for key, part in run.passes(value.items())}
    if isinstance(value, Set) and not isinstance(value, MappingView):
        # Sets have no order that lasts.
        return [plain(part, run) for part in run.passes(sorted(value, key=repr))]
    if isinstance(value, Iterable):
        return [plain(part, run) for part in run.passes(value)]
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    raise TypeError(f"A value of the kind {type(value).__name__} cannot be the result of an expression.")
