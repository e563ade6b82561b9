"""Our buttons and menus: what is put into their ids and values, and what comes back with a press.

An id says the kind and a number (`crow.p.0`), a value what is meant. Both are read strictly: whatever does
not look exactly like ours means nothing. A value carries names only; whoever reads it checks the rest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import limits
from bot.adapters.slack.mrkdwn import cut, is_url, size, visible
from bot.chat import Button, Link

_COMMAND, _PROMPT, _DETAILS, _LINK, _MENU = "c", "p", "d", "l", "m"
_ACTION_ID = re.compile(r"crow\.(?P<kind>[cpdlm])\.\d{1,3}")
# Ids are words of ours; the value of a button may be any short text without a line break.
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_VALUE = re.compile(r"[^\r\n]*")
_LONGEST_VALUE = 1_500
MENU_ACTION = f"crow.{_MENU}.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPress:
    """Somebody says `command` by pressing a button."""

    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPress:
    prompt_id: str
    value: str
    """Of the button; empty: the one that opens the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsPress:
    id: str
    """Of an inquiry or an execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuPress:
    """Somebody wants the menu of commands, or chose from it."""

    chosen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPress:
    """A button that opens a page; Slack tells us, there is nothing to do."""


Press = CommandPress | PromptPress | DetailsPress | MenuPress | LinkPress


def plain(text: str, most: int) -> dict[str, Any]:
    """A text object in which nothing is parsed; never empty."""
    return {"type": "plain_text", "text": cut(visible(text), most).strip() or "…", "emoji": False}


def command(button: Button, number: int) -> dict[str, Any] | None:
    """None when the command is too long for a button: it is then shown as words, never cut."""
    if not button.command.strip() or size(button.command) > limits.BUTTON_VALUE:
        return None
    said = visible(button.command)
    return _button(
        button, _COMMAND, number, value=button.command, question=said if button.style == "danger" else ""
    )


def prompt(button: Button, prompt_id: str, number: int, *, question: str = "") -> dict[str, Any] | None:
    """`question`: what is asked once more before it counts. None for an id or value that fits no button."""
    if not _NAME.fullmatch(prompt_id) or not _VALUE.fullmatch(button.value):
        return None
    if size(button.value) > _LONGEST_VALUE:
        return None
    return _button(button, _PROMPT, number, value=f"{prompt_id} {button.value}", question=question)


def details(wanted: str, number: int, *, label: str = "Details") -> dict[str, Any] | None:
    if not _NAME.fullmatch(wanted):
        return None
    return _button(Button(label=label), _DETAILS, number, value=wanted)


def menu(label: str) -> dict[str, Any]:
    return {**_button(Button(label=label, style="primary"), _MENU, 0, value=""), "action_id": MENU_ACTION}


def link(shown: Link, number: int) -> dict[str, Any] | None:
    """None where the address is none."""
    if not is_url(shown.url):
        return None
    return {**_button(Button(label=shown.label), _LINK, number, value=""), "url": shown.url}


def _button(button: Button, kind: str, number: int, *, value: str, question: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "button",
        "text": plain(button.label, limits.BUTTON_TEXT),
        "action_id": f"crow.{kind}.{number}",
    }
    if value:
        made["value"] = value
    if button.style != "normal":
        made["style"] = button.style
    if question:
        made["confirm"] = _confirm(button, question)
    return made


def _confirm(button: Button, question: str) -> dict[str, Any]:
    return {
        "title": plain(f"{button.label}?", limits.CONFIRM_TITLE),
        "text": plain(question, limits.CONFIRM_TEXT),
        "confirm": plain(button.label, limits.CONFIRM_BUTTON),
        "deny": plain("Back", limits.CONFIRM_BUTTON),
        "style": "danger" if button.style == "danger" else "primary",
    }


def read(action: Mapping[str, Any]) -> Press | None:
    """One entry of `actions` in what Slack sends; None when it is none of ours."""
    known = _ACTION_ID.fullmatch(str(action.get("action_id", "")))
    if known is None:
        return None
    value = action.get("value") or ""
    chosen = action.get("selected_option")
    if known["kind"] == _MENU:
        picked = chosen.get("value") if isinstance(chosen, Mapping) else ""
        return MenuPress(chosen=picked if isinstance(picked, str) else "")
    if known["kind"] == _LINK:
        return LinkPress()
    if not isinstance(value, str) or not 0 < size(value) <= limits.BUTTON_VALUE:
        return None
    if known["kind"] == _COMMAND:
        return CommandPress(command=value)
    if known["kind"] == _DETAILS:
        return DetailsPress(id=value) if _NAME.fullmatch(value) else None
    name, separator, rest = value.partition(" ")
    if (
        not separator
        or not _NAME.fullmatch(name)
        or not _VALUE.fullmatch(rest)
        or size(rest) > _LONGEST_VALUE
    ):
        return None
    return PromptPress(prompt_id=name, value=rest)
