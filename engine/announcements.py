"""What an action announced: one journal entry each, and a notice where its route is a chat of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import orjson

from engine.chat_routes import ChatRoutes, ChatTarget
from engine.notices import Notice
from engine.records.execution import Execution

RUNNER = "announcement"
DEFAULT_ROUTE = "general"
# The journal's kind; its subject is the execution, its data {"route", "payload", "trace_context"}.
ANNOUNCED = "announcement"

Tone = Literal["neutral", "good", "warning", "bad", "running"]
_TONES: Mapping[str, Tone] = MappingProxyType({tone: tone for tone in get_args(Tone)})
# Where a message says what only our chats can do; other bots pass over it.
_OURS = "stormcrow"
# Stands between the two parts of a message in the templates of bots.
_PRETEXT_MARK = "{~}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """`data` is what the journal holds; `notice` is None where the route is none of our chats."""

    data: Mapping[str, Any]
    notice: Notice | None


def announcement_of(execution: Execution, route: str, routes: ChatRoutes) -> Announcement:
    """What a succeeded execution of the runner `announcement` said. Secrets are masked in it."""
    result = execution.result if isinstance(execution.result, Mapping) else {}
    payload = result.get("output")
    payload = dict(payload) if isinstance(payload, Mapping) else {}
    target = routes.announced(route)
    return Announcement(
        data={
            "route": route,
            "payload": payload,
            "trace_context": execution.context.get("trace_context") or {"id_": execution.id},
        },
        notice=None if target is None else _notice(execution, payload, target),
    )


def _notice(execution: Execution, payload: Mapping[str, Any], target: ChatTarget) -> Notice:
    extra = payload.get("extra")
    ours = extra.get(_OURS) if isinstance(extra, Mapping) else None
    ours = ours if isinstance(ours, Mapping) else {}
    user = _word(payload.get("user"))
    is_whisper = payload.get("whisper") is True and bool(user)
    channel = f"@{user}" if is_whisper else target.channel or _word(payload.get("channel"))
    key = _word(ours.get("key"))
    return Notice(
        # A name of their own: an action may not edit what the engine or another pack has said.
        key=f"message:{key}" if key else f"announcement:{execution.id}",
        channel=channel,
        adapter=target.adapter,
        text=_text(payload),
        title=_word(ours.get("title")),
        tone=_TONES.get(_word(ours.get("tone")), "neutral"),
        thread_key=_word(ours.get("thread_key")),
        mention="" if is_whisper else user,
    )


def _text(payload: Mapping[str, Any]) -> str:
    """The message; of an announcement without one all that it holds."""
    message = payload.get("message")
    if isinstance(message, str):
        parts = [part.strip("\n") for part in message.split(_PRETEXT_MARK)[:2]]
        return "\n".join(part for part in parts if part)
    shown = payload if message is None else message
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
