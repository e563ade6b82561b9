"""The methods `files.*`: an upload in three steps, as Slack wants it since 2025."""

import secrets

from bot.slack_emulator import posting, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.methods.chat import new_message, thread_of
from bot.slack_emulator.world import Channel, File, Json

_FILE_MAX_BYTES = 1024 * 1024 * 1024


def begin(call: Call) -> Json:
    """Where to put the bytes, and the file's id."""
    length = call.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", messages=("missing required field: length",))
    if length > _FILE_MAX_BYTES:
        raise SlackError("file_upload_size_restricted")
    file = File(
        id=call.world.new_id("F"),
        user=call.bot.id,
        name=call.needed("filename"),
        size_bytes=length,
        upload_key=secrets.token_hex(16),
    )
    call.world.files[file.id] = file
    return {"ok": True, "upload_url": f"{call.site.url}upload/v1/{file.upload_key}", "file_id": file.id}


def complete(call: Call) -> Json:
    """Make uploaded files known, and show them in channels."""
    named = call.json("files", error="invalid_arguments")
    if not isinstance(named, list) or not named:
        raise SlackError("invalid_arguments", messages=("missing required field: files",))
    files = [_uploaded(call, each) for each in named]
    channels = [_writable(call, each) for each in _channels(call)]
    for file in files:
        file.is_complete = True
    for channel in channels:
        message = new_message(
            call,
            channel,
            text=call.text("initial_comment"),
            files=[file.id for file in files],
            thread_ts=thread_of(call, channel),
            subtype="file_share",
        )
        for file in files:
            file.channels.append(channel.id)
        posting.post(call.site, channel, message)
    return {"ok": True, "files": [wire.file(file) for file in files]}


def _uploaded(call: Call, named: Json) -> File:
    file = call.world.files.get(str(named.get("id")))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    if len(file.content) != file.size_bytes:
        raise SlackError("file_upload_size_mismatch")
    file.title = str(named.get("title") or file.name)
    return file


def _channels(call: Call) -> list[str]:
    several = [each.strip() for each in call.text("channels").split(",") if each.strip()]
    return several or [each for each in (call.text("channel_id"),) if each]


def _writable(call: Call, name: str) -> Channel:
    channel = call.world.channels.get(name)
    if channel is None:
        raise SlackError("channel_not_found")
    if call.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def info(call: Call) -> Json:
    file = call.world.files.get(call.needed("file"))
    if file is None or not file.is_complete:
        raise SlackError("file_not_found")
    return {"ok": True, "file": wire.file(file), "comments": []}


METHODS = {
    "files.getUploadURLExternal": Method(run=begin, scopes=("files:write",)),
    "files.completeUploadExternal": Method(run=complete, scopes=("files:write",)),
    "files.info": Method(run=info, scopes=("files:read",)),
}
