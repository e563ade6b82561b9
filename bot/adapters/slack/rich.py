"""Rich text blocks: Slack shows the texts in them as they are, and parses nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.adapters.slack.mrkdwn import is_user, visible

_CHANNEL = re.compile(r"[CG][A-Z0-9]{6,30}")


def block(elements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(elements)}


def section(elements: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def words(text: str) -> dict[str, Any]:
    """A block of plain words; an empty text is a space, because Slack takes no empty one."""
    return block([section([run(text)])])


def run(text: str, *, bold: bool = False, code: bool = False) -> dict[str, Any]:
    """A stretch of text in one style."""
    made: dict[str, Any] = {"type": "text", "text": visible(text) or " "}
    style = {name: True for name, is_on in (("bold", bold), ("code", code)) if is_on}
    return {**made, "style": style} if style else made


def runs(text: str, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Plain text in which the people and channels of `Reply.named` are mentions."""
    known = {name: made for name, one in named.items() if (made := _mention(one)) is not None}
    if not any(name in text for name in known):
        return [run(text)]
    # The longest first: `ann (slack)` stands in `joann (slack)`.
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    parts = re.split(rf"(?<![\w@])({names})(?!\w)", text)
    return [known[part] if number % 2 else run(part) for number, part in enumerate(parts) if part]


def _mention(one: str) -> dict[str, Any] | None:
    """Of `slack.T1.U7` or `slack:C1`; None: it can be neither."""
    user, channel = one.rpartition(".")[2], one.rpartition(":")[2]
    if is_user(user):
        return {"type": "user", "user_id": user}
    return {"type": "channel", "channel_id": channel} if _CHANNEL.fullmatch(channel) else None


def fixed(text: str) -> dict[str, Any]:
    """Text of fixed width."""
    return {"type": "rich_text_preformatted", "elements": [run(text)]}


def person(user_id: str) -> list[dict[str, Any]]:
    """Calls one person; nothing when that can be no id of a person."""
    return [{"type": "user", "user_id": user_id}, run(" ")] if is_user(user_id) else []
