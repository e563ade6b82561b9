"""`extra` of an alias for Slack, as hubot-stackstorm takes it: colour, attachments, keys of an attachment.

The texts in it come out of templates, so they are data as well: they are shown, and no mention or
`<link|text>` in them takes effect. Whatever is not known is left out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.slack import limits
from bot.adapters.slack.mrkdwn import cut, inert_within, is_url, size, visible
from bot.adapters.slack.rendered import File

_TEXTS = ("pretext", "author_name", "title", "text", "footer", "fallback")
_URLS = ("author_link", "author_icon", "title_link", "image_url", "thumb_url", "footer_icon")
_COLORS = ("good", "warning", "danger")
_HEX = re.compile(r"#?[0-9a-fA-F]{6}")
_FIELDS = 20
_BLOCKS = 10
_TEXT = 3_000
_ATTACHMENT_JSON = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    color: str = ""
    """Of the bar beside the message; empty: none."""
    attachments: Sequence[Mapping[str, Any]] = ()
    blocks: Sequence[dict[str, Any]] = ()
    files: tuple[File, ...] = ()
    """What did not fit."""


def read(extra: Mapping[str, Any]) -> Extra:
    """`extra`: of an ack or a result, rendered; it may have any shape."""
    own = extra.get("slack")
    slack: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
    color = _color(slack.get("color")) or _color(extra.get("color"))
    wanted = slack.get("attachments")
    given = [wanted] if isinstance(wanted, Mapping) else wanted if isinstance(wanted, list) else []
    attachments = [_attachment(one) for one in given if isinstance(one, Mapping)]
    # Other keys belong to one attachment more, as the hubot adapter merges them.
    rest = _attachment({name: value for name, value in slack.items() if name not in ("attachments", "color")})
    found = [one for one in (rest, *attachments) if one]
    kept = [one for one in found if size(json.dumps(one)) <= _ATTACHMENT_JSON][: limits.ATTACHMENTS - 1]
    left = [one for one in found if one not in kept]
    files = (as_file("attachments.json", left),) if left else ()
    blocks = [block for one in _list(slack.get("blocks"))[:_BLOCKS] for block in _block(one)]
    return Extra(color=color, attachments=kept, blocks=blocks, files=files)


def as_file(name: str, left: Sequence[Any]) -> File:
    return File(name=name, text=json.dumps(left, indent=2, ensure_ascii=False))


def _color(value: Any) -> str:
    """One of Slack's words, or a number; with a # in any case."""
    if not isinstance(value, str):
        return ""
    if value in _COLORS:
        return value
    return f"#{value.removeprefix('#').lower()}" if _HEX.fullmatch(value) else ""


def _attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an attachment that Slack knows; empty when there are none."""
    made: dict[str, Any] = {
        name: inert_within(str(given[name]), _TEXT)
        for name in _TEXTS
        if isinstance(given.get(name), str | int | float) and str(given[name]).strip()
    }
    made |= {name: given[name] for name in _URLS if isinstance(given.get(name), str) and is_url(given[name])}
    fields = [_field(one) for one in _list(given.get("fields"))[:_FIELDS] if isinstance(one, Mapping)]
    if fields:
        made["fields"] = fields
    if not made:
        return {}
    color = _color(given.get("color"))
    if color:
        made["color"] = color
    if isinstance(given.get("ts"), int | float) and not isinstance(given["ts"], bool):
        made["ts"] = given["ts"]
    made.setdefault("fallback", cut(made.get("text") or made.get("title") or "attachment", 300))
    return made


def _field(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": inert_within(str(given.get("title", "")), 300),
        "value": inert_within(str(given.get("value", "")), _TEXT),
        "short": given.get("short") is True,
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _block(given: Any) -> list[dict[str, Any]]:
    """A block that only shows: a section, a context, a header, a divider; none for all others."""
    if not isinstance(given, Mapping):
        return []
    kind = given.get("type")
    if kind == "divider":
        return [{"type": "divider"}]
    if kind == "header":
        shown = _text(given.get("text"), limits.HEADER, only_plain=True)
        return [{"type": "header", "text": shown}] if shown else []
    if kind == "context":
        elements = [_text(one, 500) for one in _list(given.get("elements"))[: limits.CONTEXT]]
        known = [one for one in elements if one]
        return [{"type": "context", "elements": known}] if known else []
    if kind != "section":
        return []
    texts = [_text(one, 500) for one in _list(given.get("fields"))[: limits.FIELDS]]
    fields = [one for one in texts if one]
    shown = _text(given.get("text"), 1_000)
    made: dict[str, Any] = {"type": "section"}
    if shown:
        made["text"] = shown
    if fields:
        made["fields"] = fields
    return [made] if len(made) > 1 else []


def _text(given: Any, most: int, *, only_plain: bool = False) -> dict[str, Any] | None:
    text = given.get("text") if isinstance(given, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        return None
    if isinstance(given, Mapping) and given.get("type") == "mrkdwn" and not only_plain:
        return {"type": "mrkdwn", "text": inert_within(text, most), "verbatim": True}
    return {"type": "plain_text", "text": cut(visible(text), most), "emoji": False}
