"""Whether a callback may be asked for: its address, and the key that signs it."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from engine.errors import BadInput, Denied

LONGEST_URL = 2_048
_SCOPES = {"system": "system", "user": "user"}


def place_of(url: str) -> str:
    """The address as it may be shown. Raises BadInput for what is none."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput("callback_url is not a URL.") from error
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme not in ("http", "https") or not host or not is_plain or len(url) > LONGEST_URL:
        raise BadInput(f"callback_url must be an http or https URL of up to {LONGEST_URL} characters.")
    if parts.username is not None or parts.password is not None:
        raise BadInput("callback_url holds a password.", hint="The message is signed; it needs none.")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def check_host(url: str, hosts: Sequence[str]) -> None:
    """Raises Denied."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if not any(fnmatchcase(host, allowed.lower()) for allowed in hosts):
        raise Denied(
            f"callback_url may not lead to {host}.", hint="The setting callbacks.hosts names the hosts."
        )


def key_of(ref: str) -> tuple[str, str]:
    """("system", "ci.secret") from `st2kv.system.ci.secret`. Raises BadInput."""
    parts = ref.split(".", 2)
    if len(parts) != 3 or parts[0] != "st2kv" or parts[1] not in _SCOPES or not parts[2]:
        raise BadInput(
            "callback_secret_ref must name a datastore key.",
            hint="Write st2kv.system.NAME, or st2kv.user.NAME for one of your own.",
        )
    return _SCOPES[parts[1]], parts[2]
