"""Matches a program against a text in two passes, each linear in the text.

The first pass goes from the end of the text to its beginning and notes for every place which
instructions can still reach the end from there: a set, kept as the bits of an integer. The sets
of a program are few, so they are made once and kept with what leads from one to the next (a
deterministic automaton, made as it is needed). The second pass goes forward and takes at every
choice the better way that can reach the end. It never has to go back, and finds what the
backtracking matcher of the re module would find.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.aliases.program import Instruction, Op, Program

# Sets and characters that are kept before everything is forgotten and made anew.
_MOST_KEPT = 50_000
_QUOTES = ("'", '"')
# As names of the module: looking them up in the enumeration costs more than the step itself.
_CHAR, _SPLIT, _SAVE, _VALUE, _RUN, _MATCH = Op.CHAR, Op.SPLIT, Op.SAVE, Op.VALUE, Op.RUN, Op.MATCH


class Found(NamedTuple):
    """One match: where it is, and where its groups are, by slot (2 n and 2 n + 1 for group n)."""

    start: int
    end: int
    """-1 where it was left open."""
    slots: dict[int, int]


# What the forward pass does at an instruction, the next one, and `other`: for CHAR how many come in a row.
# No operation: all groups are found, and it may stop. A plain tuple is unpacked fastest.
_Step = tuple[Op | None, int, int]


class _DeadError(Exception):
    """From here to the left nothing can reach the end any more."""


class _Row(dict[str, "_Row"]):
    """One set of instructions; by character the set one place further left."""

    __slots__ = ("bits", "by_class", "machine")

    def __init__(self, bits: int, machine: "Machine") -> None:
        super().__init__()
        self.bits = bits
        self.machine = machine
        self.by_class: dict[int, _Row] = {}

    def __missing__(self, character: str) -> "_Row":
        machine = self.machine
        if machine.is_dead(self.bits):
            raise _DeadError
        accepts = machine.accepts(character)
        row = self.by_class.get(accepts)
        if row is None:
            row = self.by_class[accepts] = machine.row(machine.step(self.bits, accepts))
        self[character] = row
        machine.count()
        return row


class Machine:
    """One program, and what was learnt of it. Any thread may call it; what is kept is only a cache."""

    def __init__(self, program: Program) -> None:
        code = program.code
        self._code = code
        self._start = program.start
        self._free = [(number, code[number]) for number in program.free_order]
        self._takers = [(number, code[number]) for number in range(len(code)) if code[number].test]
        self._literals: dict[str, int] = {}
        for number, each in self._takers:
            if each.literal:
                self._literals[each.literal] = self._literals.get(each.literal, 0) | 1 << number
        self._tests = [(number, each.test) for number, each in self._takers if each.test and not each.literal]
        self._match = 1 << next(number for number, each in enumerate(code) if each.op is _MATCH)
        self._values = [(number, each.next) for number, each in enumerate(code) if each.op is _VALUE]
        self.is_anchored = code[program.start].op is Op.AT_BEGIN
        self._may_end_anywhere = self._reaches_match_freely()
        self._steps = _steps(code)
        settled = self._without_groups_ahead()
        self._quick_steps: list[_Step] = [
            (None, 0, 0) if number in settled else step for number, step in enumerate(self._steps)
        ]
        nothing = self._close(self._match, is_begin=True, is_end=True)
        self.may_match_nothing = bool(nothing >> program.start & 1)
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._classes: dict[str, int] = {}
        self._begins: dict[tuple[int, int], int] = {}
        self._kept = 0
        self._last = _Row(self._close(self._match, is_end=True), self)

    def count(self) -> None:
        """One more thing is kept. A text of ever new characters must not fill the memory."""
        self._kept += 1
        if self._kept > _MOST_KEPT:
            self._forget()

    def row(self, bits: int) -> _Row:
        found = self._rows.get(bits)
        if found is None:
            self.count()
            found = self._rows[bits] = _Row(bits, self)
        return found

    def is_dead(self, bits: int) -> bool:
        return bits == self._match and not self._may_end_anywhere

    def accepts(self, character: str) -> int:
        """The instructions that take this character: its class."""
        bits = self._classes.get(character)
        if bits is None:
            bits = self._literals.get(character, 0)
            for number, test in self._tests:
                if test(character):
                    bits |= 1 << number
            self._classes[character] = bits
            self.count()
        return bits

    def step(self, bits: int, accepts: int, *, is_begin: bool = False) -> int:
        """The set one place left of `bits`, over a character of this class."""
        core = self._match
        for number, each in self._takers:
            if accepts >> number & 1:
                following = number if each.op is _RUN else each.next
                core |= (bits >> following & 1) << number
        for number, following in self._values:
            core |= ((bits >> following | bits >> number) & 1) << number
        return self._close(core, is_begin=is_begin)

    def _close(self, bits: int, *, is_begin: bool = False, is_end: bool = False) -> int:
        """Adds what leads to the set without taking a character."""
        for number, each in self._free:
            is_in = bits >> each.next & 1
            if each.op is _SPLIT:
                is_in |= bits >> each.other & 1
            elif each.op is Op.AT_BEGIN:
                is_in &= is_begin
            elif each.op is Op.AT_END:
                is_in &= is_end
            bits |= is_in << number
        return bits

    def _reaches_match_freely(self) -> bool:
        """Whether a match may end before the end of the text."""
        if self._close(self._match) != self._match:
            return True
        takers = (each for each in self._code if each.op in {Op.CHAR, Op.VALUE})
        return any(self._match >> each.next & 1 for each in takers)

    def _without_groups_ahead(self) -> frozenset[int]:
        """The instructions after which no group can begin or end any more."""
        saves = {number for number, each in enumerate(self._code) if each.op is _SAVE}
        changed = True
        while changed:
            before = len(saves)
            for number, each in enumerate(self._code):
                leads = {each.next, each.other} if each.op is _SPLIT else {each.next}
                if each.op is not Op.MATCH and leads & saves:
                    saves.add(number)
            changed = len(saves) > before
        return frozenset(range(len(self._code))) - saves

    def first(self, text: str) -> Found | None:
        """The first match; where the last group has ended its end is left open (-1)."""
        sets = self._backward(text)
        begin = self._begin_of_match(sets, 0) if sets else -1
        if sets is None or begin < 0:
            return None
        return _Walk(self._code, self._quick_steps, text, sets).go(self._start, begin)

    def matches(self, text: str) -> Iterator[Found]:
        """The matches from left to right, none inside another."""
        sets = self._backward(text)
        begin = self._begin_of_match(sets, 0) if sets else -1
        while sets is not None and begin >= 0:
            found = _Walk(self._code, self._steps, text, sets).go(self._start, begin)
            yield found
            begin = self._begin_of_match(sets, found.end if found.end > begin else begin + 1)

    def _begin_of_match(self, sets: list[int], place: int) -> int:
        """The first place from `place` on where a match begins, or -1."""
        entry = 1 << self._start
        if self.is_anchored:
            return 0 if place == 0 and sets[0] & entry else -1
        return next((begin for begin in range(place, len(sets)) if sets[begin] & entry), -1)

    def _backward(self, text: str) -> list[int] | None:
        """For every place the set there; None when an anchored program cannot match."""
        row = self._last
        if not text:
            return [self._close(self._match, is_begin=True, is_end=True)]
        sets = [row.bits]
        add = sets.append
        try:
            for character in text[:0:-1]:
                row = row[character]
                add(row.bits)
        except _DeadError:
            if self.is_anchored:
                return None
            sets.extend([self._match] * (len(text) - len(sets)))
            row = self.row(self._match)
        sets.append(self._begin(row.bits, self.accepts(text[0])))
        sets.reverse()
        return sets

    def _begin(self, bits: int, accepts: int) -> int:
        found = self._begins.get((bits, accepts))
        if found is None:
            self.count()
            found = self._begins[bits, accepts] = self.step(bits, accepts, is_begin=True)
        return found


def _steps(code: tuple[Instruction, ...]) -> list[_Step]:
    """The instructions, with CHARs in a row taken together."""
    steps: list[_Step] = []
    for number, each in enumerate(code):
        if each.op is not _CHAR:
            steps.append((each.op, each.next, each.other))
        elif each.next < number and code[each.next].op is _CHAR:
            _, after, count = steps[each.next]
            steps.append((_CHAR, after, count + 1))
        else:
            steps.append((_CHAR, each.next, 1))
    return steps


class _Walk:
    """The forward pass over one text."""

    def __init__(
        self, code: tuple[Instruction, ...], steps: Sequence[_Step], text: str, sets: list[int]
    ) -> None:
        self._code = code
        self._steps = steps
        self._text = text
        self._sets = sets
        # From where on no value ends at this quote, by instruction and quote.
        self._unclosed: dict[tuple[int, str], int] = {}

    def go(self, number: int, place: int) -> Found:
        steps, sets, begin = self._steps, self._sets, place
        slots: dict[int, int] = {}
        while True:
            op, following, other = steps[number]
            if op is _SPLIT:
                number = following if sets[place] >> following & 1 else other
                continue
            if op is _CHAR:
                place += other
            elif op is _SAVE:
                slots[other] = place
            elif op is _VALUE:
                place = self._value_end(number, following, place)
            elif op is _RUN:
                place = self._run_end(self._code[number], place)
            elif op is None:
                return Found(begin, -1, slots)
            elif op is _MATCH:
                return Found(begin, place, slots)
            number = following

    def _run_end(self, each: Instruction, place: int) -> int:
        """As far as the loop can go, and back to where the rest reaches the end."""
        text, sets, bit, test = self._text, self._sets, 1 << each.next, each.test
        end, limit = place, len(text)
        while end < limit and test is not None and test(text[end]):
            end += 1
        while end > place and not sets[end] & bit:
            end -= 1
        return end

    def _value_end(self, number: int, following: int, place: int) -> int:
        """The value's kinds in their order: closed by the quote before it, in braces, or anything."""
        text, sets, bit = self._text, self._sets, 1 << following
        quote = text[place - 1 : place]
        if quote in _QUOTES:
            end = self._quoted_end(number, quote, bit, place)
            if end >= 0:
                return end
        if text.startswith("{", place):
            end = text.find("}", place + 2)
            while end >= 0:
                if sets[end + 1] & bit:
                    return end + 1
                end = text.find("}", end + 1)
        end = place + 1
        while not sets[end] & bit:
            end += 1
        return end

    def _quoted_end(self, number: int, quote: str, bit: int, place: int) -> int:
        if self._unclosed.get((number, quote), len(self._text)) <= place:
            return -1
        end = self._text.find(quote, place + 1)
        while end >= 0:
            if self._sets[end] & bit:
                return end
            end = self._text.find(quote, end + 1)
        self._unclosed[number, quote] = place
        return -1
