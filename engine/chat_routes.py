"""Which routes, of notifications and of announcements, are chats of our own.

StackStorm sends both to bots outside; a route here may be one of ours, and is then said there directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.settings.chats import ChatSettings

# A notification on this route is said in the first chat that runs.
CHAT = "chat"
# What chatops.post_message announces on, and what it does for the rule of Errbot.
_BOTS = ("chatops", "errbot")
# Written in chat.routes: this route is none of ours, whatever it is called.
NOWHERE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTarget:
    """Where a route is said."""

    adapter: str = ""
    """Empty: the first chat that runs."""
    channel: str = ""
    """Empty: what the message itself names, else the one for what names none."""


_FIRST = ChatTarget()


class ChatRoutes:
    def __init__(self, settings: ChatSettings) -> None:
        written = {route: _target(text) for route, text in settings.routes.items()}
        self._foreign = frozenset(route for route, target in written.items() if target is None)
        chats = {CHAT: _FIRST, **({"web": ChatTarget(adapter="web")} if settings.web else {})}
        self._notified: Mapping[str, ChatTarget | None] = MappingProxyType({**chats, **written})
        bots = dict.fromkeys(_BOTS, _FIRST)
        self._announced: Mapping[str, ChatTarget | None] = MappingProxyType({**chats, **bots, **written})

    def notified(self, route: str) -> ChatTarget | None:
        """Where a notification on this route is said; None: not by us."""
        return self._notified.get(route)

    def is_foreign(self, route: str) -> bool:
        """Whether the settings say that it is none of ours."""
        return route in self._foreign

    def announced(self, route: str) -> ChatTarget | None:
        """Where an announcement on this route is said. Also those for Hubot and Errbot, so that packs
        written for these bots reach people without them."""
        return self._announced.get(route)


def _target(text: str) -> ChatTarget | None:
    """`web#alerts`, `#alerts`, `web`, or `none`."""
    adapter, _, channel = text.partition("#")
    if adapter.strip() == NOWHERE:
        return None
    return ChatTarget(adapter=adapter.strip(), channel=channel.strip())
