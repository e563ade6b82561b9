"""One call of the Web API: who calls, with what; and what a method is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import Channel, Json, Message, Team, User, World

_YES = ("1", "true", "True", "TRUE", True, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    site: Site
    team: Team
    arguments: Json
    token: str

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def bot(self) -> User:
        return self.world.bot_of(self.team.id)

    def text(self, name: str) -> str:
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise SlackError("invalid_arguments", messages=(f"missing required field: {name}",))
        return value

    def is_set(self, name: str, default: bool = False) -> bool:
        return self.arguments.get(name, default) in _YES

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.arguments.get(name) or default)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", messages=(f"must be an integer: {name}",)) from None

    def json(self, name: str, *, error: str) -> Any:
        """A value that may come as JSON or as a string of it; None where it is missing."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def channel(self, name: str = "channel", *, must_be_in: bool = False) -> Channel:
        """The channel that the call names, as far as the bot may know of it."""
        found = self.world.channel_named(self.text(name))
        if found is None and self.text(name) in self.world.users:
            # A user's id stands for the direct message with them.
            found = self.world.direct(self.team.id, [self.text(name), self.bot.id])
        teams = (found.team, *found.shared_with) if found else ()
        if found is None or self.team.id not in teams:
            raise SlackError("channel_not_found")
        if found.kind != "channel" and self.bot.id not in found.members:
            raise SlackError("channel_not_found")
        if must_be_in and self.bot.id not in found.members:
            raise SlackError("not_in_channel")
        return found

    def message(self, channel: Channel, name: str = "ts") -> Message:
        found = channel.messages.get(self.text(name))
        if found is None:
            raise SlackError("message_not_found")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: what it does, and the scopes of which the token needs one."""

    run: Callable[[Call], Json]
    scopes: tuple[str, ...] = ()
