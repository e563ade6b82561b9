"""Requests and answers of the web chat: JSON in, JSON out, and what of a request is refused."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from bot.adapters.web import wire
from bot.adapters.web.guard import Session
from engine.errors import BadInput, Denied

Answer = Callable[[Request], Awaitable[Response]]
Door = Callable[[Answer], Answer]
"""Puts the checks of where a request comes from before an answer."""

_CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEY = re.compile(r"[\w-]{8,64}")
# Longest request: a command with its JSON around it.
_BODY_LIMIT_BYTES = 262_144


def json(value: Any, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(wire.dumps(value), status_code=status, media_type="application/json", headers=headers)


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Another site's form cannot send this type without asking first."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise BadInput("Send application/json.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_LIMIT_BYTES:
            raise BadInput(f"That is longer than {_BODY_LIMIT_BYTES:,} bytes.")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"That is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise BadInput("Send a JSON object.")
    return given


def text(given: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    value = given.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text.")
    return value


def channel(name: str, session: Session) -> str:
    """A channel's name in its one spelling. Raises BadInput, Denied."""
    if name.startswith("@"):
        if name != session.direct_channel:
            raise Denied("That is somebody else's direct channel.")
        return name
    plain = name.strip().removeprefix("#").lower()
    if not _CHANNEL.fullmatch(plain):
        raise BadInput(
            f"{name[:60]!r} cannot be a channel.",
            hint="Use up to 40 lower-case letters, digits, dashes and underscores.",
        )
    return plain


def number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 18:
        raise BadInput(f"{name} must be a whole number.")
    return int(value)


def delivery_key(given: Mapping[str, Any]) -> str:
    """The sender's own id of what it sends. Raises BadInput."""
    key = text(given, "delivery_key")
    if not _KEY.fullmatch(key):
        raise BadInput("delivery_key must be 8 to 64 letters, digits, - or _.")
    return key


def texts(given: Mapping[str, Any], name: str) -> dict[str, str]:
    """An object whose values are texts. Raises BadInput."""
    value = given.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise BadInput(f"{name} must be an object of texts.")
    return value
