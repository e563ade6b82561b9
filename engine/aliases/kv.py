"""Takes the key=value pairs off the end of a chat text, in time linear in the text."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from re import compile as compile_re
from typing import NamedTuple

_WORD = compile_re(r"\S+")
# What ends a value, by what opens it; `.+?` between braces wants a character, quotes may be empty.
_CLOSING = {'"': '"', "'": "'", "{": "}"}
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_LEAST = {'"': 1, "'": 1, "{": 2}


class Tail(NamedTuple):
    rest: str
    """The text without the tail's text, wherever that stands: every occurrence goes, as in StackStorm."""
    pairs: Mapping[str, str]
    """The last of a repeated key wins."""
    start: int
    """Where the tail begins, white space included; the length of the text when there is none."""


def split_pairs(text: str, *, known: Collection[str] | None = None) -> Tail:
    """The longest tail of `text` that is nothing but pairs.

    A pair is a key (anything without white space), spaces if any, `=`, and at once a value: empty
    quotes, quoted text, `{...}` or a word. With `known` only those keys make a pair.
    """
    if "=" not in text:
        return Tail(rest=text, pairs={}, start=len(text))
    scan = _Scan(text, known)
    first = scan.first_pair()
    if first is None:
        return Tail(rest=text, pairs={}, start=len(text))
    start = scan.words[first - 1][1] if first else 0
    return Tail(rest=text.replace(text[start:], ""), pairs=dict(scan.pairs_from(first)), start=start)


@dataclass(slots=True)
class _Scan:
    """One text, cut into words: (start, end) each."""

    text: str
    known: Collection[str] | None
    words: list[tuple[int, int]] = field(init=False)
    starts: list[int] = field(init=False)
    # By opening character: the last place where a value may close and only pairs follow.
    closers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.words = [match.span() for match in _WORD.finditer(self.text)]
        self.starts = [start for start, _ in self.words]

    def first_pair(self) -> int | None:
        """The word where the longest tail of pairs begins, or None.

        Goes from the right: a word begins a tail if its value ends where a tail begins, or the text ends.
        The rightmost closing character is all that has to be remembered of each kind, so every word is
        looked at once; words that cannot begin a pair are jumped over.
        """
        first = None
        jumps = _Jumps(self.text, len(self.text))
        is_tail_next = True
        was_tail_after_next = False
        index = len(self.words) - 1
        while index >= 0:
            start, end = self.words[index]
            if is_tail_next:
                opening = _OPENING.get(self.text[end - 1])
                if opening:
                    self.closers.setdefault(opening, end - 1)
                # Nearly all words that are asked are a plain pair; the rest of the loop would find it too.
                if self.known is None and 0 <= self.text.find("=", start + 1, end) < end - 1:
                    first, was_tail_after_next = index, True
                    index -= 1
                    continue
            is_tail = self._is_pair_within(start, end, is_tail_next) or self._is_pair_ahead(
                index, was_tail_after_next
            )
            was_tail_after_next = is_tail_next
            is_tail_next = is_tail
            if is_tail:
                first = index
            if is_tail or self._may_be_ahead(start, was_tail_after_next):
                index -= 1
                continue
            place = jumps.last_before(start, self.closers)
            if place < 0:
                break
            landed = bisect_right(self.starts, place) - 1
            index, was_tail_after_next = landed, False
        return first

    def _is_key(self, start: int, end: int) -> bool:
        return self.known is None or self.text[start:end] in self.known

    def _is_pair_within(self, start: int, end: int, is_tail_next: bool) -> bool:
        text = self.text
        equals = text.find("=", start + 1, end)
        if equals < 0 or not self._is_key(start, equals):
            return False
        if is_tail_next and equals + 1 < end:
            return True
        if self.known is not None:
            return self._closes(equals + 1)
        return any(
            0 <= text.find("=" + opening, equals, end) <= closer - 1 - _LEAST[opening]
            for opening, closer in self.closers.items()
        )

    def _is_pair_ahead(self, index: int, is_tail_after: bool) -> bool:
        """Whether this word is a key whose `=` begins the next word."""
        if index + 1 >= len(self.words):
            return False
        start, end = self.words[index + 1]
        if self.text[start] != "=" or not self._is_key(*self.words[index]):
            return False
        return (is_tail_after and start + 1 < end) or self._closes(start + 1)

    def _may_be_ahead(self, start: int, is_tail_after: bool) -> bool:
        """Whether the word before this one may be a key, and this one `=value`."""
        if self.text[start] != "=":
            return False
        return is_tail_after or self.text[start + 1 : start + 2] in self.closers

    def _closes(self, value: int) -> bool:
        opening = self.text[value : value + 1]
        return opening in self.closers and value + _LEAST[opening] <= self.closers[opening]

    def pairs_from(self, first: int) -> Iterator[tuple[str, str]]:
        """The pairs as the second scan of StackStorm sees them: each value is the shortest there is."""
        text, words, known = self.text, self.words, self.known
        closing = _Closing(text)
        index = first
        while index < len(words):
            start, end = words[index]
            key_end = text.find("=", start + 1, end)
            value_start = key_end + 1
            if not 0 < value_start < end:
                key_end = end
                value_start, end = self._value_ahead(index)
            if not value_start or (known is not None and text[start:key_end] not in known):
                index += 1
                continue
            if text[value_start] not in _CLOSING:
                value, value_end = text[value_start:end], end
            else:
                value, value_end = closing.value(value_start, end)
            yield text[start:key_end], value
            index = index + 1 if value_end == words[index][1] else bisect_left(self.starts, value_end)

    def _value_ahead(self, index: int) -> tuple[int, int]:
        """Begin and end of the value where the next word is `=value`, or zeros."""
        start, end = self.words[index + 1] if index + 1 < len(self.words) else (0, 0)
        return (start + 1, end) if end - start > 1 and self.text[start] == "=" else (0, 0)


class _Jumps:
    """Finds the last `="`, `='` or `={` before a place; asked with places that only sink."""

    def __init__(self, text: str, end: int) -> None:
        self._text = text
        self._found = dict.fromkeys(_CLOSING, end)

    def last_before(self, place: int, openings: Mapping[str, int]) -> int:
        for opening in openings:
            if self._found[opening] >= place:
                self._found[opening] = self._text.rfind("=" + opening, 0, place)
        return max((self._found[opening] for opening in openings), default=-1)


class _Closing:
    """Reads one value; remembers which closing characters do not come any more."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._gone: set[str] = set()

    def value(self, start: int, word_end: int) -> tuple[str, int]:
        """The value that an opening character at `start` begins, and where it ends."""
        text = self._text
        opening, closing = text[start], _CLOSING[text[start]]
        if opening == closing and text.startswith(closing, start + 1):
            return "", start + 2
        if closing not in self._gone:
            end = text.find(closing, start + 2)
            if end >= 0:
                return (text[start : end + 1] if closing == "}" else text[start + 1 : end]), end + 1
            self._gone.add(closing)
        return text[start:word_end], word_end
