"""A story on a screen: one line for each thing that happened, wrapped below itself where it is long."""

import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Any

_MARKS = {
    "said": ">",
    "event": "*",
    "rule": "*",
    "begun": "+",
    "started": " ",
    "asked": "?",
    "vote": "!",
    "answered": "!",
    "act": "!",
    "ended": "=",
    "posted": "<",
}
_NARROWEST = 40
_DEEPEST = 6


def story_lines(story: dict[str, Any], *, width: int) -> Iterator[str]:
    """Times are local; a line for the day stands where it changes."""
    ids = ", ".join(story["traces"])
    # Without a tag of somebody's own it repeats the id.
    tag = "" if any(one in story["tag"] for one in story["traces"]) else f" · {story['tag']}"
    yield from textwrap.wrap(f"trace {ids}{tag}", max(width, _NARROWEST), subsequent_indent="      ")
    day = None
    for step in story["steps"]:
        moment = datetime.fromisoformat(step["at"]).astimezone()
        if moment.date() != day:
            day = moment.date()
            yield f"{moment:%a %Y-%m-%d}"
        yield from _lines(step, moment, width=max(width, _NARROWEST))


def _lines(step: dict[str, Any], moment: datetime, *, width: int) -> Iterator[str]:
    who = f"{step['who']} " if step["who"] and step["what"] not in ("begun", "event") else ""
    is_begin = step["what"] in ("begun", "event") and not step["depth"]
    by = f" by {step['who']}" if step["who"] and is_begin else ""
    head = f"{moment:%H:%M:%S} {'  ' * min(step['depth'], _DEEPEST)}{_MARKS.get(step['what'], ' ')} "
    about = f" [{step['id']}]" if step["what"] in ("said", "event", "begun", "asked") else ""
    text = f"{who}{step['text']}{by}{about}"
    yield from textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
