"""Posting to the webhooks of a site as their senders would: signed with the secrets that it keeps."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import requests

from bot.sim.site import Site
from engine.specs.webhook import Way
from engine.webhooks.sign import signed_headers

_TIMEOUT_S = 75.0
_UNKNOWN_SECRET_BYTES = 24


def posted(site: Site, name: str, body: bytes, *, is_signed: bool) -> tuple[int, str]:
    """Status and text of the answer. Raises BadInput where only the real sender can sign, OSError."""
    headers = {"content-type": "application/json"}
    if is_signed:
        headers |= _signature(site, name, body)
    answer = requests.post(f"{site.url}/v1/webhooks/{name}", data=body, headers=headers, timeout=_TIMEOUT_S)
    return answer.status_code, answer.text


def _signature(site: Site, name: str, body: bytes) -> dict[str, str]:
    admin = {"St2-Api-Key": site.key}
    found = requests.get(f"{site.url}/v1/webhooks/{name}", headers=admin, timeout=_TIMEOUT_S)
    hook: Mapping[str, Any] = found.json() if found.ok else {}
    if "ways" not in hook:
        return admin
    ways = [Way.model_validate(way) for way in hook["ways"]]
    known = [_secret(site, key) for key in hook["secrets"]]
    return signed_headers(ways, known, body, now=time.time())


def _secret(site: Site, key: str) -> str:
    """The one that the server knows; where it knows none, both agree on one."""
    admin = {"St2-Api-Key": site.key}
    url = f"{site.url}/v1/keys/{key}"
    found = requests.get(
        url, params={"scope": "system", "decrypt": "true"}, headers=admin, timeout=_TIMEOUT_S
    )
    if found.ok:
        return str(found.json()["value"])
    made = secrets.token_hex(_UNKNOWN_SECRET_BYTES)
    body = {"name": key, "value": made, "secret": True}
    requests.put(url, json=body, headers=admin, timeout=_TIMEOUT_S).raise_for_status()
    return made
