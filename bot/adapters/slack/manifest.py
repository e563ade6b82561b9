"""Our app as Slack's page "From a manifest" takes it: the scopes and events that we use, and no others."""

from typing import Any

from engine.settings import Settings

SCOPES: dict[str, str] = {
    "app_mentions:read": "to hear who mentions it",
    "channels:history": "to hear commands in public channels, and to look whether a message arrived",
    "channels:read": "to know channels by their names",
    "chat:write": "to answer",
    "commands": "for the slash command and the shortcuts",
    "files:write": "to show long results as files",
    "groups:history": "as channels:history, in private channels that it was invited to",
    "groups:read": "as channels:read, for those",
    "im:history": "to hear direct messages",
    "im:read": "to tell direct messages apart",
    "im:write": "to write to one person alone",
    "mpim:history": "as im:history, for direct messages of several people",
    "mpim:read": "as im:read, for those",
    "usergroups:read": "to know who is in @sre",
    "users:read": "to tell members, guests and bots apart",
    "users:read.email": "to know people by their verified address",
}
"""Scope -> why."""

EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_created",
    "channel_rename",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "subteam_members_changed",
    "subteam_updated",
    "tokens_revoked",
    "user_change",
)

RUN_SHORTCUT, MESSAGE_SHORTCUT = "crow_run", "crow_message"


def manifest(settings: Settings) -> dict[str, Any]:
    """For the mode in the settings; over HTTP with the address of this server."""
    slack, name = settings.slack, settings.chat.names[0] if settings.chat.names else "stormcrow"
    url = {} if slack.mode == "socket" else {"request_url": f"{settings.public_url.rstrip('/')}/slack/events"}
    address = {} if slack.mode == "socket" else {"url": url["request_url"]}
    return {
        "display_information": {
            "name": name.capitalize(),
            "description": "Runs your automation, and asks before it matters.",
            "background_color": "#2b3440",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [
                {
                    "command": slack.command,
                    "description": "Run a command",
                    "usage_hint": "help, or a command",
                    # People and channels come with their ids, which nobody can fake.
                    "should_escape": True,
                    **address,
                }
            ],
            "shortcuts": [
                {
                    "name": "Run a command",
                    "type": "global",
                    "callback_id": RUN_SHORTCUT,
                    "description": "Choose a command and fill in its form",
                },
                {
                    "name": "Run a command here",
                    "type": "message",
                    "callback_id": MESSAGE_SHORTCUT,
                    "description": "Choose a command; it answers under this message",
                },
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**url, "bot_events": list(EVENTS)},
            "interactivity": {
                "is_enabled": True,
                **url,
                **({"message_menu_options_url": url["request_url"]} if url else {}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": slack.mode == "socket",
            "token_rotation_enabled": False,
        },
    }
