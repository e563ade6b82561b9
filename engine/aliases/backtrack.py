r"""Matches what is beyond the linear machine, going back and forth with a limit on its work.

Lookarounds, references to groups, \b, loops round something that may be empty: rare in alias
formats, and able to take exponential time. Here every step is counted, so a hostile text costs
no more than the limit.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.aliases.characters import SINGLE, CharTest, char_test, is_word
from engine.aliases.machine import Found
from engine.errors import NoMatch

_STEPS = 60_000
_STEPS_PER_CHARACTER = 3
_DEEPEST = 120

_Items = Sequence[tuple[Any, Any]]
_SIMPLE_FLAGS = re.DOTALL | re.IGNORECASE | re.MULTILINE | re.ASCII


class Backtracker:
    """One parsed expression; `matches` may be called from any thread."""

    def __init__(self, tree: Any, flags: int) -> None:
        self._items: _Items = list(tree)
        self._flags = flags
        self._tests: dict[tuple[int, int], CharTest] = {}

    def first(self, text: str) -> Found | None:
        return next(self.matches(text), None)

    def matches(self, text: str) -> Iterator[Found]:
        """The matches from left to right, as the re module finds them.

        Raises NoMatch when the limit of work is reached.
        """
        attempt = _Attempt(text, self._tests)
        begin, empty_at = 0, -1
        while begin <= len(text):
            attempt.slots = {}
            end = next(
                (
                    end
                    for end in attempt.sequence(self._items, 0, begin, self._flags)
                    if end > begin or begin != empty_at
                ),
                -1,
            )
            if end < 0:
                begin += 1
                continue
            yield Found(start=begin, end=end, slots=dict(attempt.slots))
            empty_at = end
            begin = end


class _Attempt:
    """One text under comparison: the groups so far, and the work done."""

    def __init__(self, text: str, tests: dict[tuple[int, int], CharTest]) -> None:
        self._text = text
        self._tests = tests
        self._left = _STEPS + _STEPS_PER_CHARACTER * len(text)
        self._depth = 0
        self.slots: dict[int, int] = {}

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0 or self._depth > _DEEPEST:
            raise NoMatch(
                "The comparison of the text with the format takes too long.",
                hint="The format of the alias has nested repetitions or lookarounds: write it more simply.",
            )

    def sequence(self, items: _Items, index: int, place: int, flags: int) -> Iterator[int]:
        """The places where items[index:] may end when they begin at `place`, the best first."""
        if index == len(items):
            yield place
            return
        name, value = str(items[index][0]), items[index][1]
        for end in self._one(name, value, place, flags):
            yield from self.sequence(items, index + 1, end, flags)

    def _one(self, name: str, value: Any, place: int, flags: int) -> Iterator[int]:
        self._count()
        if name in SINGLE:
            return iter((place + 1,)) if self._passes(name, value, place, flags) else iter(())
        if name == "AT":
            return iter((place,)) if self._is_at(str(value), place, flags) else iter(())
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            return self._repeat(value, place, flags, is_greedy=name == "MAX_REPEAT")
        if name == "BRANCH":
            return (end for branch in value[1] for end in self.sequence(branch, 0, place, flags))
        if name == "SUBPATTERN":
            return self._group(value, place, flags)
        return self._rare(name, value, place, flags)

    def _rare(self, name: str, value: Any, place: int, flags: int) -> Iterator[int]:
        if name in {"ASSERT", "ASSERT_NOT"}:
            is_there = self._looks(value, place, flags)
            return iter((place,)) if is_there == (name == "ASSERT") else iter(())
        if name == "GROUPREF":
            return self._same_again(value, place, flags)
        if name == "GROUPREF_EXISTS":
            group, then, otherwise = value
            items = then if 2 * group + 1 in self.slots else otherwise or []
            return self.sequence(items, 0, place, flags)
        if name == "ATOMIC_GROUP":
            return _first(self.sequence(value, 0, place, flags))
        return _first(self._repeat(value, place, flags, is_greedy=True))

    def _passes(self, name: str, value: Any, place: int, flags: int) -> bool:
        if place >= len(self._text):
            return False
        # The tree outlives the test, so the identity of its node names it.
        identity = (id(value), flags) if name == "IN" else (hash((name, value)), flags)
        test = self._tests.get(identity)
        if test is None:
            test = self._tests[identity] = char_test(name, value, flags)
        return test(self._text[place])

    def _is_at(self, name: str, place: int, flags: int) -> bool:
        text = self._text
        if name in {"AT_BEGINNING", "AT_BEGINNING_STRING"}:
            is_line = name == "AT_BEGINNING" and bool(flags & re.MULTILINE)
            return place == 0 or (is_line and text[place - 1] == "\n")
        if name == "AT_END":
            rest = text[place : place + 2]
            return rest in {"", "\n"} or (bool(flags & re.MULTILINE) and rest[0] == "\n")
        if name == "AT_END_STRING":
            return place == len(text)
        before = place > 0 and is_word(text[place - 1])
        after = place < len(text) and is_word(text[place])
        return (before != after) == (name == "AT_BOUNDARY")

    def _group(self, value: Any, place: int, flags: int) -> Iterator[int]:
        group, added, removed, items = value
        flags = (flags | added) & ~removed & _SIMPLE_FLAGS
        if group is None:
            yield from self.sequence(items, 0, place, flags)
            return
        kept = {slot: self.slots[slot] for slot in (2 * group, 2 * group + 1) if slot in self.slots}
        for end in self.sequence(items, 0, place, flags):
            self.slots[2 * group], self.slots[2 * group + 1] = place, end
            yield end
            self.slots.pop(2 * group, None)
            self.slots.pop(2 * group + 1, None)
            self.slots.update(kept)

    def _repeat(self, value: Any, place: int, flags: int, *, is_greedy: bool) -> Iterator[int]:
        least, most, items = value
        limit = len(self._text) + 1 if str(most) == "MAXREPEAT" else most
        if len(items) == 1 and str(items[0][0]) in SINGLE:
            return self._repeat_single((least, limit, items[0]), place, flags, is_greedy=is_greedy)
        return self._again((least, max(limit, least), items), 0, place, flags, is_greedy=is_greedy)

    def _repeat_single(self, value: Any, place: int, flags: int, *, is_greedy: bool) -> Iterator[int]:
        least, limit, (op, argument) = value
        end = place
        if is_greedy:
            while end - place < limit and self._passes(str(op), argument, end, flags):
                self._count()
                end += 1
            yield from range(end, place + least - 1, -1)
            return
        while True:
            if end - place >= least:
                yield end
            self._count()
            if end - place >= limit or not self._passes(str(op), argument, end, flags):
                return
            end += 1

    def _again(self, value: Any, done: int, place: int, flags: int, *, is_greedy: bool) -> Iterator[int]:
        """One more round of the loop, or leaving it; a round that took nothing is the last one."""
        least, limit, items = value
        self._depth += 1
        self._count()
        try:
            if not is_greedy and done >= least:
                yield place
            if done < limit:
                for end in self.sequence(items, 0, place, flags):
                    if end == place and done >= least:
                        yield end
                    else:
                        yield from self._again(value, done + 1, end, flags, is_greedy=is_greedy)
            if is_greedy and done >= least:
                yield place
        finally:
            self._depth -= 1

    def _looks(self, value: Any, place: int, flags: int) -> bool:
        direction, items = value
        if direction >= 0:
            return next(self.sequence(items, 0, place, flags), None) is not None
        begin = place - items.getwidth()[0]
        return begin >= 0 and any(end == place for end in self.sequence(items, 0, begin, flags))

    def _same_again(self, group: int, place: int, flags: int) -> Iterator[int]:
        if 2 * group + 1 not in self.slots:
            return
        said = self._text[self.slots[2 * group] : self.slots[2 * group + 1]]
        here = self._text[place : place + len(said)]
        if here == said or (flags & re.IGNORECASE and here.lower() == said.lower()):
            yield place + len(said)


def _first(ends: Iterator[int]) -> Iterator[int]:
    yield from (end for end in [next(ends, None)] if end is not None)
