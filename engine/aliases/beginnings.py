"""A text that begins a command and stops too early: which one, and what it says so far."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.aliases.kv import split_pairs
from engine.aliases.lookup import FormatEntry

# A placeholder, or a named group without groups in it that must be there.
_VALUE = re.compile(
    r"{{\s*(?P<name>[^\s={}]+)\s*(?P<default>=.*?)?}}"
    r"|\(\?P<(?P<group>\w+)>(?P<pattern>[^()]*)\)(?![?*+{])",
    re.DOTALL,
)
# What is no plain text in a format: nobody can say how far such an expression has come.
_SPECIAL = re.compile(r"[\\()\[\]|^$*?+]")
_WORD = re.compile(r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')(?=\s|$)|(?P<bare>\S+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a format."""

    kind: Literal["word", "needed", "optional"]
    text: str
    """The word itself, or the parameter's name."""
    pattern: str = ""
    """What the value must look like, whole; empty: anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The format that a text begins, the values it gives, and those that are still needed."""

    entry: FormatEntry
    given: Mapping[str, str]
    missing: tuple[str, ...]


def beginning(text: str, entries: Iterable[FormatEntry]) -> Beginning | None:
    """The format of which the text says the most; None where it begins none, or several as well."""
    tail = split_pairs(text)
    words = [_value(match) for match in _WORD.finditer(tail.rest)]
    best: list[tuple[int, Beginning]] = []
    for entry in entries:
        steps = steps_of(entry.representation)
        found = _walk(steps, words) if steps else None
        if found is None:
            continue
        said, given = found
        given = {**given, **tail.pairs}
        missing = tuple(step.text for step in steps if step.kind == "needed" and step.text not in given)
        if missing:
            best.append((said, Beginning(entry=entry, given=given, missing=missing)))
    best.sort(key=lambda one: -one[0])
    if not best or any(
        said == best[0][0] and other.entry.alias.ref != best[0][1].entry.alias.ref for said, other in best[1:]
    ):
        return None
    return best[0][1]


def _value(match: re.Match[str]) -> tuple[str, bool]:
    """A word, and whether it stood in quotes."""
    bare = match["bare"]
    if bare is not None:
        return bare, False
    return match["double"] if match["double"] is not None else match["single"], True


def steps_of(representation: str) -> tuple[Step, ...]:
    """Empty for a format that begins with a value, or is more than words, placeholders and named groups."""
    steps = tuple(_steps(representation))
    is_plain = not _SPECIAL.search(_VALUE.sub("", representation))
    return steps if is_plain and steps and steps[0].kind == "word" else ()


def _steps(representation: str) -> Iterator[Step]:
    position = 0
    for match in _VALUE.finditer(representation):
        yield from _words(representation[position : match.start()])
        yield Step(
            kind="optional" if match["default"] is not None else "needed",
            text=match["name"] or match["group"],
            pattern=match["pattern"] or "",
        )
        position = match.end()
    yield from _words(representation[position:])


def patterns_of(representation: str) -> Mapping[str, str]:
    """What the values of named groups must look like, by parameter."""
    return {step.text: step.pattern for step in _steps(representation) if step.pattern}


def _words(text: str) -> Iterator[Step]:
    for word in text.split():
        yield Step(kind="word", text=word)


def _walk(steps: tuple[Step, ...], words: list[tuple[str, bool]]) -> tuple[int, dict[str, str]] | None:
    """How many of the format's own words stand in the text, and the values between them.

    None: the text is no beginning of it. All words before the first placeholder must be there.
    """
    head = next((number for number, step in enumerate(steps) if step.kind != "word"), len(steps))
    if len(words) < head:
        return None
    said, given, left = 0, {}, list(words)
    for number, step in enumerate(steps):
        if not left:
            break
        word, is_quoted = left[0]
        if step.kind == "word":
            if word != step.text or is_quoted:
                return None
            said += 1
        else:
            after = steps[number + 1] if number + 1 < len(steps) else None
            if after is not None and after.kind == "word" and word == after.text and not is_quoted:
                # This value was left out.
                continue
            if step.pattern and not re.fullmatch(step.pattern, word):
                return None
            given[step.text] = word
        left.pop(0)
    return None if left else (said, given)
