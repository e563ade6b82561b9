"""Block Kit as Slack checks it: what is wrong, and where."""

import json
from typing import Any

from bot.slack_emulator import block_elements as elements
from bot.slack_emulator.block_rules import (
    Found,
    Rule,
    all_texts,
    any_of,
    anything,
    boolean,
    both,
    by_type,
    number,
    one_of,
    plain,
    say,
    several,
    shape,
    string,
    text,
)
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.world import Json

_MOST_IN_MESSAGE = 50
_MOST_IN_VIEW = 100
# Nowhere documented; measured by others: slackapi/bolt-js#2509.
_MOST_TEXT_IN_MESSAGE = 13_200
_MOST_MARKDOWN_IN_MESSAGE = 12_000
_MOST_TEXT_IN_TABLE = 10_000
_VIEW_MOST_BYTES = 250_000

_ID = {"block_id": string(most=255, least=0)}
_INLINE = by_type(
    {
        "text": shape(needs={"text": string()}, may={"style": anything}),
        "link": shape(needs={"url": string()}, may={"text": string(), "style": anything, "unsafe": boolean}),
        "user": shape(needs={"user_id": string()}, may={"style": anything}),
        "usergroup": shape(needs={"usergroup_id": string()}, may={"style": anything}),
        "channel": shape(needs={"channel_id": string()}, may={"style": anything}),
        "broadcast": shape(needs={"range": one_of("here", "channel", "everyone")}, may={"style": anything}),
        "emoji": shape(
            needs={"name": string()}, may={"style": anything, "unicode": string(), "skin_tone": number}
        ),
        "date": shape(
            needs={"timestamp": number, "format": string()}, may={"fallback": string(), "url": string()}
        ),
        "color": shape(needs={"value": string()}),
        "team": shape(needs={"team_id": string()}, may={"style": anything}),
    }
)
_SECTION = shape(needs={"elements": several(_INLINE, most=1000, least=0)})
_BORDERED = {"border": number}
_RICH_PARTS: dict[str, Rule] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": shape(
        needs={"elements": several(_INLINE, most=1000, least=0)}, may={**_BORDERED, "language": string()}
    ),
    "rich_text_quote": shape(needs={"elements": several(_INLINE, most=1000, least=0)}, may=_BORDERED),
    "rich_text_list": shape(
        needs={
            "elements": several(by_type({"rich_text_section": _SECTION}), most=1000, least=0),
            "style": one_of("bullet", "ordered"),
        },
        may={**_BORDERED, "indent": number, "offset": number},
    ),
}
_RICH_TEXT = shape(needs={"elements": several(by_type(_RICH_PARTS), most=1000)}, may=_ID)
_CELL = by_type(
    {
        "raw_text": shape(needs={"text": string()}),
        "raw_number": shape(needs={"value": number}, may={"text": string()}),
        "rich_text": _RICH_TEXT,
    }
)
_TASK = shape(
    needs={"task_id": string(most=255), "title": string()},
    may={
        **_ID,
        "status": one_of("pending", "in_progress", "complete", "error"),
        "details": by_type({"rich_text": _RICH_TEXT}),
        "output": by_type({"rich_text": _RICH_TEXT}),
        "sources": several(by_type({"url": shape(needs={"url": string(), "text": string()})}), most=100),
    },
)
_CARD = both(
    shape(
        needs={},
        may={
            **_ID,
            "hero_image": elements.IMAGE,
            "icon": elements.IMAGE,
            "title": text(150),
            "subtitle": text(150),
            "body": text(200),
            "actions": several(by_type({"button": elements.BUTTON}), most=3),
        },
    ),
    any_of("title", "hero_image", "actions", "body"),
)

