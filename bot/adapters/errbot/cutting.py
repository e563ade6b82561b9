"""Cuts text into lines that a chat takes: by bytes of UTF-8, between words where that is possible.

It imports the standard library only: the child uses it.
"""

import unicodedata
from collections.abc import Iterator

# A line is cut between words when that leaves so much of it filled.
_WORD_SHARE = 0.6
# Joiners and marks that belong to the character before them.
_JOINERS = "\u200d\ufe0f\ufe0e"
_ZWJ = "\u200d"
# Marks and joined characters in a row; what is longer is cut anywhere.
_LONGEST_CLUSTER = 16
_CONTROLS = (
    {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"} | dict.fromkeys(range(128, 160), "�")
)
_INERT = str.maketrans(_CONTROLS | {0x09: "    ", 0x2028: " ", 0x2029: " "})


def inert(line: str) -> str:
    """One line in which nothing acts: no control code of IRC, no NUL, no line break."""
    return line.translate(_INERT).encode("utf-8", "replace").decode()


def lines_of(text: str) -> list[str]:
    """The lines of a text, each inert."""
    return [inert(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def cut(line: str, limit_bytes: int) -> list[str]:
    """`line` as pieces of at most `limit_bytes` bytes of UTF-8 each; an empty line is one empty piece.

    Never cuts inside a character, nor between one and its combining marks or joined emoji unless
    the whole cluster is longer than a line.
    """
    if limit_bytes < 4:
        raise ValueError("no character of UTF-8 is sure to fit")
    pieces = list(_pieces(line, limit_bytes))
    return pieces or [""]


def _pieces(line: str, limit_bytes: int) -> Iterator[str]:
    rest = line
    while rest:
        if len(rest.encode()) <= limit_bytes:
            yield rest
            return
        end = _fitting(rest, limit_bytes)
        space = rest.rfind(" ", 0, end + 1)
        if space > 0 and len(rest[:space].encode()) >= limit_bytes * _WORD_SHARE:
            yield rest[:space]
            rest = rest[space + 1 :]
            continue
        end = _between_clusters(rest, end)
        yield rest[:end]
        rest = rest[end:]


def _fitting(text: str, limit_bytes: int) -> int:
    """How many characters fit."""
    return len(text.encode()[:limit_bytes].decode("utf-8", "ignore"))


def _between_clusters(text: str, end: int) -> int:
    """The last place at or before `end` where no mark or joined character follows."""
    for place in range(end, max(0, end - _LONGEST_CLUSTER), -1):
        follower = text[place] if place < len(text) else " "
        if not unicodedata.combining(follower) and follower not in _JOINERS and text[place - 1] != _ZWJ:
            return place
    return end
