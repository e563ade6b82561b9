"""Long answers in pages: Slack's `limit` and `cursor`."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call

T = TypeVar("T")


def page(call: Call, found: Sequence[T], *, usual: int, most: int) -> tuple[list[T], str]:
    """The part of `found` that the call asks for, and the cursor of what follows (empty: nothing)."""
    limit = call.number("limit", usual)
    if not 1 <= limit <= most:
        raise SlackError("invalid_limit")
    start = _start(call.text("cursor"))
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(found) else ""
    return list(found[start:end]), cursor


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word != "next":
            raise ValueError(word)
        return int(number)
    except (ValueError, binascii.Error):
        raise SlackError("invalid_cursor") from None
