r"""Turns a parsed regular expression into instructions for the linear matcher.

A program is a list of instructions; each knows the number of the next one. They are made from the
end to the beginning, so that the next instruction mostly has the number before:

CHAR   one character that passes a test          VALUE  the value of a placeholder (grammar.py)
RUN    any number of them, as many as possible   AT     the begin or the end of the text
SPLIT  two ways to go on, the better one first   SAVE   a group begins or ends here
MATCH  the end

What needs a memory of its own (a lookahead, a reference to a group, \b, a loop round something that
may be empty) is beyond it: then there is no program, and backtrack.py matches with a limit.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any

from engine.aliases.characters import SINGLE, CharTest, char_test

_LARGEST = 2_000
_PLAIN_FLAGS = re.DOTALL | re.IGNORECASE | re.UNICODE | re.VERBOSE


class Op(IntEnum):
    CHAR = 0
    SPLIT = 1
    SAVE = 2
    VALUE = 3
    RUN = 4
    AT_BEGIN = 5
    AT_END = 6
    MATCH = 7


@dataclass(frozen=True, slots=True)
class Instruction:
    op: Op
    next: int = 0
    other: int = 0
    """The second way of a SPLIT; the slot of a SAVE (2 n and 2 n + 1 for group n)."""
    test: CharTest | None = None
    literal: str = ""
    """The one character that passes, where there is only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    code: tuple[Instruction, ...]
    start: int
    free_order: tuple[int, ...]
    """The instructions that take no character, each after those it leads to."""


class _BeyondError(Exception):
    """The expression cannot become a program."""


def build_program(tree: Any, flags: int, value_tree: str) -> Program | None:
    """The program of a tree of the re module's parser, or None when it is beyond a program.

    `value_tree` is the printed tree of a placeholder's value, which becomes one instruction.
    """
    named = frozenset(tree.state.groupdict.values())
    builder = _Builder(value_tree=value_tree, named=named)
    try:
        last = builder.add(Instruction(Op.MATCH))
        start = builder.sequence(tree, last, flags)
        order = _free_order(builder.code)
    except _BeyondError:
        return None
    return Program(code=tuple(builder.code), start=start, free_order=order)


@dataclass(slots=True, kw_only=True)
class _Builder:
    value_tree: str
    # Only groups with a name are asked for; the others need not be noted.
    named: frozenset[int]
    code: list[Instruction] = field(default_factory=list)

    def add(self, instruction: Instruction) -> int:
        if len(self.code) >= _LARGEST:
            raise _BeyondError
        self.code.append(instruction)
        return len(self.code) - 1

    def sequence(self, items: Iterable[Any], following: int, flags: int) -> int:
        """The number of the first instruction of `items`, which go on to `following`."""
        if flags & ~_PLAIN_FLAGS:
            raise _BeyondError
        for op, value in reversed(list(items)):
            following = self._one(str(op), value, following, flags)
        return following

    def _one(self, name: str, value: Any, following: int, flags: int) -> int:
        if name in SINGLE:
            return self._char(name, value, following, flags)
        if name == "BRANCH":
            return self._branch(value, following, flags)
        if name == "SUBPATTERN":
            return self._group(value, following, flags)
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            return self._repeat(value, following, flags, is_greedy=name == "MAX_REPEAT")
        if name == "AT":
            return self._at(str(value), following)
        raise _BeyondError

    def _char(self, name: str, value: Any, following: int, flags: int) -> int:
        is_literal = name == "LITERAL" and not flags & re.IGNORECASE
        return self.add(
            Instruction(
                Op.CHAR,
                next=following,
                test=char_test(name, value, flags),
                literal=chr(value) if is_literal else "",
            )
        )

    def _branch(self, value: Any, following: int, flags: int) -> int:
        if repr(value) == self.value_tree:
            return self.add(Instruction(Op.VALUE, next=following))
        entries = [self.sequence(branch, following, flags) for branch in value[1]]
        entry = entries.pop()
        while entries:
            entry = self.add(Instruction(Op.SPLIT, next=entries.pop(), other=entry))
        return entry

    def _group(self, value: Any, following: int, flags: int) -> int:
        group, added, removed, items = value
        if group in self.named:
            following = self.add(Instruction(Op.SAVE, next=following, other=2 * group + 1))
        entry = self.sequence(items, following, (flags | added) & ~removed)
        if group in self.named:
            entry = self.add(Instruction(Op.SAVE, next=entry, other=2 * group))
        return entry

    def _repeat(self, value: Any, following: int, flags: int, *, is_greedy: bool) -> int:
        least, most, items = value
        if str(most) == "MAXREPEAT":
            following = self._loop(items, following, flags, is_greedy=is_greedy)
        else:
            after = following
            for _ in range(most - least):
                body = self.sequence(items, following, flags)
                ways = (body, after) if is_greedy else (after, body)
                following = self.add(Instruction(Op.SPLIT, next=ways[0], other=ways[1]))
        for _ in range(least):
            following = self.sequence(items, following, flags)
        return following

    def _loop(self, items: Any, following: int, flags: int, *, is_greedy: bool) -> int:
        single = self._single(items) if is_greedy else None
        if single is not None:
            test = lru_cache(maxsize=1024)(char_test(str(single[0]), single[1], flags))
            return self.add(Instruction(Op.RUN, next=following, test=test))
        loop = self.add(Instruction(Op.SPLIT))
        body = self.sequence(items, loop, flags)
        ways = (body, following) if is_greedy else (following, body)
        self.code[loop] = Instruction(Op.SPLIT, next=ways[0], other=ways[1])
        return loop

    def _single(self, items: Any) -> Any:
        """The one character that a greedy loop repeats: of `a`, and also of (a), (a*) and (a+)."""
        if len(items) != 1:
            return None
        name, value = str(items[0][0]), items[0][1]
        if name in SINGLE:
            return items[0]
        if name == "SUBPATTERN" and value[0] not in self.named and not (value[1] or value[2]):
            return self._single(value[3])
        if name == "MAX_REPEAT" and value[0] <= 1 and str(value[1]) == "MAXREPEAT":
            return self._single(value[2])
        return None

    def _at(self, name: str, following: int) -> int:
        if name in {"AT_BEGINNING", "AT_BEGINNING_STRING"}:
            return self.add(Instruction(Op.AT_BEGIN, next=following))
        if name in {"AT_END", "AT_END_STRING"}:
            return self.add(Instruction(Op.AT_END, next=following))
        raise _BeyondError


def _free_order(code: list[Instruction]) -> tuple[int, ...]:
    """Depth first over the ways that take no character; a circle is a loop round nothing."""
    done: dict[int, bool] = {}
    order: list[int] = []

    for root in range(len(code)):
        stack = [(root, False)]
        while stack:
            number, is_left = stack.pop()
            if is_left:
                done[number] = True
                order.append(number)
                continue
            if number in done or code[number].op in {Op.CHAR, Op.VALUE, Op.MATCH}:
                if done.get(number) is False:
                    raise _BeyondError
                continue
            done[number] = False
            stack.append((number, True))
            stack.append((code[number].next, False))
            if code[number].op is Op.SPLIT:
                stack.append((code[number].other, False))
    return tuple(order)
