"""What a Slack client makes of the words that a person types: mentions, links and escapes."""

import re
from collections.abc import Callable
from typing import Any

from bot.slack_emulator.world import World

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_SPECIAL = re.compile(
    r"(?P<url>https?://[^\s<>`]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<name>(?<![\w@#])[@#][\w.-]*\w)"
    # Slack makes a link of a bare domain too: the hosts in a command arrive as links.
    r"|(?P<domain>(?<![\w@./=-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ch|de|uk|eu)(?:/[^\s<>`]*)?(?![\w.-]))"
)
_TOKEN = re.compile(r"<([^<>\n]+)>")


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(world: World, team: str, text: str) -> str:
    """The text of the message: what stands in code is escaped only."""
    parts = _CODE.split(text)
    return "".join(
        escaped(part) if index % 2 else _plain(part, lambda match: _token(world, team, match))
        for index, part in enumerate(parts)
    )


def _plain(text: str, token: Callable[[re.Match[str]], str]) -> str:
    pieces, at = [], 0
    for match in _SPECIAL.finditer(text):
        pieces += [escaped(text[at : match.start()]), token(match)]
        at = match.end()
    return "".join([*pieces, escaped(text[at:])])


def _token(world: World, team: str, match: re.Match[str]) -> str:
    word = match[0]
    if match["url"]:
        return f"<{escaped(word)}>"
    if match["mail"]:
        return f"<mailto:{word}|{word}>"
    if match["domain"]:
        return f"<http://{escaped(word)}|{escaped(word)}>"
    return _name(world, team, word[0], word[1:]) or escaped(word)


def _name(world: World, team: str, sign: str, name: str) -> str:
    if sign == "#":
        channel = world.channel_named(name)
        return f"<#{channel.id}|{channel.name}>" if channel else ""
    if name in ("here", "channel", "everyone"):
        return f"<!{name}>"
    for group in world.groups.values():
        if group.handle == name:
            return f"<!subteam^{group.id}|@{name}>"
    known = (user for user in world.users.values() if name in (user.name, user.id))
    user = min(known, key=lambda each: each.team != team, default=None)
    return f"<@{user.id}>" if user else ""


def rich_text(text: str) -> list[dict[str, Any]]:
    """The block that Slack itself makes of a typed message."""
    elements: list[dict[str, Any]] = []
    at = 0
    for match in _TOKEN.finditer(text):
        if match.start() > at:
            elements.append({"type": "text", "text": unescaped(text[at : match.start()])})
        elements.append(_element(match[1]))
        at = match.end()
    if at < len(text) or not elements:
        elements.append({"type": "text", "text": unescaped(text[at:])})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]


def _element(token: str) -> dict[str, Any]:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": unescaped(target)} | ({"text": unescaped(label)} if label else {})


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
