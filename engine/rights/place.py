"""Where somebody asks: the chat and channel of a command, or the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

API = "api"
OPTIONS_KEY = "options_for"
"""In the context of what only lists choices for somebody in a chat, and is not told there."""
ChannelNamed = Callable[[str], str]
"""A channel as people write it -> as its chat spells it; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Both empty: by the REST API or the command line."""

    platform: str = ""
    """The chat's name: web, slack, irc ..."""
    channel: str = ""
    """As the chat spells it."""

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> "Where":
        """From the context of an execution: what a chat of ours has written there, and no caller can."""
        chat = context.get("chat") or context.get(OPTIONS_KEY)
        if not isinstance(chat, Mapping) or not chat.get("adapter"):
            return cls()
        return cls(platform=str(chat["adapter"]), channel=str(chat.get("channel") or ""))

    def __str__(self) -> str:
        return f"{self.platform}:{self.channel}" if self.platform else "the API"


def fits(pattern: str, where: Where, named: ChannelNamed | None) -> bool:
    """Whether a limit's channel (#ops, slack:C0123, web:@*, api) is this place.

    `named`: how that chat spells the channels that people name.
    """
    if not where.platform:
        return pattern == API
    platform, colon, rest = pattern.rpartition(":")
    if colon and platform != where.platform:
        return False
    wanted = rest.removeprefix("#")
    if fnmatchcase(where.channel.removeprefix("#"), wanted):
        return True
    return named is not None and bool(wanted) and named(wanted) == where.channel
