"""The parts of this Slack that its methods and its people work with, and what it tells the app of."""

import time
from dataclasses import dataclass, field

from bot.slack_emulator import wire
from bot.slack_emulator.deliveries import Deliveries, Delivery
from bot.slack_emulator.faults import Faults
from bot.slack_emulator.rates import Rates
from bot.slack_emulator.switches import Limits, Timing
from bot.slack_emulator.world import Channel, Group, Hook, Json, Message, Trigger, User, View, World

SUBSCRIBED = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "member_joined_channel",
        "user_change",
        "subteam_updated",
    }
)
_MESSAGE_EVENTS = {
    "channel": "message.channels",
    "group": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}


@dataclass(slots=True, kw_only=True)
class Site:
    world: World
    timing: Timing
    limits: Limits
    faults: Faults
    rates: Rates
    deliveries: Deliveries
    subscribed: frozenset[str] = SUBSCRIBED
    """The events that the app wants."""
    url: str = ""
    """Where it listens, with a / at the end."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Every call of the Web API in its order: method, and `ok` or the error."""

    # what the app may do for a while

    def new_trigger(self, team: str, user: str, view: str = "") -> str:
        trigger_id = f"{self.world.new_id('9')}.{team}.{self.world.new_id('8')}"
        ends_at = time.monotonic() + self.timing.trigger_s
        self.world.triggers[trigger_id] = Trigger(user=user, team=team, ends_at=ends_at, view=view)
        return trigger_id

    def new_hook(self, team: str, channel: str, user: str, message_ts: str = "") -> str:
        """A response_url."""
        key = f"{self.world.teams[team].app}/{self.world.new_id('7')}/{self.world.verification_token}"
        self.world.hooks[key] = Hook(
            team=team,
            channel=channel,
            user=user,
            message_ts=message_ts,
            uses_left=self.timing.hook_uses,
            ends_at=time.monotonic() + self.timing.hook_s,
        )
        return f"{self.url}hooks/{key}"

    # what the app is told

    def emit(self, team: str, event: Json) -> Delivery:
        """One event, whoever asked for it."""
        world = self.world
        bot = world.bot_of(team)
        event_id = world.new_id("Ev")
        payload: Json = {
            "token": world.verification_token,
            "team_id": team,
            "context_team_id": team,
            "context_enterprise_id": None,
            "api_app_id": world.teams[team].app,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team,
                    "user_id": bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": self._is_shared(event),
            "event_context": f"4-{event_id}",
        }
        return self.deliveries.send("events_api", payload)

    def _is_shared(self, event: Json) -> bool:
        channel = self.world.channels.get(str(event.get("channel", "")))
        return bool(channel and channel.shared_with)

    def hearing_team(self, channel: Channel) -> str:
        """The team whose bot sits in the channel and hears what is said; empty: none."""
        for team in (channel.team, *channel.shared_with):
            found = self.world.teams.get(team)
            if found and found.bot_user in channel.members:
                return team
        return ""

    def message_event(self, channel: Channel, event: Json) -> Delivery | None:
        """Something happened to a message of a channel where the app may listen."""
        team = self.hearing_team(channel)
        if not team or _MESSAGE_EVENTS[channel.kind] not in self.subscribed:
            return None
        return self.emit(team, event | {"channel": channel.id, "channel_type": channel.kind})

    def said(self, channel: Channel, message: Message) -> Delivery | None:
        """A new message: the event of the channel, and of a mention if there is one."""
        shape = wire.message(self.world, message) | {"event_ts": message.ts}
        author = self.world.users.get(message.user)
        if author and author.team != channel.team:
            shape |= {"user_team": author.team, "source_team": author.team}
        told = self.message_event(channel, shape)
        team = self.hearing_team(channel)
        mentions_us = team and f"<@{self.world.bot_of(team).id}>" in message.text
        if mentions_us and channel.kind != "im" and "app_mention" in self.subscribed and not message.subtype:
            mention = self.emit(team, shape | {"type": "app_mention", "channel": channel.id})
            return told or mention
        return told

    def user_changed(self, user: User) -> None:
        """Every workspace that the app is in and that knows this person hears of it."""
        self.world.touch()
        for team in self.world.teams.values():
            if team.bot_user and team.id == user.team and "user_change" in self.subscribed:
                shape = wire.user(user, asked_by=team.id, with_email="users:read.email" in team.scopes)
                self.emit(team.id, {"type": "user_change", "user": shape, "event_ts": self.world.new_ts()})

    def group_changed(self, group: Group) -> None:
        self.world.touch()
        if "subteam_updated" in self.subscribed and self.world.teams[group.team].bot_user:
            event = {"type": "subteam_updated", "subteam": wire.group(group), "event_ts": self.world.new_ts()}
            self.emit(group.team, event)

    def interact(self, payload: Json, *, team: str) -> Json:
        """What every interaction carries."""
        found = self.world.teams[team]
        return {
            "token": self.world.verification_token,
            "api_app_id": found.app,
            "team": {"id": found.id, "domain": found.domain},
            "enterprise": None,
            "is_enterprise_install": False,
            **payload,
        }

    def view_state(self, view: View) -> Json:
        return wire.view(self.world, view)
