"""What can be said: help strings, and the commands nearest to a text that fits none."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.aliases.grammar import compile_format
from engine.aliases.pattern import Pattern
from engine.content.registry import Registry
from engine.errors import BadContent, BadInput

_WORD = re.compile(r"\w+")
_PLACEHOLDER = re.compile(r"{{.*?}}|\(\?P<.*?\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpEntry:
    pack: str
    alias: str
    """The alias' ref."""
    display: str
    description: str


def help_strings(
    registry: Registry, *, filter: str | None = None, pack: str | None = None
) -> list[HelpEntry]:
    """The displays of all enabled aliases, by pack and alias.

    `filter` is a regular expression that is searched in the display, whatever the case.
    Raises BadInput when it is none.
    """
    pattern = _filter(filter) if filter else None
    return [
        HelpEntry(pack=alias.pack, alias=alias.ref, display=each.display, description=alias.description)
        for alias in sorted(registry.aliases.values(), key=lambda alias: alias.ref)
        if alias.enabled and pack in {None, "", alias.pack}
        for each in alias.formats
        if each.display and (pattern is None or pattern.find(each.display) is not None)
    ]


def _filter(filter: str) -> Pattern:
    try:
        pattern = Pattern(filter, flags=re.IGNORECASE)
        pattern.prepare()
    except (re.error, OverflowError, RecursionError) as error:
        raise BadInput(f"The filter {filter!r} is no regular expression: {error}.") from error
    return pattern


def nearest(text: str, registry: Registry, n: int = 3) -> list[str]:
    """The displays most like `text`, the best first; at most `n`, none that shares nothing with it."""
    return nearest_displays(text, (entry.display for entry in help_strings(registry)), n)


def nearest_displays(text: str, displays: Iterable[str], n: int = 3) -> list[str]:
    """As `nearest`, among these displays. Words count by where they stand; the first one most."""
    words = _words(text)[:12]
    if not words:
        return []
    # Typing errors are looked for once for each different word, not for each display.
    split = {display: _words(_PLACEHOLDER.sub(" ", display)) for display in displays}
    vocabulary = list({word for own in split.values() for word in own})
    likeness = {
        word: {word, *difflib.get_close_matches(word, vocabulary, n=3, cutoff=0.75)} for word in words[:4]
    }
    scored = [(_score(words, likeness, own), display) for display, own in split.items()]
    best = sorted(
        (pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], len(pair[1]), pair[1])
    )
    return [display for _, display in best[:n]]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower()[:400])


def _score(words: Sequence[str], likeness: dict[str, set[str]], own: Sequence[str]) -> float:
    score = 0.0
    for place, word in enumerate(words):
        alike = likeness.get(word, {word})
        if place < len(own) and own[place] in alike:
            score += 3.0 if place == 0 else 2.0
        elif not alike.isdisjoint(own):
            score += 0.5
    return score - 0.01 * len(own) if score else 0.0


def missing(text: str, displays: Iterable[tuple[str, str]]) -> str:
    """`deploy needs: app, env.` for the format whose own words the text begins with; else nothing.

    `displays` are pairs of representation and display.
    """
    wanted = text.lower().split()
    best = ("", 0)
    for representation, _ in displays:
        head = representation.split("{{")[0].lower().split()
        if not head or len(head) <= best[1] or wanted[: len(head)] != head:
            continue
        names = _required(representation)
        if names:
            best = (f"{' '.join(head)} needs: {', '.join(names)}.", len(head))
    return best[0]


def _required(representation: str) -> tuple[str, ...]:
    try:
        return compile_format(representation).required
    except BadContent:
        return ()
