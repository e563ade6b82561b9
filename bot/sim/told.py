"""What a failed transcript tells: the line, what was expected, the nearest that came, and what was said."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.sim.chats import Heard
from bot.sim.transcript import Expects, Line, Transcript

_LONGEST_LINE = 200
_MOST_MESSAGES = 12
_MOST_LINES = 25
# Less alike than this is no near miss.
_ALIKE = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first line that went otherwise than it is written."""

    step: Line
    text: str
    """What happened instead, in some lines."""

    def told(self, transcript: Transcript) -> str:
        return f"{transcript.where(self.step)}: {self.step.written}\n{self.text}".rstrip()


def not_said(
    step: Line, words: str, heard: Sequence[Heard], *, act: Line | None, patience_s: float
) -> Failure:
    """`act`: what somebody did last."""
    told = [f"  Nobody has said it within {patience_s:.0f} s."]
    nearest = _nearest(words, heard)
    if nearest is not None:
        one, line = nearest
        told.append(f"  The nearest stands {_place(one)}:")
        told += [f"    {part}" for part in _differences(words, line)]
    if act is not None:
        told.append(f"  Line {act.number} was the last thing done: {act.written}")
    if heard:
        told.append("  All that the bot has said, the newest last:")
        told += [part for one in heard[-_MOST_MESSAGES:] for part in _shown(one)]
    else:
        told.append("  The bot has said nothing.")
    if isinstance(step, Expects) and (step.channel or step.only_for or step.is_in_thread):
        told.append("  It counts only where the line says.")
    return Failure(step=step, text="\n".join(told))


def said_too_often(step: Line, found: Sequence[Heard]) -> Failure:
    """More often than `once` or `never` allows."""
    told = [f"  It is said in {len(found)} {'message' if len(found) == 1 else 'messages'}:"]
    told += [part for one in found for part in _shown(one)]
    return Failure(step=step, text="\n".join(told))


def _nearest(words: str, heard: Sequence[Heard]) -> tuple[Heard, str] | None:
    wanted = re.sub(r"\s+", " ", words)
    best: tuple[float, Heard, str] | None = None
    matcher = difflib.SequenceMatcher(None, b=wanted, autojunk=False)
    for one in heard[-_MOST_MESSAGES:]:
        for line in (" ".join(part.split())[:_LONGEST_LINE] for part in _own(one).splitlines()):
            matcher.set_seq1(line)
            if matcher.real_quick_ratio() < _ALIKE:
                continue
            alike = matcher.ratio()
            if alike >= _ALIKE and (best is None or alike >= best[0]):
                best = (alike, one, line)
    return None if best is None else (best[1], best[2])


def _differences(expected: str, came: str) -> list[str]:
    """- what was expected, + what came; ? marks where they differ."""
    return [line.rstrip() for line in difflib.ndiff([expected], [came]) if line.strip()]


def _shown(one: Heard) -> list[str]:
    lines = [line for line in _own(one).splitlines() if line.strip()]
    cut = [f"      {line[:_LONGEST_LINE]}" for line in lines[:_MOST_LINES]]
    more = len(lines) - len(cut)
    return [f"    {_place(one)}", *cut, *([f"      ({more} more lines)"] if more else [])]


def _own(one: Heard) -> str:
    return one.text if one.begins_in is None else one.text[: one.begins_in]


def _place(one: Heard) -> str:
    if one.only_for:
        return f"to {one.only_for}"
    if not one.channel:
        return "printed"
    return f"in {one.channel}, thread" if one.thread else f"in {one.channel}"
