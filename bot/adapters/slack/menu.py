"""The menu of commands: found by searching, completed in a field, and then said. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import actions, limits, rich, views
from bot.adapters.slack.mrkdwn import cut, visible
from bot.adapters.slack.views import ELEMENT, Form, option, value_of
from bot.answers import OWN
from engine.aliases.help import HelpEntry
from engine.specs.alias import AliasSpec

RUN = "crow.run"
"""The callback id of the menu, and of the shortcut that opens it."""
HERE = "crow.here"
"""The callback id of the shortcut of a message, in whose thread the command is said."""
MENU = "menu"
_CHOICE = "crow.choice"
_SAY = "crow.say."
# Where the plain words of a format end.
_END = re.compile(r"\{\{|[\\()\[\]|^$*?+.]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A command as help shows it."""

    display: str
    about: str = ""
    group: str = ""
    """The pack; empty: it is ours."""
    words: str = ""
    """With what it begins; what is missing then is asked for."""

    @property
    def value(self) -> str:
        return value_of(self.display)


def choices(entries: Sequence[tuple[HelpEntry, AliasSpec | None]]) -> tuple[Choice, ...]:
    """`entries`: what somebody may run, with their aliases. Our own commands come last."""
    found = [
        Choice(
            display=entry.display,
            about=entry.description,
            group=entry.pack,
            words=_words(entry.display, alias),
        )
        for entry, alias in entries
    ]
    own = [Choice(display=display, about=about, words=display.split()[0]) for display, about in OWN]
    by_display: dict[str, Choice] = {}
    for one in (*found, *own):
        by_display.setdefault(one.display, one)
    return tuple(by_display.values())


def _words(display: str, alias: AliasSpec | None) -> str:
    formats = alias.formats if alias is not None else ()
    known = [text for one in formats if one.display == display for text in one.representations]
    starts = [_END.split(text, maxsplit=1)[0].strip() for text in known]
    return max(starts, key=len, default="") or display


def search(known: Sequence[Choice], typed: str) -> list[dict[str, Any]]:
    """The options for what was typed: every word must begin somewhere in a command, its pack or its help."""
    wanted = _WORD.findall(typed.lower())
    fitting = [one for one in known if all(_has(one, word) for word in wanted)]
    return [
        option(visible(one.display), _about(one)) | {"value": one.value} for one in fitting[: limits.OPTIONS]
    ]


def _has(choice: Choice, word: str) -> bool:
    text = f"{choice.group} {choice.display} {choice.about}".lower()
    return any(found.startswith(word) for found in _WORD.findall(text))


def _about(choice: Choice) -> str:
    return visible(" · ".join(part for part in (choice.group, choice.about) if part))


def view(form: Form, chosen: Choice | None = None) -> dict[str, Any]:
    """The menu; with what was `chosen` ready to be completed."""
    select = {
        "type": "external_select",
        "action_id": actions.MENU_ACTION,
        "min_query_length": 0,
        "placeholder": actions.plain("Search a command", limits.PLACEHOLDER),
    }
    if chosen is not None:
        select["initial_option"] = option(visible(chosen.display)) | {"value": chosen.value}
    blocks: list[dict[str, Any]] = [{"type": "actions", "block_id": _CHOICE, "elements": [select]}]
    if chosen is not None:
        about = [rich.run(cut(f"\n{chosen.about}", limits.SECTION))] if chosen.about else []
        usage = rich.run(cut(chosen.display, limits.SECTION), code=True)
        blocks.append(rich.block([rich.section([usage, *about])]))
    blocks.append(_field(chosen))
    return {
        "type": "modal",
        "callback_id": RUN,
        "title": actions.plain("Run a command", limits.TITLE),
        "submit": actions.plain("Run", limits.TITLE),
        "close": actions.plain("Back", limits.TITLE),
        "private_metadata": form.as_metadata(),
        "blocks": blocks,
    }


def _field(chosen: Choice | None) -> dict[str, Any]:
    """A field of its own for each choice: Slack keeps what was typed into one that it knows."""
    words = chosen.words if chosen is not None else ""
    element = {"type": "plain_text_input", "action_id": ELEMENT, "max_length": limits.INITIAL_TEXT}
    return {
        "type": "input",
        "block_id": f"{_SAY}{views.number(chosen.display if chosen is not None else '')}",
        "label": actions.plain("Command", limits.LABEL),
        "element": {**element, **({"initial_value": cut(words, limits.INITIAL_TEXT)} if words else {})},
        "hint": actions.plain(
            "As you would write it in a channel. What is missing is asked for.", limits.HINT
        ),
    }


def said(view: Mapping[str, Any]) -> str:
    """The command that was written into it; empty: none."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    for name, elements in values.items() if isinstance(values, Mapping) else ():
        given = elements.get(ELEMENT) if isinstance(elements, Mapping) else None
        if isinstance(name, str) and name.startswith(_SAY) and isinstance(given, Mapping):
            written = given.get("value")
            return written.strip() if isinstance(written, str) else ""
    return ""
