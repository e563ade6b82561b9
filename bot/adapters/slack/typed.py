"""What people type, as they see it: Slack's own notation for mentions, channels and links becomes words."""

import re
from collections.abc import Mapping

_NOTATION = re.compile(r"<(?P<kind>[@#!]?)(?P<what>[^<>|]{1,4000})(?:\|(?P<label>[^<>]{0,4000}))?>")
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{1,30}")
_GROUP = re.compile(r"subteam\^[A-Z0-9]{1,30}")


def users_in(text: str) -> tuple[str, ...]:
    """The ids of the people who are mentioned without their name, each once."""
    return _unnamed(text, "@", _USER_ID)


def channels_in(text: str) -> tuple[str, ...]:
    """The ids of the channels that are mentioned without their name, each once."""
    return _unnamed(text, "#", _CHANNEL_ID)


def _unnamed(text: str, kind: str, ids: re.Pattern[str]) -> tuple[str, ...]:
    found = (
        one["what"]
        for one in _NOTATION.finditer(text)
        if one["kind"] == kind and not one["label"] and ids.fullmatch(one["what"]) is not None
    )
    return tuple(dict.fromkeys(found))


def as_seen(text: str, *, names: Mapping[str, str]) -> str:
    """`text` of a message event as the person sees it; `names`: of people and channels, by their ids."""

    def shown(found: re.Match[str]) -> str:
        kind, what, label = found["kind"], found["what"], found["label"]
        if kind == "@":
            return f"@{label or names.get(what, what)}"
        if kind == "#":
            return f"#{label or names.get(what, what)}"
        if kind == "!":
            # <!here>, <!subteam^S1|@sre>, <!date^1392734382^{date}|Feb 18>
            return label or f"@{what if _GROUP.fullmatch(what) is None else what.partition('^')[2]}"
        return label or what.removeprefix("mailto:")

    return _unescaped(_NOTATION.sub(shown, text))


def _unescaped(text: str) -> str:
    # Ampersands last: `&amp;lt;` is what was typed as `&lt;`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def without_mention(text: str, user_id: str) -> str | None:
    """What follows when `text` begins with a mention of that user; None when it does not."""
    called = re.match(rf"\s*<@{re.escape(user_id)}(?:\|[^<>]*)?>[:,]?\s*", text)
    return None if called is None else text[called.end() :]
