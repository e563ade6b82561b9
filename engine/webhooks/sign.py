"""The sender's side: headers that make a body a good delivery, for `stormcrow webhook test`."""

import base64
import hmac
import uuid
from collections.abc import Sequence

from engine.errors import BadInput
from engine.specs.webhook import Way
from engine.webhooks.delivery import Delivery
from engine.webhooks.verify import signed_bytes, signing_keys


def signed_headers(ways: Sequence[Way], secrets: Sequence[str], body: bytes, *, now: float) -> dict[str, str]:
    """Headers by the first way that these secrets fit; names in lower case.

    Raises BadInput where only the real sender can sign.
    """
    for way in ways:
        found = _headers(way, secrets, body, now=now)
        if found is not None:
            return found
    kinds = ", ".join(way.type for way in ways)
    raise BadInput(
        f"Only the real sender can make a delivery that is verified by {kinds}.",
        hint="Have it send its own test message.",
    )


def _headers(way: Way, secrets: Sequence[str], body: bytes, *, now: float) -> dict[str, str] | None:
    if way.type in ("none", "ip"):
        return {}
    if way.type == "token" and secrets and way.header:
        return {way.header: f"{way.scheme} {secrets[0]}" if way.scheme else secrets[0]}
    if way.type == "basic":
        pair = next((secret for secret in secrets if ":" in secret), None)
        return None if pair is None else {"authorization": f"Basic {_base64(pair.encode())}"}
    if way.type != "hmac":
        return None
    keys = signing_keys(way, secrets)
    return _signature(way, keys[0], body, now=now) if keys else None


def _signature(way: Way, key: bytes, body: bytes, *, now: float) -> dict[str, str]:
    headers = {}
    if way.timestamp_header:
        headers[way.timestamp_header] = str(int(now))
    if way.id_header:
        headers[way.id_header] = f"msg_{uuid.uuid4().hex}"
    unsigned = Delivery(headers=headers, body=body, received_at=now)
    digest = hmac.digest(key, signed_bytes(way, unsigned, body), way.algorithm)
    text = digest.hex() if way.encoding == "hex" else _base64(digest)
    return {**headers, way.header: f"{way.prefix}{text}"}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
