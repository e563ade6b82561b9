"""The chats that the bot is in."""

from dataclasses import dataclass
from typing import Literal

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """How the bot reads and answers."""

    prefix: str = key("!", "What a command starts with in a channel; a direct message needs none.")
    names: list[str] = key(["stormcrow"], "Names that mention the bot: `@stormcrow help`.")
    text_limit_bytes: int = key(8_192, "Longest command, in bytes.", at_least=16)
    answer_limit: int = key(
        3_500, "Longest answer posted whole, in characters; `output ID` shows the rest.", at_least=100
    )
    web: bool = key(True, "Serve the chat page at /chat.")
    channels: list[str] = key(["ops"], "Channels that the web chat opens with.")
    login: Literal["auto", "always"] = key(
        "auto", "auto: the page asks for a key unless we listen on loopback only; always: it always asks."
    )
    timezone: str = key(
        "",
        "Time zone of the times in `schedule` that name none, for example Europe/Zurich; "
        "empty: that of the machine.",
    )
    first: str = key(
        "",
        "Chat that hears what names none (alerts, notices, questions), for example slack; `irc#ops` as a "
        "channel names another. Empty: Slack, else the first network of errbot, else the web chat.",
    )
    defaults_by: list[str] = key(
        [],
        "Users, groups and roles who may set the defaults of a channel; "
        "empty: everybody for whom the chat vouches.",
    )
    routes: dict[str, str] = key(
        {},
        "Routes of notifications and announcements that are said in a chat of ours, for example "
        "{oncall: 'web#alerts', builds: '#ci', chatops: none}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How the bot is in Slack; `stormcrow slack manifest` prints the app, `stormcrow doctor slack` checks."""

    bot_token: str = key("", "Bot token of the app, xoxb-...; empty: the bot is not in Slack.", secret=True)
    app_token: str = key(
        "", "App-level token with connections:write, xapp-...; for the mode socket.", secret=True
    )
    signing_secret: str = key("", "Signing secret of the app; for the mode http.", secret=True)
    mode: Literal["socket", "http"] = key(
        "socket",
        "socket: we connect to Slack, and nothing of ours is open to the internet; "
        "http: Slack posts to server.public_url/slack/events.",
    )
    sockets: int = key(
        2, "How many sockets are open at once, so that none is missed.", at_least=1, at_most=10
    )
    command: str = key("/crow", "Our slash command, as the app's manifest names it.")
    workspaces: dict[str, str] = key(
        {},
        "More workspaces, each with a file of YAML that holds its bot_token, app_token and signing_secret: "
        "{acme: secrets/acme.yaml} is the chat slack-acme.",
    )
    base_url: str = key("", "Where the Web API is, for `stormcrow dev slack`; empty: https://slack.com/api/.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrbotSettings:
    """How the bot is on IRC, on XMPP, and in every other chat that Errbot has a backend for."""

    networks: dict[str, str] = key(
        {},
        "Networks by name, each with a file of YAML that says its backend, server, account and channels: "
        "{libera: secrets/libera.yaml} is the chat libera.",
    )
    python: str = key(
        "",
        "Interpreter of an environment that has errbot>=6.2.1, for example chat/bin/python; empty: our own.",
    )
