"""Ids of traces and spans. They follow from our own ids, so nobody has to remember them over a restart.

A trace of StackStorm whose id has 32 hexadecimal digits is the trace of that id; our own ids have 24, and
are found in it behind zeros.
"""

import hashlib
import random
import re
from dataclasses import dataclass

_HEX = re.compile(r"[0-9a-f]{16,32}")
# Version 00, and later ones, which may say more behind (W3C Trace Context, 3.2.2).
_HEADER = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRef:
    """One span of one trace. `is_sampled`: it is recorded, and so is what follows from it."""

    trace_id: int
    span_id: int
    is_sampled: bool = True

    @property
    def trace(self) -> str:
        """32 hexadecimal digits: StackStorm's id of a trace that begins here."""
        return f"{self.trace_id:032x}"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.is_sampled else '00'}"


def parsed(traceparent: str) -> SpanRef | None:
    """None for what W3C's Trace Context does not allow: the trace then begins with us."""
    found = _HEADER.fullmatch(traceparent.strip()) if len(traceparent) <= _LONGEST else None
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return None
    trace_id, span_id = int(found["trace"], 16), int(found["span"], 16)
    if not trace_id or not span_id:
        return None
    return SpanRef(trace_id=trace_id, span_id=span_id, is_sampled=bool(int(found["flags"], 16) & 1))


def trace_id(word: str) -> int:
    """Of StackStorm's trace; a word that is no number has one of its own."""
    if _HEX.fullmatch(word) and int(word, 16):
        return int(word, 16)
    return int.from_bytes(hashlib.sha256(f"trace:{word}".encode()).digest()[:16]) or 1


def span_id(kind: str, *words: str) -> int:
    """The same for the same words, always."""
    text = "\0".join((kind, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) or 1


def new_trace_id() -> int:
    """It only has to be told from others."""
    return random.getrandbits(128) or 1


def new_span_id() -> int:
    return random.getrandbits(64) or 1


def is_chosen(trace: int, share: float) -> bool:
    """Whether a trace that begins with us is recorded: the same at every server and for every span."""
    return (trace & 0xFFFF_FFFF_FFFF_FFFF) < share * 2**64
