"""Values as the yaql package wants them, hashable and unchangeable, made only where it looks."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, MappingView, Set
from typing import Any

from engine.workflows.expressions.running import Run

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


def plain(value: Any, run: Run) -> Any:
    """The other way: a value that JSON can hold. What a view stands for is given as it is."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, DictView):
        return value.raw
    run.spend(1)
    if isinstance(value, Mapping):
        return {_key(key): plain(part, run) for key, part in run.passes(value.items())}
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


def _key(key: Any) -> str:
    """The name that a key has in JSON."""
    if isinstance(key, str):
        return key
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)
