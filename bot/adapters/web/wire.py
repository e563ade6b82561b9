"""The JSON of the web chat: what the page and the terminal get, and what is stored of a reply."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from bot import inquiries, wording, workflows
from bot.chat import Piece, Reply
from bot.naming import named
from bot.port import Outgoing
from bot.reply_json import reply_body, reply_from
from engine.clock import isoformat
from engine.records.chat import ChatMessage, NewChatMessage
from engine.records.execution import Execution, OutputChunk
from engine.service import Engine

BOT = "stormcrow"


def posted_body(outgoing: Outgoing) -> dict[str, Any]:
    """A reply as it is stored and sent to the pages."""
    return {**reply_body(outgoing.reply), "reply_to": outgoing.place.reply_to}


def shown_reply(body: Mapping[str, Any]) -> Reply:
    """The other way round. Raises pydantic.ValidationError."""
    return reply_from({name: value for name, value in body.items() if name != "reply_to"})


def bot_message(outgoing: Outgoing, *, adapter: str, message_id: str) -> NewChatMessage:
    return NewChatMessage(
        id=message_id,
        adapter=adapter,
        channel=outgoing.place.channel,
        thread_id=outgoing.place.thread,
        author=BOT,
        is_bot=True,
        body=posted_body(outgoing),
        delivery_key=f"{adapter}:{outgoing.key}",
    )


def message(stored: ChatMessage) -> dict[str, Any]:
    return {
        "seq": stored.seq,
        "id": stored.id,
        "channel": stored.channel,
        "thread": stored.thread_id,
        "author": stored.author,
        "is_bot": stored.is_bot,
        "at": isoformat(stored.created_at),
        "edited_at": isoformat(stored.edited_at) if stored.edited_at else None,
        "body": stored.body,
    }


def execution(engine: Engine, one: Execution) -> dict[str, Any]:
    """What the detail view shows. Secret parameters are masked in the store already."""
    action = engine.registry.actions.get(one.action)
    about = named(Reply(pieces=_about(engine, one)), engine.names, chat="").pieces
    return {
        "id": one.id,
        "action": one.action,
        "description": action.description if action else "",
        "runner": one.runner,
        "status": one.status.value,
        "is_finished": one.is_finished,
        "user": engine.names.in_text(one.user),
        "parameters": dict(one.parameters),
        "result": one.result,
        "requested_at": isoformat(one.requested_at),
        "started_at": isoformat(one.started_at) if one.started_at else None,
        "ended_at": isoformat(one.ended_at) if one.ended_at else None,
        "elapsed_s": one.elapsed_s,
        "log": [{"at": isoformat(at), "status": status.value} for at, status in one.log],
        "command": (one.context.get("chat") or {}).get("command", ""),
        "channel": (one.context.get("chat") or {}).get("channel", ""),
        "about": [asdict(piece) for piece in about],
        "children": [] if about else engine.children(one.id),
        "policies": [list(fact) for fact in wording.policy_facts(engine, one)],
    }


def _about(engine: Engine, one: Execution) -> tuple[Piece, ...]:
    """What only questions to people and workflows have: the whole question, the tasks."""
    inquiry = inquiries.of(engine, one)
    if inquiry is not None:
        return inquiries.details(inquiry, prefix=engine.settings.chat.prefix)
    if not workflows.is_workflow(one):
        return ()
    tree = workflows.tree(workflows.WorkflowTrees(engine).tasks(one.id))
    return (tree,) if tree.branches else ()


def chunk(one: OutputChunk) -> dict[str, Any]:
    return {"seq": one.seq, "kind": one.kind, "data": one.data}


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def frame(event: str, data: Any, *, event_id: int | None = None) -> bytes:
    """One event of a text/event-stream; JSON keeps it to one line."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + dumps(data) + b"\n\n"
