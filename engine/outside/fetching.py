"""Asks an issuer for JSON: by https (or on this machine), within bounds, and never along a redirect."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from engine.errors import Untrusted

TIME_S = 10.0
_LONGEST_BYTES = 1_000_000
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        """The answer stays what it is: a status that is no success."""


def fetch(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON object at `url`; with `form` it is posted. Raises Untrusted, with the address and why."""
    status, found = ask(url, form=form, headers=headers)
    if status != 200:
        raise Untrusted(f"{url} answers {status} {str(found.get('error', ''))[:100]}".rstrip())
    return found


def ask(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object; of an answer that is no success the object may be empty. Raises Untrusted."""
    check_address(url)
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(url, data, {"Accept": "application/json", **(headers or {})})  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIME_S) as response:
            return 200, _object(_read(response, url), url)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _said(error)
    except (OSError, http.client.HTTPException) as error:
        raise Untrusted(f"{url} cannot be fetched: {error}") from error


def check_address(url: object) -> str:
    """Raises Untrusted for anything but https, or http to this machine."""
    parts = urlsplit(url if isinstance(url, str) else "")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
    if not is_safe or not parts.hostname or "@" in parts.netloc:
        raise Untrusted(f"{url!r} is no https address")
    return str(url)


def _read(response: Any, url: str) -> bytes:
    """The body, within its bounds of size and time."""
    end, raw = time.monotonic() + TIME_S, b""
    while piece := response.read1(65_536):
        raw += piece
        if len(raw) > _LONGEST_BYTES:
            raise Untrusted(f"{url} answers with more than {_LONGEST_BYTES:,} bytes")
        if time.monotonic() > end:
            raise Untrusted(f"{url} answers for more than {TIME_S:.0f} s")
    return raw


def _object(raw: bytes, url: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Untrusted(f"{url} does not answer with JSON") from error
    if not isinstance(value, dict):
        raise Untrusted(f"{url} answers with JSON that is no object")
    return value


def _said(error: urllib.error.HTTPError) -> dict[str, Any]:
    """What an answer of OAuth says of the error; empty where it says nothing that can be read."""
    try:
        value = json.loads(error.read(10_000))
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return {}
    return value if isinstance(value, dict) else {}
