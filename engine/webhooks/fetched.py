"""What verification needs from elsewhere: certificates and key sets, fetched once and kept for a while.

Fetching blocks, so a check never does it: it raises Missing, and who called fetches and checks again.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from engine.errors import StoreFailure

Fetch = Callable[[str], bytes]
TIMEOUT_S = 10.0
LARGEST_BYTES = 262_144
KEPT_S = 3_600.0
# A stranger can name URLs: those that failed are not tried again at once, and few are kept.
PAUSE_S = 60.0
MOST = 64


class Missing(Exception):
    """This must be fetched first."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class Fetched:
    """`get` may be called from the event loop; `fetch` blocks."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or https_get
        self._known: dict[str, tuple[float, bytes | None]] = {}

    def get(self, url: str) -> bytes | None:
        """The content; None when it could not be had lately. Raises Missing."""
        known = self._known.get(url)
        if known is None or known[0] < time.monotonic():
            raise Missing(url)
        return known[1]

    def again(self, url: str) -> None:
        """What we have may be too old: fetch it again, unless that was done just now."""
        known = self._known.get(url)
        if known is not None and known[0] - time.monotonic() < KEPT_S - PAUSE_S:
            raise Missing(url)

    def fetch(self, url: str) -> None:
        """Never raises for what the other side does: `get` then gives None for a minute."""
        try:
            content, kept_s = self._fetch(url), KEPT_S
        except (StoreFailure, OSError):
            content, kept_s = None, PAUSE_S
        if len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)), None)
        self._known[url] = (time.monotonic() + kept_s, content)

    def confirm(self, url: str) -> bool:
        """Whether a URL that says yes by being fetched could be fetched; it is never kept."""
        try:
            self._fetch(url)
        except (StoreFailure, OSError):
            return False
        return True


def https_get(url: str) -> bytes:
    """The body of a good answer. Raises OSError, or StoreFailure for what we do not take."""
    import requests  # noqa: PLC0415 - slow to import, and few webhooks need it

    if urlsplit(url).scheme != "https":
        raise StoreFailure(f"{url} is not https.")
    with requests.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
        if answer.status_code != 200:
            raise StoreFailure(f"{url} answered with {answer.status_code}.")
        body = answer.raw.read(LARGEST_BYTES + 1, decode_content=True)
    if len(body) > LARGEST_BYTES:
        raise StoreFailure(f"{url} is larger than {LARGEST_BYTES} bytes.")
    return bytes(body)
