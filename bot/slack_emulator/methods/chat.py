"""The methods `chat.*` without streams: posting, changing and deleting messages."""

import asyncio
import contextlib
import time
from typing import Any

from bot.slack_emulator import posting, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.world import Channel, Json, Message, Scheduled

_TEXT_MAX = 40_000
_UPDATE_TEXT_MAX = 4_000
_ATTACHMENTS_MAX = 100
_METADATA_MAX_BYTES = 10_240
_SCHEDULE_MAX_S = 120 * 24 * 3600


def content(call: Call) -> tuple[str, list[Json], list[Json]]:
    """Text, blocks and attachments of a call, checked as Slack does."""
    text = call.text("text") or call.text("markdown_text")
    blocks = call.json("blocks", error="invalid_blocks_format")
    attachments = call.json("attachments", error="invalid_attachments")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if attachments is not None and not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if len(attachments or ()) > _ATTACHMENTS_MAX:
        raise SlackError("too_many_attachments")
    posting.check(call.site, blocks or [])
    for index, attachment in enumerate(attachments or ()):
        posting.check(call.site, attachment.get("blocks") or [], at=f"/attachments/{index}/blocks")
    return text, posting.with_ids(call.site, blocks or []), attachments or []


def metadata(call: Call) -> Json:
    metadata = call.json("metadata", error="invalid_metadata_format")
    if not metadata:
        return {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_schema")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(str(metadata).encode()) > _METADATA_MAX_BYTES:
        raise SlackError("metadata_too_large")
    return metadata


def writable(call: Call) -> Channel:
    channel = call.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.bot.id not in channel.members and "chat:write.public" not in call.team.scopes:
        raise SlackError("not_in_channel")
    return channel


def thread_of(call: Call, channel: Channel) -> str:
    """The first message of the thread; a reply stands for the thread it is in."""
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return ""
    parent = channel.messages.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    return parent.thread_ts or parent.ts


def new_message(call: Call, channel: Channel, **more: Any) -> Message:
    """A message of the bot, not yet anywhere."""
    bot = call.bot
    return Message(
        ts=call.world.new_ts(),
        channel=channel.id,
        user=bot.id,
        bot_id=bot.bot_id,
        app_id=call.team.app,
        link_names=call.is_set("link_names") or call.text("parse") == "full",
        **more,
    )


def post_message(call: Call) -> Json:
    channel = writable(call)
    text, blocks, attachments = content(call)
    thread_ts = thread_of(call, channel)
    message = new_message(
        call,
        channel,
        text=text[:_TEXT_MAX],
        blocks=blocks,
        attachments=attachments,
        thread_ts=thread_ts,
        metadata=metadata(call),
        username=call.text("username"),
        is_broadcast=bool(thread_ts) and call.is_set("reply_broadcast"),
    )
    posting.post(call.site, channel, message)
    shape = wire.message(call.world, message, with_metadata=True)
    answer: Json = {"ok": True, "channel": channel.id, "ts": message.ts, "message": shape}
    if len(text) > _TEXT_MAX:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def update(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel)
    if message.user != call.bot.id:
        raise SlackError("cant_update_message")
    if message.is_streaming:
        raise SlackError("streaming_state_conflict")
    # Unlike a new message an edit is not cut: Slack refuses it.
    if len(call.text("text")) > _UPDATE_TEXT_MAX:
        raise SlackError("msg_too_long")
    text, blocks, attachments = content(call)
    if "metadata" in call.arguments:
        message.metadata = metadata(call)
    # Who changes only the text loses the blocks, and keeps the attachments (Slack's rule).
    if call.arguments.get("attachments") is None:
        attachments = message.attachments
    posting.change(call.site, channel, message, text=text, blocks=blocks, attachments=attachments)
    shape = wire.message(call.world, message, with_metadata=True)
    return {"ok": True, "channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


def delete(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel)
    if message.user != call.bot.id:
        raise SlackError("cant_delete_message")
    posting.delete(call.site, channel, message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> Json:
    # The scope chat:write.public does not help here (ifvictr/prox#30, slackapi/node-slack-sdk#977).
    channel = call.channel(must_be_in=True)
    reader = call.needed("user")
    if reader not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks, attachments = content(call)
    message = new_message(
        call,
        channel,
        text=text[:_TEXT_MAX],
        blocks=blocks,
        attachments=attachments,
        thread_ts=call.text("thread_ts"),
        only_for=reader,
    )
    posting.whisper(call.site, message)
    return {"ok": True, "message_ts": message.ts}


def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    link = f"https://{call.team.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"ok": True, "channel": channel.id, "permalink": link}


def schedule_message(call: Call) -> Json:
    channel = writable(call)
    post_at = call.number("post_at", 0)
    if post_at <= time.time():
        raise SlackError("time_in_past")
    if post_at > time.time() + _SCHEDULE_MAX_S:
        raise SlackError("time_too_far")
    content(call)
    entry = Scheduled(
        id=call.world.new_id("Q"),
        channel=channel.id,
        post_at=post_at,
        arguments=dict(call.arguments),
        token=call.token,
    )
    call.world.scheduled[entry.id] = entry
    asyncio.get_running_loop().call_later(post_at - time.time(), _post_scheduled, call, entry.id)
    return {
        "ok": True,
        "channel": channel.id,
        "scheduled_message_id": entry.id,
        "post_at": post_at,
        "message": {"text": call.text("text"), "type": "delayed_message"},
    }


def _post_scheduled(call: Call, entry_id: str) -> None:
    if call.world.scheduled.pop(entry_id, None) is None:
        return
    # It was good when it was asked for; what has changed since (an archived channel) loses it, as at Slack.
    with contextlib.suppress(SlackError):
        post_message(call)


def delete_scheduled_message(call: Call) -> Json:
    if call.world.scheduled.pop(call.needed("scheduled_message_id"), None) is None:
        raise SlackError("invalid_scheduled_message_id")
    return {"ok": True}


def list_scheduled(call: Call) -> Json:
    wanted = call.text("channel")
    entries = [each for each in call.world.scheduled.values() if not wanted or each.channel == wanted]
    shapes = [
        {
            "id": each.id,
            "channel_id": each.channel,
            "post_at": each.post_at,
            "text": each.arguments.get("text", ""),
        }
        for each in entries
    ]
    return {"ok": True, "scheduled_messages": shapes, "response_metadata": {"next_cursor": ""}}


_WRITE = ("chat:write",)
METHODS = {
    "chat.postMessage": Method(run=post_message, scopes=_WRITE),
    "chat.update": Method(run=update, scopes=_WRITE),
    "chat.delete": Method(run=delete, scopes=_WRITE),
    "chat.postEphemeral": Method(run=post_ephemeral, scopes=_WRITE),
    "chat.getPermalink": Method(run=get_permalink),
    "chat.scheduleMessage": Method(run=schedule_message, scopes=_WRITE),
    "chat.deleteScheduledMessage": Method(run=delete_scheduled_message, scopes=_WRITE),
    "chat.scheduledMessages.list": Method(run=list_scheduled),
}
