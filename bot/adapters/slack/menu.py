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

RUN = "crow.run"
"""The callback id of the menu, and of the shortcut that opens it."""
HERE = "crow.here"
"""The callback id of the shortcut of a message, in whose thread the command is said."""
MENU = "menu"
_CHOICE = "crow.choice"
_SAY = "crow.say."
# What has to be replaced before it can be said.
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*(?:=.*?)?\}\}")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A command as help shows it."""

    display: str
    about: str = ""
    group: str = ""
    """The pack; empty: it is ours."""

    @property
    def value(self) -> str:
        return value_of(self.display)


def choices(entries: Sequence[HelpEntry]) -> tuple[Choice, ...]:
    """`entries`: what somebody may run. Our own commands come last: help names them anyway."""
    found = [Choice(display=one.display, about=one.description, group=one.pack) for one in entries]
    own = [Choice(display=display, about=about) for display, about in OWN]
    by_display: dict[str, Choice] = {}
    for one in (*found, *own):
        by_display.setdefault(one.display, one)
    return tuple(by_display.values())


def search(known: Sequence[Choice], typed: str) -> list[dict[str, Any]]:
    """The options for what was typed: every word must begin somewhere in a command, its pack or its help."""
    wanted = _WORDS.findall(typed.lower())
    fitting = [one for one in known if all(_has(one, word) for word in wanted)]
    return [
        option(visible(one.display), _about(one)) | {"value": one.value} for one in fitting[: limits.OPTIONS]
    ]


def _has(choice: Choice, word: str) -> bool:
    text = f"{choice.group} {choice.display} {choice.about}".lower()
    return any(found.startswith(word) for found in _WORDS.findall(text))


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
    if chosen is not None and chosen.about:
        blocks.append(rich.words(cut(chosen.about, limits.SECTION)))
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
    text = chosen.display if chosen is not None else ""
    has_holes = _PLACEHOLDER.search(text) is not None
    hint = "Put your values in the place of {{ … }}." if has_holes else "As you would write it in a channel."
    element = {"type": "plain_text_input", "action_id": ELEMENT, "max_length": limits.INITIAL_TEXT}
    return {
        "type": "input",
        "block_id": f"{_SAY}{views.number(text)}",
        "label": actions.plain("Command", limits.LABEL),
        "element": {**element, **({"initial_value": cut(text, limits.INITIAL_TEXT)} if text else {})},
        "hint": actions.plain(hint, limits.HINT),
    }


def said(view: Mapping[str, Any]) -> tuple[str, str]:
    """The id of the block, and the command that was written into it; both empty when there is none."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    for name, elements in values.items() if isinstance(values, Mapping) else ():
        given = elements.get(ELEMENT) if isinstance(elements, Mapping) else None
        if isinstance(name, str) and name.startswith(_SAY) and isinstance(given, Mapping):
            written = given.get("value")
            return name, written.strip() if isinstance(written, str) else ""
    return "", ""


def incomplete(command: str) -> str:
    """What is left to be replaced, in words; empty: nothing."""
    names = list(dict.fromkeys(_PLACEHOLDER.findall(command)))
    return f"Give a value for: {', '.join(names)}." if names else ""
