"""The shapes of the built-in commands: what is ours, whatever the aliases say."""

import difflib
import re

from bot import links, schedules

_LIKENESS = 0.75
# Nobody decides by a typing error.
_NEVER_GUESSED = frozenset({"breakglass", "yes", "approve", "reject", "answer", "anyway", "link", "unlink"})
# Optional where the thread, or the person's last command in the channel, says which one is meant.
_ID = r"(?:\s+(?P<id>last|[0-9a-f]{6,24}))?"


def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL | re.IGNORECASE)


SHAPES: dict[str, re.Pattern[str]] = {
    "help": _shape(r"help(?:\s+(?P<words>.+))?"),
    "status": _shape(rf"status{_ID}"),
    "output": _shape(rf"output{_ID}"),
    "logs": _shape(rf"logs{_ID}(?:\s+(?P<lines>\d{{1,4}}))?"),
    "cancel": _shape(rf"cancel{_ID}"),
    "schedule": schedules.SHAPE,
    "at": schedules.AT_SHAPE,
    "rerun": _shape(rf"rerun{_ID}(?:\s+with\s+(?P<pairs>[\w.-]+=.*))?"),
    "with": _shape(r"with\s+(?P<pairs>[\w.-]+=.*)"),
    "pause": _shape(rf"pause{_ID}"),
    "resume": _shape(rf"resume{_ID}"),
    "retry": _shape(rf"retry{_ID}(?:\s+from\s+(?P<tasks>.+))?"),
    "why": _shape(rf"why{_ID}"),
    "defaults": _shape(
        r"defaults(?:\s+(?:(?P<clear>clear)(?P<names>(?:\s+[\w.-]+)*)|(?P<pairs>[\w.-]+=.*)))?"
    ),
    "inquiries": _shape(r"inquiries(?:\s+(?P<all>all))?"),
    "answer": _shape(r"answer\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?"),
    "approve": _shape(r"approve\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?"),
    "reject": _shape(r"reject\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?"),
    "breakglass": _shape(r"break-?glass\s+(?P<id>[0-9a-f]{6,24})(?P<words>\s.*)?"),
    "plan": _shape(r"plan\s+(?P<command>\S.*)"),
    "yes": _shape(r"yes(?:\s+(?P<id>[0-9a-f]{6,24}))?"),
    "link": links.SHAPE,
    "unlink": links.UNLINK,
    "anyway": _shape(r"anyway\s+(?P<rule>[\w.-]+)\s+(?P<id>[0-9a-f]{24})"),
}


def shape_of(text: str) -> tuple[str, re.Match[str]] | None:
    """The built-in command that a text is, by its first word; None: it belongs to the aliases."""
    for word, shape in SHAPES.items():
        fits = shape.fullmatch(text)
        if fits:
            return word, fits
    return None


def corrected(text: str) -> str:
    """The text with a built-in word in the place of its first one, where that is a command; else empty."""
    first = text.split(maxsplit=1)[0]
    for word in difflib.get_close_matches(first.lower()[:40], SHAPES, n=3, cutoff=_LIKENESS):
        meant = word + text[len(first) :]
        if word not in _NEVER_GUESSED and shape_of(meant) is not None:
            return meant
    return ""
