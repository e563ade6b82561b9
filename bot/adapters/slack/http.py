"""Slack's deliveries over HTTP: POST /slack/events, each with a signature, kept before it is answered.

The signature covers the time and the bytes of the body. A delivery that is sent once more within the five
minutes is known by its id, and changes nothing.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.adapters.slack.adapter import SlackAdapter
from bot.adapters.slack.connection import Envelope
from engine.errors import StoreFailure

log = logging.getLogger(__name__)

PATH = "/slack/events"
WINDOW_S = 300
_FORM = "application/x-www-form-urlencoded"


def mount(app: Starlette, adapters: Sequence[SlackAdapter]) -> None:
    """One address for all workspaces, and for events, commands and interactions alike."""
    app.router.routes.append(Route(PATH, _Door(adapters).answer, methods=["POST"]))


def is_signed(secret: str, *, timestamp: str, body: bytes, signature: str, now_s: float) -> bool:
    """Slack's v0 signature, of the last five minutes."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(now_s - int(timestamp)) > WINDOW_S:
        return False
    base = b"v0:" + timestamp.encode() + b":" + body
    wanted = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.encode())


def envelope_of(body: bytes, content_type: str) -> Envelope | None:
    """What a socket would have delivered; None when it is nothing that Slack sends."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        payload = _object(body)
        return None if payload is None else Envelope(id="", kind="events_api", payload=payload)
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        return None
    if "payload" in form:
        payload = _object(form["payload"])
        return None if payload is None else Envelope(id="", kind="interactive", payload=payload)
    return Envelope(id="", kind="slash_commands", payload=form)


def _object(text: str | bytes) -> Mapping[str, Any] | None:
    try:
        read = json.loads(text)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


class _Door:
    """Answers within three seconds, or says that the delivery is not kept."""

    def __init__(self, adapters: Sequence[SlackAdapter]) -> None:
        self._adapters = adapters

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        signers = [adapter for adapter in self._adapters if self._has_signed(adapter, request, body)]
        if not signers:
            log.warning("a delivery at %s has no valid signature, and is refused", PATH)
            return PlainTextResponse("The signature is wrong, or too old.\n", status_code=401)
        envelope = envelope_of(body, request.headers.get("content-type", ""))
        if envelope is None:
            return PlainTextResponse("That is nothing that Slack sends.\n", status_code=400)
        payload = envelope.payload
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))})
        if "ssl_check" in payload:
            return Response()
        # One app may be in several workspaces, with one secret.
        meant = [adapter for adapter in signers if adapter.is_meant(payload)]
        if not meant:
            return Response()
        try:
            answer = await asyncio.wrap_future(meant[0].deliver(envelope))
        except StoreFailure as failure:
            log.warning("%s %s", failure.message, failure.hint)
            return PlainTextResponse("Not kept; please send it again.\n", status_code=503)
        return JSONResponse(answer) if answer else Response()

    @staticmethod
    def _has_signed(adapter: SlackAdapter, request: Request, body: bytes) -> bool:
        secret = adapter.workspace.signing_secret
        return bool(secret) and is_signed(
            secret,
            timestamp=request.headers.get("x-slack-request-timestamp", ""),
            body=body,
            signature=request.headers.get("x-slack-signature", ""),
            now_s=time.time(),
        )
