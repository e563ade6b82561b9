"""A form, filled in field by field in a terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.slack_emulator.inputs import fields, initial, options
from bot.slack_emulator.seen import SeenView
from bot.slack_emulator.world import Json

Ask = Callable[[str], str]
Say = Callable[[str], None]
Suggest = Callable[[str, str], list[tuple[str, str]]]
"""The options of an external menu: its action_id and the letters typed -> label and value of each."""

_SEVERAL = ("multi_static_select", "multi_external_select", "checkboxes")


class Instead(Exception):
    """The person typed a command of the terminal in place of a value."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


class Form:
    """Asks for each field; Enter keeps what stands there. A command in place of a value raises Instead."""

    def __init__(self, view: SeenView, *, ask: Ask, say: Say, suggest: Suggest) -> None:
        self._view = view
        self._ask = ask
        self._say = say
        self._suggest = suggest
        self.values: dict[str, Any] = {}

    def fill(self, only: Mapping[str, str] | None = None) -> None:
        """Ask for all fields, or for those in which something was wrong, with what was."""
        for block, element in fields(self._view.blocks):
            if block.get("type") != "input" or (only is not None and block["block_id"] not in only):
                continue
            if only:
                self._say(f"! {only[block['block_id']]}")
            value = self._value(block, element)
            if value is not None:
                self.values[block["block_id"]] = value

    def _value(self, block: Json, element: Json) -> Any:
        """None: it stays as it is."""
        label = (block.get("label") or {}).get("text", "")
        offered = [(each["text"]["text"], each.get("value", "")) for each in options(element)]
        hint = (block.get("hint") or {}).get("text", "") or (element.get("placeholder") or {}).get("text", "")
        if hint:
            self._say(f"  {hint}")
        if "external" in element["type"]:
            offered = self._suggest(element["action_id"], self._answer(f"{label}, search for: "))
        for number, (shown, _value) in enumerate(offered, start=1):
            self._say(f"  {number}) {shown}")
        prompt = f"{label}{self._facts(block, element)}: "
        while typed := self._answer(prompt):
            if not offered:
                return typed
            chosen = [_chosen(offered, each.strip()) for each in typed.split(",")]
            if all(chosen):
                return chosen if element["type"] in _SEVERAL else chosen[0]
            self._say("! one of the numbers, please")
        return None

    def _answer(self, prompt: str) -> str:
        typed = self._ask(prompt).strip()
        if typed.startswith(":"):
            raise Instead(typed)
        return typed

    def _facts(self, block: Json, element: Json) -> str:
        held = initial(element)
        facts = [] if not block.get("optional") else ["optional"]
        value = held.get("value") or _labels(held.get("selected_option") or held.get("selected_options"))
        if value:
            facts.append(f"Enter: {value}")
        if element["type"] in _SEVERAL:
            facts.append("several with commas")
        return f" ({', '.join(facts)})" if facts else ""


def _labels(chosen: Any) -> str:
    several = chosen if isinstance(chosen, list) else [chosen] if chosen else []
    return ", ".join(each["text"]["text"] for each in several)


def _chosen(offered: list[tuple[str, str]], typed: str) -> str:
    """The value of an option, by number, label or value; empty: there is none."""
    if typed.isdigit() and 1 <= int(typed) <= len(offered):
        return offered[int(typed) - 1][1]
    return next((value for label, value in offered if typed in (label, value)), "")
