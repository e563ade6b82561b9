"""A text with typing errors as it was perhaps meant: words of formats in the place of words like them."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from engine.aliases.beginnings import Step, steps_of
from engine.aliases.lookup import FormatEntry

_WORD = re.compile(r"\S+")
# From this likeness on (of difflib, 0 to 1) a word may be a typing error.
LIKENESS = 0.72
_MOST_WORDS = 40
# Nobody's command has longer words, and comparing takes time.
_LONGEST_WORD = 64
_MOST_LIKE = 4
# Of two letters one may be wrong.
_SHORT = 3
_LIKENESS_OF_SHORT = 0.5


def corrections(text: str, entries: Iterable[FormatEntry]) -> Iterator[str]:
    """Texts that may fit, the likeliest first; each differs from `text` in words of a format only."""
    words = list(_WORD.finditer(text))[:_MOST_WORDS]
    if not words:
        return
    read = [steps for entry in entries if (steps := steps_of(entry.representation))]
    # Typing errors of the first word are looked for once, not in each format.
    firsts = {steps[0].text for steps in read}
    first = words[0].group()[: _LONGEST_WORD + 1]
    like = difflib.get_close_matches(first, firsts, n=_MOST_LIKE, cutoff=LIKENESS)
    lower = {one.lower(): one for one in firsts}
    alike = {*like, *([lower[first.lower()]] if first.lower() in lower else [])}
    found: dict[str, float] = {}
    for steps in read:
        if steps[0].text in alike:
            corrected, score = _corrected(text, words, steps)
            if corrected != text:
                found[corrected] = max(score, found.get(corrected, 0.0))
    for corrected, _ in sorted(found.items(), key=lambda one: (-one[1], one[0])):
        yield corrected


def is_like(word: str, words: Iterable[str]) -> bool:
    """Whether it may be one of these with a typing error."""
    return bool(difflib.get_close_matches(word[: _LONGEST_WORD + 1], list(words), n=1, cutoff=LIKENESS))


def _corrected(text: str, words: Sequence[re.Match[str]], steps: Sequence[Step]) -> tuple[str, float]:
    """The text with the format's words for those like them, and how like they were (mean, 0 to 1)."""
    changes: list[tuple[re.Match[str], str]] = []
    scores: list[float] = []
    place = 0
    is_after_value = False
    for step in steps:
        if step.kind != "word":
            is_after_value = True
            continue
        # Right behind another word of the format it stands at once; behind a value somewhere.
        reach = words[place:] if is_after_value else words[place : place + 1]
        best = max(reach, key=lambda word: _likeness(word.group(), step.text), default=None)
        least = LIKENESS if len(step.text) > _SHORT else _LIKENESS_OF_SHORT
        if best is None or _likeness(best.group(), step.text) < least:
            scores.append(0.0)
            continue
        scores.append(_likeness(best.group(), step.text))
        if best.group() != step.text:
            changes.append((best, step.text))
        place = words.index(best) + 1
        is_after_value = False
    for word, right in reversed(changes):
        text = text[: word.start()] + right + text[word.end() :]
    return text, sum(scores) / len(scores)


def _likeness(word: str, right: str) -> float:
    if word == right:
        return 1.0
    if len(word) > _LONGEST_WORD:
        return 0.0
    return difflib.SequenceMatcher(None, word.lower(), right.lower()).ratio()
