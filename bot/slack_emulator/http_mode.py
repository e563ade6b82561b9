"""HTTP mode: every delivery is a signed request to the app's URL."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

import aiohttp

from bot.slack_emulator.deliveries import NO_RETRY, Delivery
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import App

_FORM = "application/x-www-form-urlencoded"


class Requests:
    """A `Carrier` of deliveries; begun and ended in the emulator's loop."""

    def __init__(self, site: Site, url: str, app: App) -> None:
        self._site = site
        self._app = app
        self._url = url
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self._session.close()

    async def verify(self) -> bool:
        """Does the URL answer Slack's challenge? Asked when it is entered in the app's settings."""
        challenge = secrets.token_urlsafe(24)
        token = self._site.world.verification_token
        body = json.dumps({"type": "url_verification", "token": token, "challenge": challenge})
        try:
            status, _headers, text = await self._post(body, "application/json", {})
        except (aiohttp.ClientError, TimeoutError):
            return False
        return status == 200 and challenge in text

    async def carry(self, delivery: Delivery, envelope_id: str, *, retry: int, reason: str) -> str:
        headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason} if retry else {}
        body, content_type = _body(delivery)
        try:
            status, answered, text = await self._post(body, content_type, headers)
        except TimeoutError:
            return "http_timeout"
        except aiohttp.ClientError:
            return "connection_failed"
        if 200 <= status < 300:
            self._site.deliveries.acknowledge(envelope_id, _answer(text))
            return "" if delivery.ended.is_set() else "http_timeout"
        return NO_RETRY if answered.get("X-Slack-No-Retry") == "1" else "http_error"

    async def _post(
        self, body: str, content_type: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        at = str(int(time.time()))
        secret = self._app.signing_secret.encode()
        signed = hmac.new(secret, f"v0:{at}:{body}".encode(), hashlib.sha256)
        headers = headers | {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        async with asyncio.timeout(self._site.timing.ack_s):
            async with self._session.post(self._url, data=body.encode(), headers=headers) as response:
                return response.status, dict(response.headers), await response.text()


def _body(delivery: Delivery) -> tuple[str, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload), "application/json"
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload), _FORM
    return urlencode({"payload": json.dumps(delivery.payload)}), _FORM


def _answer(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
