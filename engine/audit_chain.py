"""The chain of the audit: what of an act is hashed, and how a row or a whole file is found out. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from engine.clock import isoformat
from engine.records.audit import GENESIS, AuditEntry

# In this order, which may never change: every hash depends on it.
FIELDS = (
    "number", "at", "kind", "object", "user", "via", "key_id", "account", "address", "request_id",
    "reason", "approved_by", "execution_id", "trace_id", "details",
)  # fmt: skip


def digest(before: bytes, values: Iterable[Any]) -> bytes:
    """SHA-256 over the hash before and the values of FIELDS as a JSON list.

    The time is a text as the API spells it, `details` the text of its JSON.
    """
    return hashlib.sha256(before + orjson.dumps(list(values))).digest()


def digest_of(entry: AuditEntry) -> bytes:
    """What the hash of an entry must be, if what it says is what was written."""
    values = [getattr(entry, name) for name in FIELDS]
    values[1] = isoformat(entry.at)
    values[-1] = entry.details.decode(errors="replace")
    return digest(entry.before, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something in the chain that is not as it was written."""

    number: int
    """Of the act that it was seen at."""
    problem: str


class ChainCheck:
    """Takes the acts one after the other and collects what is wrong.

    `has_gaps`: only some acts are there, as after an export with a filter; then missing ones cannot be
    told from those that were left out. `number` and `before`: what stands before the first act.
    """

    def __init__(self, *, number: int | None = 0, before: bytes = GENESIS, has_gaps: bool = False) -> None:
        """`number` None: it begins wherever the first act is."""
        self._number = number
        self._before = before
        self._has_gaps = has_gaps
        self.count = 0
        self.flaws: list[Flaw] = []

    @property
    def number(self) -> int:
        """Of the last act taken."""
        return self._number or 0

    @property
    def head(self) -> bytes:
        return self._before

    def take(self, entry: AuditEntry) -> None:
        self.count += 1
        if digest_of(entry) != entry.hash:
            self._flaw(entry.number, "its content is not what was written")
        if self._number is not None:
            self._follow(entry)
        self._number, self._before = entry.number, entry.hash

    def _follow(self, entry: AuditEntry) -> None:
        expected = (self._number or 0) + 1
        if entry.number == expected:
            if entry.before != self._before:
                self._flaw(entry.number, f"it does not follow act {expected - 1}: one of them was replaced")
        elif entry.number < expected:
            self._flaw(entry.number, f"it stands after act {expected - 1}: out of order, or twice")
        elif not self._has_gaps:
            missing = (
                f"act {expected} is"
                if entry.number == expected + 1
                else (f"acts {expected} to {entry.number - 1} are")
            )
            self._flaw(entry.number, f"{missing} missing before it")

    def end(self, *, number: int, head: bytes) -> None:
        """The acts must end with this one."""
        if self.number < number:
            self._flaw(number, f"the newest acts are missing: after {self.number} up to {number}")
        elif self.number > number:
            self._flaw(self.number, f"it stands behind the head of the chain, which is act {number}")
        elif self._before != head:
            self._flaw(number, "the head of the chain is another one")

    def _flaw(self, number: int, problem: str) -> None:
        self.flaws.append(Flaw(number=number, problem=problem))
