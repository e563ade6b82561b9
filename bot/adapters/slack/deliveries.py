"""From what Slack sends to what is kept of it: what is meant for us, under Slack's own id for it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack.typed import without_mention
from engine.records.deliveries import Delivery

# Subtypes of messages that hold words which somebody typed, or which a bot says; joins, topics ... are none.
_SUBTYPES = frozenset({"", "file_share", "thread_broadcast", "bot_message"})
MESSAGE, EDIT, SLASH = "message", "edit", "slash"
ACTION, VIEW, SHORTCUT, HOME = "action", "view", "shortcut", "home"
_ENDED = frozenset({"app_uninstalled", "tokens_revoked"})
_EVENT_KEYS = ("user", "bot_id", "text", "ts", "thread_ts", "channel", "channel_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Myself:
    """Who the bot is in its workspace; from auth.test."""

    team: str
    user: str
    bot: str
    name: str = ""
    url: str = ""


class Sorter:
    """Knows what is a command at first sight."""

    def __init__(self, me: Myself, *, prefix: str, names: Sequence[str]) -> None:
        self.me = me
        begins = [re.escape(prefix)] if prefix else []
        # In a channel `prefix` is written as `&gt;` where it is >.
        begins += [re.escape(_escaped(prefix))] if prefix else []
        begins += [rf"@?{re.escape(name)}\b" for name in names]
        self._begins = re.compile(rf"\s*(?:{'|'.join(begins)})" if begins else r"(?!)", re.IGNORECASE)

    def is_from_our_team(self, payload: Mapping[str, Any]) -> bool:
        """Whether it is for the workspace of our token: in a shared channel others have it too."""
        team = payload.get("team")
        named = {payload.get("team_id"), team.get("id") if isinstance(team, Mapping) else team}
        named |= {
            one.get("team_id") for one in payload.get("authorizations") or [] if isinstance(one, Mapping)
        }
        return self.me.team in named

    def delivery(self, kind: str, payload: Mapping[str, Any]) -> Delivery | None:
        """`kind`: of the envelope. None: it is not for us, or there is nothing to do."""
        if kind == "events_api":
            return self._event(payload)
        if kind == "slash_commands":
            return _slash(payload)
        return _interaction(payload) if kind == "interactive" else None

    def _event(self, payload: Mapping[str, Any]) -> Delivery | None:
        event = payload.get("event") or {}
        kind = event.get("type")
        if kind in ("message", "app_mention"):
            return self._edit(event) if event.get("subtype") == "message_changed" else self._message(event)
        if kind == "app_home_opened":
            if event.get("tab") != "home":
                return None
            return Delivery(
                key=f"home:{payload.get('event_id')}",
                lane=f"user:{event.get('user')}",
                kind=HOME,
                body=dict(payload),
            )
        return None

    def _message(self, event: Mapping[str, Any]) -> Delivery | None:
        if not self._is_wanted(event):
            return None
        channel, ts = event.get("channel", ""), event.get("ts", "")
        # A mention comes twice, as a message and as a mention: it is one message.
        return Delivery(key=f"message:{channel}:{ts}", lane=str(channel), kind=MESSAGE, body=_kept(event))

    def _edit(self, event: Mapping[str, Any]) -> Delivery | None:
        """Of a message whose words its author has changed; a link preview that comes later is none."""
        now, before = event.get("message") or {}, event.get("previous_message") or {}
        edited = now.get("edited") or {}
        if not edited or edited.get("user") != now.get("user") or now.get("text") == before.get("text"):
            return None
        changed = {**now, "channel": event.get("channel"), "channel_type": event.get("channel_type")}
        if not self._is_wanted(changed):
            return None
        key = f"edit:{changed['channel']}:{now.get('ts')}:{edited.get('ts')}"
        body = {**_kept(changed), "edited_ts": str(edited.get("ts"))}
        return Delivery(key=key, lane=str(changed["channel"]), kind=EDIT, body=body)

    def _is_wanted(self, event: Mapping[str, Any]) -> bool:
        """Words of somebody else that are for us. What is quoted, forwarded or attached does not count."""
        text = event.get("text")
        if not isinstance(text, str) or not text.strip() or event.get("subtype", "") not in _SUBTYPES:
            return False
        if event.get("user") == self.me.user or (self.me.bot and event.get("bot_id") == self.me.bot):
            return False
        if not event.get("user") and not event.get("bot_id"):
            return False
        if event.get("channel_type") == "im":
            return True
        return self._begins.match(text) is not None or without_mention(text, self.me.user) is not None


def _kept(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in _EVENT_KEYS if event.get(name) is not None}


def _slash(payload: Mapping[str, Any]) -> Delivery:
    return Delivery(
        key=f"slash:{payload.get('trigger_id')}",
        lane=str(payload.get("channel_id", "")),
        kind=SLASH,
        body=dict(payload),
    )


def _interaction(payload: Mapping[str, Any]) -> Delivery | None:
    user = str((payload.get("user") or {}).get("id", ""))
    kind = payload.get("type")
    if kind == "block_actions":
        actions = payload.get("actions") or [{}]
        key = f"action:{user}:{actions[0].get('action_ts')}:{actions[0].get('action_id')}"
        return Delivery(key=key, lane=f"user:{user}", kind=ACTION, body=dict(payload))
    if kind == "view_submission":
        view = payload.get("view") or {}
        key = f"view:{user}:{view.get('id')}:{view.get('hash')}"
        return Delivery(key=key, lane=f"user:{user}", kind=VIEW, body=dict(payload))
    if kind in ("shortcut", "message_action"):
        key = f"shortcut:{user}:{payload.get('trigger_id')}"
        return Delivery(key=key, lane=f"user:{user}", kind=SHORTCUT, body=dict(payload))
    return None


def ends_us(payload: Mapping[str, Any]) -> str:
    """The event that takes our token away; empty: it is none."""
    kind = str((payload.get("event") or {}).get("type", ""))
    return kind if kind in _ENDED else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
