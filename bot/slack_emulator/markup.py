"""Who and what a text reaches: mentions and links, as Slack reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_ANGLED = re.compile(r"<([^<>\n]+)>")
_BARE_URL = re.compile(r"(?<![<|\w])https?://[^\s<>|]+")
_BARE_NAME = re.compile(r"(?<![\w@#<])([@#])([\w.-]+)")
_BROADCASTS = ("here", "channel", "everyone", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What Slack would do with a text: whom it would notify, what it would make a link."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    broadcasts: tuple[str, ...] = ()
    """here, channel, everyone."""
    names: tuple[str, ...] = ()
    """Words after @ and #, where the poster asked for `link_names`."""
    links: tuple[str, ...] = ()
    """Addresses and channels."""

    def __bool__(self) -> bool:
        """Would anybody be notified?"""
        return bool(self.users or self.groups or self.broadcasts or self.names)


def reached(message: Any) -> Reached:
    """Of a message with text, blocks and attachments.

    Mentions inside code count too: what a client makes of them is not to be relied upon.
    """
    found: dict[str, list[str]] = {"users": [], "groups": [], "broadcasts": [], "names": [], "links": []}
    for text in _texts(message):
        _read(text, link_names=message.link_names, found=found)
    for element in _elements(message.blocks):
        _read_element(element, found)
    return Reached(**{name: tuple(dict.fromkeys(values)) for name, values in found.items()})


def _read(text: str, *, link_names: bool, found: dict[str, list[str]]) -> None:
    for token in _ANGLED.findall(text):
        target = token.split("|", 1)[0]
        if target.startswith("@"):
            found["users"].append(target[1:])
        elif target.startswith("!subteam^"):
            found["groups"].append(target.removeprefix("!subteam^"))
        elif target.startswith("!"):
            found["broadcasts"].extend(word for word in (target[1:],) if word in _BROADCASTS)
        else:
            found["links"].append(target)
    found["links"].extend(_BARE_URL.findall(text))
    if link_names:
        found["names"].extend(sign + name for sign, name in _BARE_NAME.findall(text))


def _texts(message: Any) -> Iterator[str]:
    """Every text of it that is read as mrkdwn."""
    yield message.text
    yield from _mrkdwn(message.blocks)
    for attachment in message.attachments:
        for name in ("pretext", "text", "fallback"):
            yield str(attachment.get(name) or "")
        for entry in attachment.get("fields") or ():
            yield str(entry.get("value") or "")
        yield from _mrkdwn(attachment.get("blocks") or [])


def _mrkdwn(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _mrkdwn(each)
    elif isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "markdown") and isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            if isinstance(value, dict | list):
                yield from _mrkdwn(value)


def _elements(node: Any) -> Iterator[dict[str, Any]]:
    """The elements of rich text, wherever they stand."""
    if isinstance(node, list):
        for each in node:
            yield from _elements(each)
    elif isinstance(node, dict):
        yield node
        for value in node.values():
            if isinstance(value, dict | list):
                yield from _elements(value)


def _read_element(element: dict[str, Any], found: dict[str, list[str]]) -> None:
    match element:
        case {"type": "user", "user_id": str(user)}:
            found["users"].append(user)
        case {"type": "usergroup", "usergroup_id": str(group)}:
            found["groups"].append(group)
        case {"type": "broadcast", "range": str(word)}:
            found["broadcasts"].append(word)
        case {"type": "link", "url": str(url)}:
            found["links"].append(url)
        case _:
            pass
