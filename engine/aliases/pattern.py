"""A regular expression of other people, matched against the text of other people in bounded time."""

import re
import re._parser as parser  # type: ignore[import-not-found]  # the stubs have no private module; there is no public parser
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from engine.aliases.backtrack import Backtracker
from engine.aliases.machine import Found, Machine
from engine.aliases.program import build_program
from engine.aliases.sample import sample_of

_ANCHORS = {
    "begin": frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"}),
    "end": frozenset({"AT_END", "AT_END_STRING"}),
}

_MOST_HEADS = 24
# The tree of the quote that may stand before a value: it would only multiply the heads.
_QUOTES = "[(IN, [(LITERAL, 34), (LITERAL, 39)])]"


class Pattern:
    """One expression, with the meaning of the re module; `.` takes newlines too.

    Making it only reads it (and raises re.error); what matches is made at the first use.
    """

    def __init__(self, source: str, *, flags: int = 0, value_source: str = "") -> None:
        """`value_source` is the expression that stands for the value of a placeholder, if there are any."""
        self.source = source
        self._tree = parser.parse(source, flags | re.DOTALL)
        self._flags: int = self._tree.state.flags & ~re.UNICODE | re.DOTALL
        self._value_source = value_source
        self.groups: Mapping[str, int] = dict(self._tree.state.groupdict)
        self._slots = [(name, 2 * group, 2 * group + 1) for name, group in self.groups.items()]

    @cached_property
    def _machine(self) -> Machine | None:
        program = build_program(self._tree, self._flags, _printed(self._value_source))
        return Machine(program) if program else None

    @cached_property
    def _backtracker(self) -> Backtracker:
        # Compiling finds the errors that parsing does not, a lookbehind of any width for one.
        re.compile(self.source, self._flags & ~re.UNICODE)
        return Backtracker(self._tree, self._flags)

    @property
    def is_linear(self) -> bool:
        """Whether the time is linear in the text; otherwise it is only bounded."""
        return self._machine is not None

    def prepare(self) -> None:
        """Make now what matches. Raises re.error."""
        if self._machine is None:
            self._backtracker.first("")

    def find(self, text: str) -> Found | None:
        """The first match; its `end` may be left open (-1). Raises NoMatch when it takes too long."""
        return (self._machine or self._backtracker).first(text)

    def find_all(self, text: str) -> Iterator[Found]:
        machine = self._machine
        if machine is None or machine.may_match_nothing:
            return self._backtracker.matches(text)
        return machine.matches(text)

    def named(self, found: Found, text: str) -> dict[str, str | None]:
        """The named groups of a match, in the order of the expression; None where one took no part."""
        slots = found.slots
        return {
            name: text[slots[begin] : slots[end]] if end in slots else None
            for name, begin, end in self._slots
        }

    def has_anchor(self, which: str) -> bool:
        """Whether the expression names the "begin" or the "end" of the text itself."""
        return _holds(self._tree, _ANCHORS[which])

    def heads(self) -> tuple[str, ...]:
        """Texts of which one stands at the beginning of every match, white space before it left out.

        One empty text where nothing is known about the beginning.
        """
        items = list(self._tree)
        if self._flags & re.IGNORECASE or not _begins_after_white_space(items):
            return ("",)
        return tuple(dict.fromkeys(head for head, _ in _heads(items[2:])))

    def needed(self) -> str:
        """The longest text that stands somewhere in every match; may be empty."""
        if self._flags & re.IGNORECASE:
            return ""
        runs = [""]
        for op, value in self._tree:
            if str(op) == "LITERAL":
                runs[-1] += chr(value)
            else:
                runs.append("")
        return max(runs, key=len)

    def sample(self, value: str) -> str | None:
        """A text that should fit, with `value` for every placeholder; None where none can be made up."""
        return sample_of(self._tree, self._flags, _printed(self._value_source), value)


def _printed(source: str) -> str:
    if not source:
        return ""
    return repr(parser.parse(source, re.DOTALL)[0][1])


def _holds(items: Iterable[Any], names: frozenset[str]) -> bool:
    """Whether an AT of these names stands in the sequence, or in a branch of it.

    StackStorm does not look into groups with a number and into repetitions, so `(^a|b)` counts as
    having no anchor (recorded case 205).
    """
    for op, value in items:
        if str(op) == "AT" and str(value) in names:
            return True
        if str(op) == "BRANCH" and any(_holds(branch, names) for branch in value[1]):
            return True
    return False


def _begins_after_white_space(items: list[Any]) -> bool:
    if [str(op) for op, _ in items[:2]] != ["AT", "MAX_REPEAT"] or str(items[0][1]) not in _ANCHORS["begin"]:
        return False
    least, most, repeated = items[1][1]
    return (
        least == 0 and str(most) == "MAXREPEAT" and repr(repeated) == "[(IN, [(CATEGORY, CATEGORY_SPACE)])]"
    )


_Head = tuple[str, bool]  # a text, and whether what comes after it is known to come at once


def _heads(items: Iterable[Any]) -> list[_Head]:
    """How a sequence may begin; cut off where it gets too many."""
    heads: list[_Head] = [("", True)]
    for op, value in items:
        ways = _item_heads(str(op), value)
        longer = [
            (head + way, goes_on and more)
            for head, goes_on in heads
            for way, more in (ways if goes_on else [("", False)])
        ]
        if len(longer) > _MOST_HEADS:
            return [(head, False) for head, _ in heads]
        heads = longer
        if not any(goes_on for _, goes_on in heads):
            break
    return heads


def _item_heads(name: str, value: Any) -> list[_Head]:
    if name == "LITERAL":
        return [(chr(value), True)]
    if name == "BRANCH":
        return [head for branch in value[1] for head in _heads(branch)]
    if name == "SUBPATTERN" and not (value[1] or value[2]):
        return _heads(value[3])
    if name == "MAX_REPEAT" and value[:2] == (0, 1) and repr(value[2]) != _QUOTES:
        return [*_heads(value[2]), ("", True)]
    return [("", False)]
