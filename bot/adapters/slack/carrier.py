"""Carries our messages into Slack: each once, edited in its place, in a plainer form where Slack wants that.

Every message that stays has our id in its metadata, so that one whose outcome is unknown can be looked for
before it is sent again. What is for one person alone is ephemeral where they are in the channel; Slack keeps
no such message, so after a crash it may be seen twice.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import troubles
from bot.adapters.slack.blocks import render
from bot.adapters.slack.deliveries import Myself
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.health import Health
from bot.adapters.slack.page import Features
from bot.adapters.slack.rendered import File, Rendered
from bot.outbox import Carrier, Later, Letter, OutcomeUnknown, Refused

log = logging.getLogger(__name__)

EVENT_TYPE = "stormcrow_message"
# Slack's 1 message a second and channel, with the short bursts that it lets pass.
PAUSE_S, BURST = 1.0, 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
# How far back an unknown message is looked for.
PAGES, PAGE_SIZE = 5, 200
MOST_PARTS = 5
FILE_ATTEMPTS = 5
REMEMBERED = 1_000
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

_Call = Callable[..., Awaitable[Any]]


class SlackCarrier(Carrier):
    pause_s = PAUSE_S
    burst = BURST

    def __init__(self, web: AsyncWebClient, directory: Directory, health: Health) -> None:
        self._web = web
        self._directory = directory
        self._health = health
        self.me: Myself | None = None
        """Known before anything is sent."""
        self._features = Features()
        self._failures = 0
        self._uploaded: OrderedDict[tuple[str, str, int], None] = OrderedDict()

    # the port

    async def post(self, letter: Letter) -> str:
        if letter.only_for:
            return await self._whisper(letter)
        channel = await self._channel(letter.place.channel)
        arguments = {"channel": channel, "thread_ts": _timestamp(letter.place.thread), **_marked(letter)}
        answer, rendered = await self._said(self._web.chat_postMessage, letter, arguments)
        ts = str(answer["ts"])
        await self._add_files(letter, rendered.files, channel=channel, root=arguments["thread_ts"] or ts)
        return ts

    async def edit(self, letter: Letter, message_id: str) -> str:
        channel, _, ts = message_id.rpartition(":")
        if letter.only_for and not channel:
            # An ephemeral message cannot be edited.
            return await self._whisper(letter)
        channel = channel or await self._channel(letter.place.channel)
        arguments = {"channel": channel, "ts": ts, **_marked(letter)}
        try:
            _answer, rendered = await self._said(self._web.chat_update, letter, arguments)
        except _GoneError as gone:
            if not letter.version:
                raise Refused("that message was deleted") from gone
            return await self.post(letter)
        root = _timestamp(letter.place.thread) or ts
        if rendered.files and letter.version:
            await self._note_uploaded(letter, channel=channel, root=root)
            await self._add_files(letter, rendered.files, channel=channel, root=root)
        return message_id

    async def find(self, letter: Letter) -> str | None:
        prefix, channel, thread = "", letter.place.channel, _timestamp(letter.place.thread)
        if letter.only_for:
            channel, thread = await self._direct_channel(letter.only_for), None
            prefix = f"{channel}:"
        else:
            channel = await self._channel(channel)
        async for message in self._messages(channel, thread):
            if self._is_ours(message) and _mark(message) == letter.id:
                return f"{prefix}{message['ts']}"
        return None

    # for one person alone

    async def _whisper(self, letter: Letter) -> str:
        """Ephemeral, or a direct message where that cannot be: then the id has its channel before it."""
        channel = letter.place.channel
        is_short = not render(letter.reply, self._features).files
        if is_short and not channel.startswith(("D", "U", "W")):
            # In a thread that nobody has answered in, Slack shows no ephemeral message.
            thread = letter.place.thread if letter.place.thread != letter.place.reply_to else None
            arguments = {
                "channel": await self._channel(channel),
                "user": letter.only_for,
                "thread_ts": _timestamp(thread),
            }
            try:
                answer, _rendered = await self._said(self._web.chat_postEphemeral, letter, arguments)
                return str(answer["message_ts"])
            except Refused as refusal:
                log.debug("said in a direct message: %s", refusal)
        direct = await self._direct_channel(letter.only_for)
        arguments = {"channel": direct, **_marked(letter)}
        answer, rendered = await self._said(self._web.chat_postMessage, letter, arguments)
        await self._add_files(letter, rendered.files, channel=direct, root=str(answer["ts"]))
        return f"{direct}:{answer['ts']}"

    async def _direct_channel(self, user_id: str) -> str:
        try:
            return await self._directory.direct_channel(user_id)
        except SlackApiError as error:
            raise self._judged(error, is_repeatable=True) from error
        except (SlackClientError, *troubles.AWAY) as error:
            raise self._later(error) from error

    async def _channel(self, named: str) -> str:
        """The id of a channel that was named when Slack could not be asked. Raises Refused, Later."""
        if named.startswith(("U", "W")):
            return await self._direct_channel(named)
        if not named.startswith("#"):
            return named
        try:
            found = await self._directory.channel_id(named)
        except (SlackClientError, *troubles.AWAY) as error:
            raise self._later(error) from error
        if not found:
            raise Refused(
                f"there is no channel {named} that the bot sees; make it, or invite the bot: /invite"
            )
        return found

    # saying

    async def _said(
        self, method: _Call, letter: Letter, arguments: Mapping[str, Any]
    ) -> tuple[Any, Rendered]:
        """In the richest form that Slack takes."""
        is_edit = "ts" in arguments
        for rendered in self._forms(letter):
            given = {
                name: value
                for name, value in {**arguments, **rendered.arguments()}.items()
                if value is not None
            }
            try:
                return await self._called(method, is_repeatable=is_edit, **given), rendered
            except _TooLargeError as refusal:
                log.warning("Slack takes a message in a plainer form only: %s", refusal)
        raise Refused("Slack takes this message in no form")

    def _forms(self, letter: Letter) -> list[Rendered]:
        richest = render(letter.reply, self._features)
        plain = replace(self._features, plan=False, table=False)
        return [
            richest,
            *([] if plain == self._features else [render(letter.reply, plain)]),
            richest.fallback(),
        ]

    async def _called(self, method: _Call, *, is_repeatable: bool, **arguments: Any) -> Any:
        """Raises Later, OutcomeUnknown, Refused, _TooLargeError, _GoneError."""
        try:
            answer = await method(**arguments)
        except SlackApiError as error:
            raise self._judged(error, is_repeatable=is_repeatable) from error
        except (SlackClientError, *troubles.AWAY) as error:
            is_unsent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            if is_repeatable or is_unsent:
                raise self._later(error) from error
            raise OutcomeUnknown(troubles.in_words(error)) from error
        self._failures = 0
        self._health.mended("messages")
        return answer

    def _judged(self, error: SlackApiError, *, is_repeatable: bool) -> Exception:
        code, words = troubles.code_of(error), troubles.in_words(error)
        wait_s = troubles.retry_after_s(error)
        if wait_s is not None:
            return Later(wait_s, words)
        if code in troubles.TOO_LARGE:
            return _TooLargeError(code)
        if code in _GONE:
            return _GoneError(code)
        if code in troubles.WRONG_TOKEN:
            return Later(self._health.failed("messages", error), words)
        if troubles.status_of(error) >= 500 or code in troubles.BROKEN or not code:
            return self._later(error) if is_repeatable else OutcomeUnknown(words)
        return Refused(words)

    def _later(self, error: Exception) -> Later:
        self._failures += 1
        self._health.failed("messages", error)
        wait_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10))
        return Later(wait_s, troubles.in_words(error))

    # looking

    async def _messages(self, channel: str, thread: str | None) -> Any:
        """The newest messages at that place; none where the bot may not read."""
        cursor = ""
        for _page in range(PAGES):
            given = {"channel": channel, "limit": PAGE_SIZE, "include_all_metadata": True, "cursor": cursor}
            try:
                if thread is None:
                    page = await self._called(self._web.conversations_history, is_repeatable=True, **given)
                else:
                    page = await self._called(
                        self._web.conversations_replies, is_repeatable=True, ts=thread, **given
                    )
            except Refused as refusal:
                log.warning("a message cannot be looked for in %s: %s", channel, refusal)
                return
            for message in page.get("messages") or []:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _is_ours(self, message: Mapping[str, Any]) -> bool:
        me = self.me
        return me is not None and (
            message.get("user") == me.user or (bool(me.bot) and message.get("bot_id") == me.bot)
        )

    # files

    async def _note_uploaded(self, letter: Letter, *, channel: str, root: str) -> None:
        """The files that stand in that thread already."""
        async for message in self._messages(channel, root):
            if self._is_ours(message):
                for one in message.get("files") or []:
                    self._remember(letter, str(one.get("name", "")), int(one.get("size") or 0))
                self._remember(letter, _mark(message), 0)

    async def _add_files(self, letter: Letter, files: tuple[File, ...], *, channel: str, root: str) -> None:
        """Beside a message that stands already. Raises OutcomeUnknown: that message is found, and edited."""
        try:
            for one in files:
                size = len(one.text.encode())
                if one.text and (letter.id, one.name, size) not in self._uploaded:
                    await self._add_file(letter, one, channel=channel, root=root)
                    self._remember(letter, one.name, size)
        except Later as later:
            await asyncio.sleep(later.after_s)
            raise OutcomeUnknown(str(later)) from later

    async def _add_file(self, letter: Letter, file: File, *, channel: str, root: str) -> None:
        for _attempt in range(FILE_ATTEMPTS):
            try:
                await self._called(
                    self._web.files_upload_v2,
                    is_repeatable=False,
                    channel=channel,
                    thread_ts=root,
                    filename=file.name,
                    title=file.title or file.name,
                    content=file.text,
                )
            except Later as later:
                await asyncio.sleep(later.after_s)
            except (Refused, _TooLargeError) as refusal:
                log.warning("a file is said in messages, because Slack does not take it: %s", refusal)
                return await self._say_parts(letter, file, channel=channel, root=root)
            else:
                return None
        raise OutcomeUnknown(f"the file {file.name} waits")

    async def _say_parts(self, letter: Letter, file: File, *, channel: str, root: str) -> None:
        parts = Rendered(text="", plain="", files=(file,)).continued()
        if len(parts) > MOST_PARTS:
            parts = (
                *parts[: MOST_PARTS - 1],
                f"_{len(parts) - MOST_PARTS + 1} more parts are left out here_",
            )
        for number, part in enumerate(parts):
            mark = f"{letter.id}.{file.name}.{number}"
            if (letter.id, mark, 0) in self._uploaded:
                continue
            await self._called(
                self._web.chat_postMessage,
                is_repeatable=False,
                channel=channel,
                thread_ts=root,
                text=part,
                parse="none",
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"id": mark}},
            )
            self._remember(letter, mark, 0)

    def _remember(self, letter: Letter, name: str, size: int) -> None:
        self._uploaded[letter.id, name, size] = None
        while len(self._uploaded) > REMEMBERED:
            self._uploaded.popitem(last=False)


class _TooLargeError(Exception):
    """Slack refuses the message in this form."""


class _GoneError(Exception):
    """The message to edit is not there any more."""


def _marked(letter: Letter) -> dict[str, Any]:
    payload = {"id": letter.id, "version": letter.version}
    return {
        "metadata": {"event_type": EVENT_TYPE, "event_payload": payload},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _mark(message: Mapping[str, Any]) -> str:
    """The id that we gave it; empty: none."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("id", "")) if metadata.get("event_type") == EVENT_TYPE else ""


def _timestamp(thread: str | None) -> str | None:
    """A thread that Slack knows; what a slash command or a shortcut begins has none."""
    whole, _, part = (thread or "").partition(".")
    return thread if whole.isdigit() and part.isdigit() else None
