"""The Home tab of one person: what waits for them, what they have started, what they may run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import actions, limits, rich
from bot.adapters.slack.menu import Choice
from bot.adapters.slack.mrkdwn import cut, visible

_WAITING, _STARTED, _COMMANDS = 15, 10, 40
_LINE, _FACTS = 300, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A question that waits, or an execution."""

    id: str
    title: str
    facts: str = ""
    """Who, since when, until when: one grey line."""


def view(
    *, waiting: Sequence[Entry], started: Sequence[Entry], commands: Sequence[Choice], prefix: str
) -> dict[str, Any]:
    """Always within the limits of a view; what is left out is said, with the words that show it."""
    blocks = [
        *_heading("Waits for you"),
        *_entries(waiting, _WAITING, none="Nothing waits for you.", more=f"{prefix}inquiries", label="Open"),
        *_heading("Started by you"),
        *_entries(started, _STARTED, none="Nothing of yours.", more=f"{prefix}status", label="Details"),
        *_heading("What you can say"),
        {"type": "actions", "elements": [actions.menu("Run a command")]},
        *_commands(commands, prefix=prefix),
    ]
    return {"type": "home", "blocks": blocks}


def refused(why: str) -> dict[str, Any]:
    """For somebody who may not use this bot."""
    return {"type": "home", "blocks": [rich.words(cut(why, limits.SECTION))]}


def _heading(text: str) -> list[dict[str, Any]]:
    return [{"type": "header", "text": actions.plain(text, limits.HEADER)}]


def _entries(
    entries: Sequence[Entry], most: int, *, none: str, more: str, label: str
) -> list[dict[str, Any]]:
    if not entries:
        return [rich.words(none)]
    blocks: list[dict[str, Any]] = []
    for number, one in enumerate(entries[:most]):
        shown: dict[str, Any] = {"type": "section", "text": actions.plain(one.title, _LINE)}
        button = actions.details(one.id, number, label=label)
        if button is not None:
            shown["accessory"] = button
        blocks.append(shown)
        if one.facts:
            blocks.append({"type": "context", "elements": [actions.plain(one.facts, _FACTS)]})
    left = len(entries) - most
    return [*blocks, *([rich.words(f"{left} more: {more}")] if left > 0 else [])]


def _commands(commands: Sequence[Choice], *, prefix: str) -> list[dict[str, Any]]:
    shown = commands[:_COMMANDS]
    if not shown:
        return []
    runs = []
    for one in shown:
        runs.append(rich.run(cut(f"{prefix}{visible(one.display)}", _LINE), code=True))
        runs.append(rich.run(cut(f"  {visible(one.about)}", _LINE) + "\n"))
    left = len(commands) - len(shown)
    return [
        rich.block([rich.section(runs)]),
        *([rich.words(f"{left} more: {prefix}help")] if left else []),
    ]
