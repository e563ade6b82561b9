"""Messages, forms and the Home tab as lines of a terminal, with a number at all that can be pressed."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.formatting import clean, columns
from bot.slack_emulator.seen import Control, Seen, SeenView, controls, lines, rich
from bot.slack_emulator.world import Json

_TOKEN = re.compile(r"<([^<>\n]+)>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_MENUS = {
    "static_select": "choose one",
    "multi_static_select": "choose some",
    "external_select": "search",
    "multi_external_select": "search",
    "overflow": "more",
    "radio_buttons": "choose one",
    "checkboxes": "choose some",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a number stands for."""

    where: Seen | SeenView
    control: Control


class Numbers:
    """One number for each thing to press, the same as long as it is there."""

    def __init__(self) -> None:
        self._targets: dict[int, Target] = {}
        self._known: dict[tuple[str, str, str], int] = {}

    def number(self, where: Seen | SeenView, control: Control) -> int:
        place = where.ts if isinstance(where, Seen) else where.id
        # Not the block's id: Slack makes new ones with each edit where the app gives none.
        key = (place, control.action_id, control.value or control.label)
        number = self._known.setdefault(key, len(self._known) + 1)
        self._targets[number] = Target(where=where, control=control)
        return number

    def target(self, number: int) -> Target | None:
        return self._targets.get(number)


class Drawing:
    def __init__(self, numbers: Numbers, *, has_colour: bool) -> None:
        self.numbers = numbers
        self._has_colour = has_colour
        self.names: Mapping[str, str] = {}
        """Ids -> @ada, #ops."""

    # messages and views

    def message(self, message: Seen, *, thread_of: str = "") -> list[str]:
        """A headline, then what it says; `thread_of`: how the message begins that it answers."""
        at = time.strftime("%H:%M", time.localtime(float(message.ts)))
        author = message.username or self.names.get(message.user, "Slackbot").removeprefix("@")
        head = f"{self.names.get(message.channel, '?')} {at} {self._bold(author)}"
        if thread_of:
            head += self._dim(f"  in the thread of {thread_of!r}")
        if message.only_for:
            head += self._dim("  only you see this")
        if message.is_edited:
            head += self._dim("  edited")
        body = list(self._body(message))
        if message.reactions:
            body.append("  ".join(f":{name}: {len(users)}" for name, users in message.reactions.items()))
        return [head, *(f"    {line}" for line in body)]

    def _body(self, message: Seen) -> Iterator[str]:
        blocks = list(message.blocks)
        if blocks:
            yield from self.blocks(message, blocks)
        elif message.text:
            yield from self._text(message.text)
        for attachment in message.attachments:
            for name in ("pretext", "title", "text"):
                yield from self._text(str(attachment.get(name) or ""))
            for entry in attachment.get("fields") or ():
                yield from self._text(f"{entry.get('title', '')}: {entry.get('value', '')}")
            yield from self.blocks(message, attachment.get("blocks") or [])
        for file in message.files:
            yield self._dim(f"file {file}; look into it: :file {file}")

    def view(self, view: SeenView) -> list[str]:
        title = view.title or "Home"
        return [self._bold(f"[ {title} ]"), *(f"    {line}" for line in self.blocks(view, list(view.blocks)))]

    def blocks(self, where: Seen | SeenView, blocks: list[Json]) -> Iterator[str]:
        for block in blocks:
            if block["type"] == "table":
                rows = tuple(tuple(self.words(rich(cell)) for cell in row) for row in block["rows"])
                width = max(len(row) for row in rows)
                yield from columns(tuple(row + ("",) * (width - len(row)) for row in rows)).splitlines()
            elif block["type"] == "input" and isinstance(where, SeenView):
                yield from self._text(f"{next(lines([block]), '')}: ...")
            else:
                for line in lines([block]):
                    yield from self._text(line)
            pressed = [self._control(where, control) for control in controls([block])]
            if pressed and not (block["type"] == "input" and isinstance(where, SeenView)):
                yield "  ".join(pressed)

    def _control(self, where: Seen | SeenView, control: Control) -> str:
        number = self.numbers.number(where, control)
        label = self.words(control.label or control.placeholder or control.type)
        if control.type in _MENUS:
            label = f"{label} ({_MENUS[control.type]})"
        shown = f"({number}) {label}"
        return self._painted(shown, {"primary": "32", "danger": "31"}.get(control.style, "36"))

    # words

    def _text(self, text: str) -> Iterator[str]:
        for line in self.words(text).splitlines():
            yield _BOLD.sub(lambda match: self._bold(match[1]), line) if self._has_colour else line

    def words(self, text: str) -> str:
        """As a client shows it: names for ids, no escapes; nothing in it can act on the terminal."""
        shown = _TOKEN.sub(lambda match: self._token(match[1]), text)
        return clean(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))

    def _token(self, token: str) -> str:
        target, _, label = token.partition("|")
        if target.startswith(("@", "#")):
            return label or self.names.get(target[1:], target)
        if target.startswith("!subteam^"):
            return self.names.get(target.removeprefix("!subteam^"), label or target)
        if target.startswith("!"):
            return label or f"@{target[1:]}"
        return f"{label} ({target})" if label and label not in target else target

    def _bold(self, text: str) -> str:
        return self._painted(text, "1")

    def _dim(self, text: str) -> str:
        return self._painted(text, "2")

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._has_colour else text
