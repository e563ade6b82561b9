"""The methods `chat.startStream`, `appendStream`, `stopStream`: a message that grows."""

from typing import Any

from bot.slack_emulator import posting, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.methods.chat import metadata, new_message, thread_of, writable
from bot.slack_emulator.world import Json, Message

_MOST_TEXT = 12_000
_TASK_FIELDS = ("title", "status", "details", "output", "sources")


def start(call: Call) -> Json:
    channel = writable(call)
    if not call.text("thread_ts"):
        raise SlackError("invalid_arguments", messages=("missing required field: thread_ts",))
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            if not call.text(name):
                raise SlackError(f"missing_{name}")
    message = new_message(call, channel, thread_ts=thread_of(call, channel), is_streaming=True)
    _grow(call, message)
    posting.post(call.site, channel, message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def append(call: Call) -> Json:
    channel = call.channel()
    message = _streaming(call)
    if not call.text("markdown_text") and not call.arguments.get("chunks"):
        raise SlackError("no_text")
    _grow(call, message)
    call.world.touch()
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def stop(call: Call) -> Json:
    channel = call.channel()
    message = _streaming(call)
    _grow(call, message)
    blocks = call.json("blocks", error="invalid_blocks_format") or []
    posting.check(call.site, blocks)
    message.blocks += posting.with_ids(call.site, blocks)
    if call.arguments.get("metadata"):
        message.metadata = metadata(call)
    message.is_streaming = False
    call.world.touch()
    shape = wire.message(call.world, message, with_metadata=True)
    return {"ok": True, "channel": channel.id, "ts": message.ts, "message": shape}


def _streaming(call: Call) -> Message:
    message = call.message(call.channel())
    if message.user != call.bot.id:
        raise SlackError("message_not_owned_by_app")
    if not message.is_streaming:
        raise SlackError("message_not_in_streaming_state")
    return message


def _grow(call: Call, message: Message) -> None:
    _add_text(message, call.text("markdown_text"))
    for chunk in call.json("chunks", error="invalid_chunks") or []:
        if not isinstance(chunk, dict):
            raise SlackError("invalid_chunks")
        match chunk.get("type"):
            case "markdown_text":
                _add_text(message, str(chunk.get("text") or ""))
            case "plan_update":
                _plan(message)["title"] = str(chunk.get("title") or "")
            case "task_update":
                _update_task(message, chunk, is_plan=call.text("task_display_mode") == "plan")
            case "blocks":
                posting.check(call.site, chunk.get("blocks") or [])
                message.blocks += posting.with_ids(call.site, chunk.get("blocks") or [])
            case _:
                raise SlackError("invalid_chunks")


def _add_text(message: Message, text: str) -> None:
    if len(text) > _MOST_TEXT:
        raise SlackError("msg_too_long")
    message.text += text


def _plan(message: Message) -> Json:
    for block in message.blocks:
        if block["type"] == "plan":
            return block
    plan: Json = {"type": "plan", "block_id": "plan", "title": "", "tasks": []}
    message.blocks.append(plan)
    return plan


def _update_task(message: Message, chunk: dict[str, Any], *, is_plan: bool) -> None:
    has_plan = is_plan or any(block["type"] == "plan" for block in message.blocks)
    tasks: list[Json] = _plan(message)["tasks"] if has_plan else message.blocks
    task_id = str(chunk.get("id") or "")
    task = next((each for each in tasks if each.get("task_id") == task_id), None)
    if task is None:
        task = {"type": "task_card", "block_id": f"task-{task_id}", "task_id": task_id, "title": ""}
        tasks.append(task)
    task |= {name: chunk[name] for name in _TASK_FIELDS if chunk.get(name) is not None}


_WRITE = ("chat:write",)
METHODS = {
    "chat.startStream": Method(run=start, scopes=_WRITE),
    "chat.appendStream": Method(run=append, scopes=_WRITE),
    "chat.stopStream": Method(run=stop, scopes=_WRITE),
}
