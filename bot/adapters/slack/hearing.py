"""From a kept delivery to a Message: who said it, where, and in the words that they saw."""

from collections.abc import Mapping
from typing import Any

from bot.adapters.slack.deliveries import EDIT, Myself
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.typed import as_seen, channels_in, users_in, without_mention
from bot.chat import Author, Message, Standing

# Of so many people and channels in one message the names are asked for; more stay ids.
MOST_NAMED = 20
_UNNAMED = "slash-"


class Hearing:
    """For the loop. Raises SlackClientError, OSError, TimeoutError where Slack cannot be asked."""

    def __init__(self, directory: Directory, *, chat: str, called: str, prefix: str) -> None:
        """`called`: what a mention of us becomes, so that the words after it are read as a command."""
        self._directory = directory
        self._chat = chat
        self._called = called
        self._prefix = prefix

    async def message(self, event: Mapping[str, Any], me: Myself, *, kind: str) -> Message:
        """Of a message event, or of what became of it when it was edited."""
        channel, ts, text = str(event["channel"]), str(event["ts"]), str(event["text"])
        rest = without_mention(text, me.user)
        seen = await self._as_seen(text if rest is None else rest)
        is_direct = event.get("channel_type") == "im"
        thread = event.get("thread_ts")
        return Message(
            adapter=self._chat,
            id=ts,
            channel=channel,
            thread=str(thread) if thread and thread != ts else None,
            author=await self._author(event, me),
            text=seen if rest is None or is_direct else self._to_us(seen),
            is_direct=is_direct,
            is_edited=kind == EDIT,
            delivery_key=f"{channel}:{ts}" + (f":{event['edited_ts']}" if kind == EDIT else ""),
        )

    async def command(self, payload: Mapping[str, Any]) -> Message:
        """Of a slash command, which stands in no thread.

        Where the bot can say nothing it is taken as a direct message, and answered in one.
        """
        user, trigger = str(payload["user_id"]), str(payload["trigger_id"])
        found = await self._directory.channel(str(payload["channel_id"]))
        if found is None or not found.is_member:
            channel, is_direct = await self._directory.direct_channel(user), True
        else:
            channel, is_direct = found.id, found.is_direct
        seen = await self._as_seen(str(payload.get("text") or ""))
        return Message(
            adapter=self._chat,
            id=f"{_UNNAMED}{trigger}",
            channel=channel,
            author=await self._directory.person(user),
            text=seen if is_direct else self._to_us(seen),
            is_direct=is_direct,
        )

    def _to_us(self, words: str) -> str:
        """Also where somebody mentions us and writes the prefix."""
        has_prefix = self._prefix and words.lstrip().startswith(self._prefix)
        return words if has_prefix else f"{self._called}{words}"

    async def _as_seen(self, text: str) -> str:
        users, channels = users_in(text)[:MOST_NAMED], channels_in(text)[:MOST_NAMED]
        names = await self._directory.names(users=users, channels=channels)
        return as_seen(text, names=names)

    async def _author(self, event: Mapping[str, Any], me: Myself) -> Author:
        """What an app says is an app's, also where it says it in a person's name."""
        if event.get("bot_id"):
            bot = str(event["bot_id"])
            return Author(id=bot, name=bot, standing=Standing.BOT, team=me.team, is_vouched=True)
        return await self._directory.person(str(event["user"]))
