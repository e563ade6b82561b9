"""The chain of the audit: what of an act is hashed, and how a row or a whole file is found out. Pure."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from engine.clock import isoformat
from engine.errors import BadInput
from engine.records.audit import GENESIS, AuditEntry

# In this order, which may never change: every hash depends on it.
FIELDS = (
    "number", "at", "kind", "object", "user", "via", "key_id", "account", "address", "request_id",
    "reason", "approved_by", "execution_id", "trace_id", "details",
)  # fmt: skip

_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,17}")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedHead:
    """A head of the chain that somebody noted where nobody can rewrite it."""

    hash: str
    """64 lower hexadecimal digits."""
    number: int | None = None
    """Of the act; None: it was not noted."""

    @classmethod
    def parse(cls, text: str) -> "NotedHead":
        """From `HASH` or `HASH@NUMBER`. Raises BadInput."""
        noted, at, number = text.strip().lower().partition("@")
        if not _HASH.fullmatch(noted) or (at and not _NUMBER.fullmatch(number)):
            raise BadInput(
                f'"{text}" is no head of the audit.',
                hint="Give its 64 hexadecimal digits as they were noted, and the act's number if you "
                "have it: HASH@1234.",
            )
        return cls(hash=noted, number=int(number) if at else None)

    def __str__(self) -> str:
        return self.hash if self.number is None else f"{self.hash}@{self.number}"


class ChainCheck:
    """Takes the acts one after the other and collects what is wrong.

    `has_gaps`: only some acts are there, as after an export with a filter; then missing ones cannot be
    told from those that were left out. `number` and `before`: what stands before the first act.
    `noted`: a head that must be met on the way.
    """

    def __init__(
        self,
        *,
        number: int | None = 0,
        before: bytes = GENESIS,
        has_gaps: bool = False,
        noted: NotedHead | None = None,
    ) -> None:
        """`number` None: it begins wherever the first act is."""
        self._number = number
        self._before = before
        self._has_gaps = has_gaps
        self._noted = noted
        self._begins_after = number
        self._is_met = noted is None or before.hex() == noted.hash
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
        if self._number is None:
            self._begins_after = entry.number - 1
        else:
            self._follow(entry)
        if self._noted is not None and self._noted.hash in (entry.hash.hex(), entry.before.hex()):
            self._is_met = True
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

    def end_noted(self) -> None:
        """The noted head must have been met."""
        if self._is_met or self._noted is None:
            return
        number = self._noted.number
        if number is None:
            problem = "no act here has the hash that was noted: the chain was written anew, or begins later"
        elif number < (self._begins_after or 0):
            problem = (
                f"its hash cannot be compared, acts begin at {(self._begins_after or 0) + 1} here: "
                "take an export that holds it"
            )
        elif number > self.number:
            problem = f"it was noted and is missing: the chain ends with act {self.number}"
        else:
            problem = "it does not have the hash that was noted: the chain was written anew"
        self._flaw(self.number if number is None else number, problem)

    def end(self, *, number: int, head: bytes) -> None:
        """The acts must end with this one."""
        if self.number < number:
            self._flaw(number, f"the newest acts are missing: after {self.number} up to {number}")
        elif self.number > number:
            self._flaw(self.number, f"it stands behind the head of the chain, which is act {number}")
        elif self._before != head:
            self._flaw(number, "the head of the chain is another one")

    def end_newest(self, number: int) -> None:
        """No act has a higher number than the last one taken."""
        if number > self.number:
            self._flaw(number, f"an act stands behind the head of the chain, which is act {self.number}")

    def _flaw(self, number: int, problem: str) -> None:
        self.flaws.append(Flaw(number=number, problem=problem))