_EVERYWHERE: dict[str, Rule] = {
    "section": both(
        shape(
            needs={},
            may={
                **_ID,
                "text": text(3000),
                "fields": several(text(2000), most=10),
                "accessory": elements.IN_SECTION,
                "expand": boolean,
            },
        ),
        any_of("text", "fields"),
    ),
    "divider": shape(needs={}, may=_ID),
    "header": shape(needs={"text": plain(150)}, may=_ID),
    "context": shape(needs={"elements": several(elements.IN_CONTEXT, most=10)}, may=_ID),
    "actions": shape(needs={"elements": several(elements.IN_ACTIONS, most=25)}, may=_ID),
    "image": both(
        shape(
            needs={"alt_text": string(most=2000)},
            may={**_ID, "title": plain(2000), "image_url": string(most=3000), "slack_file": anything},
        ),
        any_of("image_url", "slack_file"),
    ),
    "rich_text": _RICH_TEXT,
    "input": shape(
        needs={"label": plain(2000), "element": elements.IN_INPUT},
        may={**_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "video": anything,
    "alert": shape(
        needs={"text": text(3000)},
        may={**_ID, "level": one_of("default", "info", "warning", "error", "success")},
    ),
}
_IN_MESSAGES: dict[str, Rule] = {
    "markdown": shape(needs={"text": string(most=_MOST_MARKDOWN_IN_MESSAGE)}, may=_ID),
    "table": shape(
        needs={"rows": several(several(_CELL, most=20), most=100)},
        may={**_ID, "column_settings": several(anything, most=20, least=0)},
    ),
    "context_actions": shape(needs={"elements": several(elements.IN_CONTEXT_ACTIONS, most=5)}, may=_ID),
    "file": shape(needs={"external_id": string(), "source": string()}, may=_ID),
    "card": _CARD,
    "carousel": shape(needs={"elements": several(by_type({"card": _CARD}), most=10)}, may=_ID),
}
_PLANS: dict[str, Rule] = {
    "task_card": _TASK,
    "plan": shape(
        needs={"title": string()},
        may={**_ID, "plan_id": string(), "tasks": several(by_type({"task_card": _TASK}), most=50, least=0)},
    ),
}
# What Slack answers where a workspace has them not yet: the type is unknown to it.
_MESSAGE_WITHOUT_PLANS = several(
    by_type({**_EVERYWHERE, **_IN_MESSAGES}, outer=True), most=_MOST_IN_MESSAGE, least=0
)
_MESSAGE = several(
    by_type({**_EVERYWHERE, **_IN_MESSAGES, **_PLANS}, outer=True), most=_MOST_IN_MESSAGE, least=0
)
_VIEW_BLOCKS = several(by_type(_EVERYWHERE, outer=True), most=_MOST_IN_VIEW, least=0)
_VIEW_PARTS: dict[str, Rule] = {
    "private_metadata": string(most=3000, least=0),
    "callback_id": string(most=255, least=0),
    "external_id": string(most=255, least=0),
}
_VIEWS: dict[str, Rule] = {
    "modal": shape(
        needs={"title": plain(24), "blocks": _VIEW_BLOCKS},
        may={
            **_VIEW_PARTS,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
    ),
    "home": shape(needs={"blocks": _VIEW_BLOCKS}, may=_VIEW_PARTS),
}


def check_message(blocks: list[Json], *, at: str = "/blocks", takes_plans: bool = True) -> None:
    """Raises SlackError: `invalid_blocks`, `msg_blocks_too_long`, `invalid_attachments` (two tables)."""
    found: Found = []
    (_MESSAGE if takes_plans else _MESSAGE_WITHOUT_PLANS)(found, blocks, at)
    _check_ids(found, blocks, at)
    if found:
        raise SlackError("invalid_blocks", messages=found)
    kinds = [block["type"] for block in blocks]
    if kinds.count("table") > 1:
        raise SlackError("invalid_attachments", messages=("only_one_table_allowed",))
    if "plan" in kinds and "task_card" in kinds:
        raise SlackError("invalid_blocks", messages=("plan and task_card are mutually exclusive",))
    _check_sizes(blocks, at)


def _check_sizes(blocks: list[Json], at: str) -> None:
    tables = [block for block in blocks if block["type"] == "table"]
    if _length(tables) > _MOST_TEXT_IN_TABLE:
        words = f"must be less than {_MOST_TEXT_IN_TABLE + 1} characters [json-pointer:{at}]"
        raise SlackError("invalid_blocks", messages=(words,))
    markdown = [block for block in blocks if block["type"] == "markdown"]
    if _length(markdown) > _MOST_MARKDOWN_IN_MESSAGE or _length(blocks) > _MOST_TEXT_IN_MESSAGE:
        raise SlackError("msg_blocks_too_long")


def _length(blocks: list[Json]) -> int:
    return sum(len(each) for each in all_texts(blocks))


def check_view(view: Any, *, kind: str) -> None:
    """Raises SlackError: `invalid_arguments` with what is wrong, `view_too_large`."""
    found: Found = []
    if not isinstance(view, dict) or view.get("type") is None:
        raise SlackError("invalid_arguments", messages=("missing required field: type [json-pointer:/view]",))
    if view["type"] != kind:
        say(found, f"must be {kind}", "/view/type")
    else:
        _VIEWS[kind](found, view, "/view")
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        _check_ids(found, blocks, "/view/blocks")
        has_inputs = any(isinstance(each, dict) and each.get("type") == "input" for each in blocks)
        if has_inputs and kind == "modal" and not view.get("submit"):
            say(found, "missing required field: submit", "/view")
    if found:
        raise SlackError("invalid_arguments", messages=found)
    if len(json.dumps(view).encode()) > _VIEW_MOST_BYTES:
        raise SlackError("view_too_large")


def _check_ids(found: Found, blocks: Any, at: str) -> None:
    """A block_id stands once in a message or view, an action_id once in a block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            say(found, f"block_id {block_id} already exists", f"{at}/{index}/block_id")
        seen.add(str(block_id))
        inside = block.get("elements")
        acted = (
            [each.get("action_id") for each in inside if isinstance(each, dict)]
            if isinstance(inside, list)
            else []
        )
        known = [each for each in acted if each]
        for doubled in sorted({each for each in known if known.count(each) > 1}):
            say(found, f"action_id {doubled} already exists for another element", f"{at}/{index}/elements")
