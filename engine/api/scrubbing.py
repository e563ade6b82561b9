"""Query strings as they may be shown: without the values that let somebody in."""

import re
from urllib.parse import unquote_plus

HIDDEN = "********"
_LONGEST = 500
_SECRET = re.compile(
    r"token|key|secret|passw|signature|^sig$|auth|credential|jwt|^code$|^state$", re.IGNORECASE
)
_ID = re.compile(r"[0-9a-f]{24}")


def scrubbed(query: bytes) -> str:
    """As it was sent, but for the values of names that sound like a secret: x-auth-token, st2-api-key ..."""
    if not query:
        return ""
    parts = query[: _LONGEST * 8].decode("latin-1").split("&")
    return "&".join(map(_part, parts))[:_LONGEST]


def _part(part: str) -> str:
    name, sign, _value = part.partition("=")
    return f"{name}={HIDDEN}" if sign and _SECRET.search(unquote_plus(name)) else part


def scrubbed_path(path: str) -> str:
    """Without an API key that somebody names in it, as StackStorm's clients may: /apikeys/KEY."""
    before, slash, named = path.partition("/apikeys/")
    if not slash or _ID.fullmatch(named.partition("/")[0]):
        return path
    return f"{before}{slash}{HIDDEN}"
