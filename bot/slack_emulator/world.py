"""Everything this Slack knows: people, channels, messages, views, files. Only its own loop touches it."""

import hashlib
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

# In one string: a list that people read.
SCOPES = (  # noqa: SIM905
    "app_mentions:read,channels:history,channels:join,channels:read,chat:write,chat:write.public,commands,"
    "files:read,files:write,groups:history,groups:read,im:history,im:read,im:write,mpim:history,mpim:read,"
    "mpim:write,reactions:read,reactions:write,team:read,usergroups:read,users.profile:read,users:read,"
    "users:read.email"
).split(",")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app as its settings page shows it; one may be in several workspaces."""

    id: str
    token: str
    """The app-level token, for sockets."""
    signing_secret: str


@dataclass(slots=True, kw_only=True)
class Team:
    """A workspace, with our app in it or (for strangers of shared channels) without."""

    id: str
    name: str
    app: str = ""
    bot_user: str = ""
    bot_token: str = ""
    scopes: frozenset[str] = frozenset()

    @property
    def domain(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(slots=True, kw_only=True)
class User:
    id: str
    team: str
    name: str
    real_name: str = ""
    email: str = ""
    is_email_confirmed: bool = True
    is_admin: bool = False
    is_restricted: bool = False
    """A guest of several channels."""
    is_ultra_restricted: bool = False
    """A guest of one channel."""
    is_deleted: bool = False
    bot_id: str = ""
    """Of a bot; empty: a person."""
    app_id: str = ""


@dataclass(slots=True, kw_only=True)
class Channel:
    id: str
    team: str
    name: str = ""
    kind: str = "channel"
    """channel, group (private), im, mpim: Slack's `channel_type`."""
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    shared_with: tuple[str, ...] = ()
    """Teams that take part beside the one it belongs to."""
    topic: str = ""
    created_at: float = 0.0
    messages: dict[str, "Message"] = field(default_factory=dict)
    """By ts, in the order of posting; deleted ones are gone from here."""


@dataclass(slots=True, kw_only=True)
class Message:
    ts: str
    channel: str
    user: str = ""
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    subtype: str = ""
    bot_id: str = ""
    app_id: str = ""
    username: str = ""
    metadata: Json = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: Json = field(default_factory=dict)
    earlier: list[tuple[str, list[Json]]] = field(default_factory=list)
    """What stood here before each edit: text and blocks."""
    only_for: str = ""
    """The one who sees it (an ephemeral message)."""
    is_broadcast: bool = False
    """A reply that is shown in the channel too."""
    is_streaming: bool = False
    link_names: bool = False
    """Names after @ and # call people and channels, as the poster asked."""


@dataclass(slots=True, kw_only=True)
class View:
    """A modal that somebody has open, or somebody's App Home."""

    id: str
    team: str
    user: str
    hash: str
    body: Json
    """As the app gave it, with ids for all blocks."""
    root: str = ""
    previous: str = ""
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    """What the app answered to a submission: block_id -> sentence."""


@dataclass(slots=True, kw_only=True)
class File:
    id: str
    user: str
    name: str
    size_bytes: int
    upload_key: str
    title: str = ""
    content: bytes | None = None
    is_complete: bool = False
    channels: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Group:
    """A user group; `handle` is what people type after the @."""

    id: str
    team: str
    handle: str
    users: list[str] = field(default_factory=list)
    is_disabled: bool = False


@dataclass(slots=True, kw_only=True)
class Trigger:
    """The right to open one view, for a moment."""

    user: str
    team: str
    ends_at: float
    is_used: bool = False
    view: str = ""
    """The view it was given in, if any."""


@dataclass(slots=True, kw_only=True)
class Hook:
    """A response_url."""

    team: str
    channel: str
    user: str
    message_ts: str
    """The message it belongs to; empty: a slash command."""
    uses_left: int
    ends_at: float


@dataclass(slots=True, kw_only=True)
class Scheduled:
    """A message that is to be posted later."""

    id: str
    channel: str
    post_at: int
    arguments: Json
    token: str


class World:
    """All of it; `touch` tells those who wait that something changed."""

    def __init__(self, touch: Callable[[], None], *, secret: str = "") -> None:
        """`secret`: part of all tokens, so that they are the same at the next start; empty: a new one."""
        self.touch = touch
        self.secret = secret or secrets.token_hex(12)
        self.apps: dict[str, App] = {}
        self.verification_token = secrets.token_urlsafe(18)
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Message] = []
        self.views: dict[str, View] = {}
        self.homes: dict[tuple[str, str], View] = {}
        """App Homes by team and user."""
        self.files: dict[str, File] = {}
        self.groups: dict[str, Group] = {}
        self.triggers: dict[str, Trigger] = {}
        self.hooks: dict[str, Hook] = {}
        self.scheduled: dict[str, Scheduled] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._last_ts_us = 0

    def new_id(self, prefix: str) -> str:
        """An id in Slack's manner: a letter for the kind, then what nobody can guess the meaning of."""
        self._counts[prefix] += 1
        return f"{prefix}0{self._counts[prefix]:08X}"

    def new_ts(self) -> str:
        """A moment that no other message has."""
        self._last_ts_us = max(self._last_ts_us + 1, time.time_ns() // 1000)
        return f"{self._last_ts_us // 1_000_000}.{self._last_ts_us % 1_000_000:06d}"

    def add_app(self) -> App:
        number = len(self.apps) + 1
        app_id = f"A00STORM{number}"
        made = App(
            id=app_id,
            token=f"xapp-1-{app_id}-{self.secret}",
            signing_secret=hashlib.sha256(f"{self.secret}{number}".encode()).hexdigest()[:32],
        )
        self.apps[app_id] = made
        return made

    def app_of_token(self, token: str) -> App | None:
        return next((app for app in self.apps.values() if app.token == token), None)

    def bot_of(self, team: str) -> User:
        return self.users[self.teams[team].bot_user]

    def team_of_token(self, token: str) -> Team | None:
        found = (team for team in self.teams.values() if team.bot_token and team.bot_token == token)
        return next(found, None)

    def channel_named(self, name: str) -> Channel | None:
        """By id, or by name with or without the #."""
        if name in self.channels:
            return self.channels[name]
        wanted = name.removeprefix("#")
        return next((each for each in self.channels.values() if each.name and each.name == wanted), None)

    def direct(self, team: str, users: list[str]) -> Channel:
        """The direct message channel of exactly these people; made when it is not there."""
        wanted = sorted(users)
        for channel in self.channels.values():
            if channel.kind in ("im", "mpim") and sorted(channel.members) == wanted:
                return channel
        kind = "im" if len(wanted) <= 2 else "mpim"
        channel = Channel(
            id=self.new_id("D" if kind == "im" else "G"),
            team=team,
            kind=kind,
            members=list(users),
            created_at=time.time(),
        )
        self.channels[channel.id] = channel
        return channel

    def replies(self, channel: Channel, thread_ts: str) -> Iterator[Message]:
        """A thread with its first message."""
        for message in channel.messages.values():
            if thread_ts in (message.ts, message.thread_ts):
                yield message
