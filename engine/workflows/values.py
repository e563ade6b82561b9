"""Values on their way into the record of a workflow: large ones are stored once, by their hash.

A value is written as `[0, value]`, or as `[1, hash]` when its JSON is longer than LARGE_BYTES.
What JSON cannot hold (sets, times, numbers without end) becomes what it will be when it is read
again at once, so that a workflow goes on the same whether it was loaded in between or not.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

LARGE_BYTES = 4096


class Sealed:
    """A value with its written form."""

    __slots__ = ("value", "written")

    def __init__(self, value: Any, written: Any) -> None:
        self.value = value
        self.written = written


def written(odd: Any) -> Any:
    """What orjson asks for: the written form of a sealed value."""
    if isinstance(odd, Sealed):
        return odd.written
    raise TypeError(type(odd))


class Values:
    """Seals and unseals the values of one workflow; equal large values are one object."""

    def __init__(self, stored: Callable[[str], bytes]) -> None:
        self._stored = stored
        self._by_digest: dict[str, Any] = {}
        self._digests: dict[int, tuple[Any, str]] = {}
        """By identity, with the value, so that its identity stays taken."""
        self.new: dict[str, bytes] = {}
        """Large values that were not yet given to the host."""

    def seal(self, value: Any) -> Sealed:
        if value is None or value is True or value is False:
            return Sealed(value, (0, value))
        known = self._digests.get(id(value))
        if known is not None:
            return Sealed(value, (1, known[1]))
        value, text = plain(value)
        if len(text) <= LARGE_BYTES:
            return Sealed(value, (0, orjson.Fragment(text)))
        digest = hashlib.blake2b(text, digest_size=16).hexdigest()
        if digest not in self._by_digest:
            self._by_digest[digest] = value
            self.new[digest] = text
        value = self._by_digest[digest]
        self._digests[id(value)] = (value, digest)
        return Sealed(value, (1, digest))

    def seal_all(self, values: Mapping[str, Any]) -> dict[str, Sealed]:
        return {name: self.seal(value) for name, value in values.items()}

    def unseal(self, written: Any) -> Sealed:
        """Of what was read from the record."""
        kind, content = written
        if kind == 0:
            return Sealed(content, written)
        if content not in self._by_digest:
            value = orjson.loads(self._stored(content))
            self._by_digest[content] = value
            self._digests[id(value)] = (value, content)
        return Sealed(self._by_digest[content], written)

    def taken(self) -> dict[str, bytes]:
        """Those that are new since the last call."""
        new, self.new = self.new, {}
        return new


def plain(value: Any) -> tuple[Any, bytes]:
    """(the value as JSON can hold it, its JSON); the same object when nothing had to change."""
    changed: list[bool] = []

    def replaced(odd: Any) -> Any:
        changed.append(True)
        return _replaced(odd)

    try:
        text = orjson.dumps(value, default=replaced, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        # Keys that are no texts, integers beyond 64 bits, texts that are no Unicode.
        text = json.dumps(value, default=_replaced, skipkeys=True).encode()
        return json.loads(text), text
    return (orjson.loads(text) if changed else value), text


def _replaced(odd: Any) -> Any:
    if isinstance(odd, Mapping):
        return dict(odd)
    if isinstance(odd, set | frozenset):
        return sorted(odd, key=str)
    if hasattr(odd, "isoformat"):
        return str(odd)
    if hasattr(odd, "__iter__") and not isinstance(odd, str | bytes):
        return list(odd)
    return str(odd)
