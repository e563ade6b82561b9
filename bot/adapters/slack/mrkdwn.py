"""Data as text that Slack only shows: no mention, channel, link, code mark or hidden character takes effect.

Slack reads `<...>` as a mention, channel, broadcast or link wherever it parses text, so `& < >` are
always escaped; posted with `parse: none` nothing else becomes one. Only `mention` and `link` make one.
"""

import re
import unicodedata

from bot import formatting

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
_URL = re.compile(r"https?://[^\s<>|\"'`\\\x00-\x20]{1,2900}", re.ASCII | re.IGNORECASE)
# Joiners that scripts and emoji need.
_JOINERS = "\u200c\u200d"
_BLANKS = "\u115f\u1160\u3164\uffa0\u2800\u034f"
# It looks like a backtick and is none.
_TICK = "\u02cb"


def visible(text: str) -> str:
    """Without escape sequences; every character that turns or hides text is named."""
    text = formatting.clean(text)
    if text.isascii():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    is_hidden = unicodedata.category(character) == "Cf" and character not in _JOINERS
    if is_hidden or character in _BLANKS:
        return f"\u2039U+{ord(character):04X}\u203a"
    return character


def inert(text: str) -> str:
    """For every place where Slack parses text."""
    return visible(text).translate(_ESCAPES).replace("`", _TICK)


def inert_within(text: str, most: int) -> str:
    """Inert, and at most `most` long; what is cut ends with an ellipsis."""
    short = cut(visible(text), most)
    while size(inert(short)) > most:
        short = cut(short, len(short) * 3 // 4)
    return inert(short)


def code(text: str) -> str:
    """A fenced block that its content cannot end."""
    shown = visible(text).translate(_ESCAPES)
    if "```" in shown or shown[:1] == "`" or shown[-1:] == "`":
        shown = shown.replace("`", _TICK)
    return f"```\n{shown}\n```"


def is_user(user_id: str) -> bool:
    return _USER.fullmatch(user_id) is not None


def mention(user_id: str) -> str:
    """Calls one person; empty when that can be no id of a person."""
    return f"<@{user_id}>" if is_user(user_id) else ""


def is_url(url: str) -> bool:
    """Whether it may be a link: http or https, and no character that could end it."""
    return _URL.fullmatch(url) is not None


def link(label: str, url: str) -> str:
    """A link where the address allows one, else both as words."""
    words = inert(label).replace("|", "\u00a6").replace("\n", " ")
    if not is_url(url):
        return f"{words}: {inert(url)}" if url else words
    return f"<{url.replace('&', '&amp;')}|{words or inert(url)}>"


def size(text: str) -> int:
    """The length as Slack's clients count it: characters outside the basic plane are two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """At most `most` long by `size`; what is cut ends with an ellipsis."""
    if size(text) <= most:
        return text
    return f"{head(text, most - 1)}…"


def head(text: str, most: int) -> str:
    """The beginning, at most `most` long by `size`."""
    short = text[:most]
    while size(short) > most:
        short = short[: -max(1, (size(short) - most) // 2)]
    return short
