"""Finds the few formats that a text can fit, by its first words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.aliases.grammar import CompiledFormat
from engine.specs.alias import AliasSpec

_MOST_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormatEntry:
    """One representation of an alias. `number` is its place among all of them."""

    number: int
    alias: AliasSpec
    display: str | None
    representation: str
    is_multiple: bool
    compiled: CompiledFormat


class FormatTable:
    """Formats by the words they begin with; those that begin otherwise, by a text they need."""

    def __init__(self, entries: Iterable[FormatEntry]) -> None:
        by_words: defaultdict[str, list[tuple[str, FormatEntry]]] = defaultdict(list)
        by_letter: defaultdict[str, list[tuple[str, FormatEntry]]] = defaultdict(list)
        self._others: list[tuple[str, FormatEntry]] = []
        self._longest = 0
        for entry in entries:
            heads = entry.compiled.pattern.heads()
            if "" in heads:
                self._others.append((entry.compiled.pattern.needed(), entry))
                continue
            for head in heads:
                # Only a word with a space after it is known whole.
                words = head.split(" ")[:-1][:_MOST_WORDS]
                self._longest = max(self._longest, len(words))
                if words:
                    by_words[" ".join(words)].append((head, entry))
                else:
                    by_letter[head[0]].append((head, entry))
        self._by_words = dict(by_words)
        self._by_letter = dict(by_letter)

    def candidates(self, padded: str) -> Sequence[FormatEntry]:
        """The formats that `padded` (the text between two spaces) may fit, in the order of their number."""
        text = padded.lstrip()
        found: dict[int, FormatEntry] = {}
        end = -1
        for _ in range(self._longest):
            end = text.find(" ", end + 1)
            if end < 0:
                break
            for head, entry in self._by_words.get(text[:end], ()):
                if text.startswith(head):
                    found[entry.number] = entry
        for head, entry in self._by_letter.get(text[:1], ()):
            if text.startswith(head):
                found[entry.number] = entry
        for needed, entry in self._others:
            if needed in padded:
                found[entry.number] = entry
        if len(found) < 2:
            return list(found.values())
        return [found[number] for number in sorted(found)]
