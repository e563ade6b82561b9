"""Rich text blocks: Slack shows the texts in them as they are, and parses nothing."""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.adapters.slack.mrkdwn import is_user, visible


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


def fixed(text: str) -> dict[str, Any]:
    """Text of fixed width."""
    return {"type": "rich_text_preformatted", "elements": [run(text)]}


def person(user_id: str) -> list[dict[str, Any]]:
    """Calls one person; nothing when that can be no id of a person."""
    return [{"type": "user", "user_id": user_id}, run(" ")] if is_user(user_id) else []
