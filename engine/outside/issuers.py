"""An issuer of OpenID Connect: its metadata and its keys, fetched seldom and kept."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Untrusted
from engine.outside.fetching import check_address, fetch

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger(__name__)

# Nobody can choose another: no "none", and nothing for which our side would need a secret.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
_FRESH_S = 3600.0
# So long nobody asks again: an unknown key costs one question a minute, whoever makes tokens up.
_PAUSE_S = 60.0
_FEWEST_BITS = 2048
_WAIT_S = 15.0


class Issuer:
    """Safe to use from many threads: one asks, the others wait for what it gets."""

    def __init__(self, url: str, *, jwks_file: Path | None = None) -> None:
        """`jwks_file`: its keys, which are then never fetched."""
        self.url = url
        self._file = jwks_file
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: Mapping[str, Mapping[str, Any]] = {}
        self._asked_at = self._got_at = -_FRESH_S * 2
        self._trouble = ""

    def metadata(self) -> Mapping[str, Any]:
        """What it says of itself; `issuer` is this one. Raises Untrusted."""
        if not self._metadata:
            with _Held(self._lock, self.url):
                self._metadata = self._metadata or self._discover()
        return self._metadata

    def key(self, kid: str | None, algorithm: str, *, may_ask: bool = True) -> "PyJWK":
        """Raises Untrusted for a key that it does not have, or not for this algorithm.

        `may_ask` False: of what was fetched before, without waiting for anybody.
        """
        is_old = self._file is None and time.monotonic() - self._got_at > _FRESH_S
        found = None if is_old and may_ask else self._known(kid)
        if found is None and may_ask:
            self._renew(kid)
            found = self._known(kid)
        if found is None:
            why = f" ({self._trouble})" if self._trouble else ""
            raise Untrusted(f"{self.url} has no key {kid!r}{why}")
        return _made(found, algorithm, self.url)

    def usable_keys(self) -> int:
        """How many of its keys we could use, asked for now: for the doctor. Raises Untrusted."""
        return len(self._fetched())

    def _known(self, kid: str | None) -> Mapping[str, Any] | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _renew(self, kid: str | None) -> None:
        """Ask for the keys, unless that was done just now. What there was stays when it cannot be done."""
        with _Held(self._lock, self.url):
            now = time.monotonic()
            if self._file is not None and self._keys:
                return
            if now - self._asked_at < _PAUSE_S:
                return
            self._asked_at = now
            try:
                self._keys = self._fetched()
                self._got_at, self._trouble = now, ""
            except Untrusted as error:
                self._trouble = error.message
                log.error("the keys of %s cannot be had (asked for %r): %s", self.url, kid, error.message)

    def _fetched(self) -> Mapping[str, Mapping[str, Any]]:
        if self._file is None:
            self._metadata = self._discover()
            found = fetch(check_address(self._metadata.get("jwks_uri")))
        else:
            try:
                found = json.loads(self._file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise Untrusted(f"{self._file} cannot be read: {error}") from error
        keys = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(keys, list):
            raise Untrusted(f"the keys of {self.url} are no list")
        usable = [one for one in keys if isinstance(one, dict) and one.get("use", "sig") == "sig"]
        return {str(one.get("kid", "")): one for one in usable if one.get("kty") in ALGORITHMS.values()}

    def _discover(self) -> Mapping[str, Any]:
        found = fetch(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.url:
            raise Untrusted(f"{self.url} says that it is {found.get('issuer')!r}")
        return found


class _Held:
    """A lock for which nobody waits for ever."""

    def __init__(self, lock: threading.Lock, url: str) -> None:
        self._lock = lock
        self._url = url

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_WAIT_S):
            raise Untrusted(f"{self._url} is being asked, and does not answer")

    def __exit__(self, *_given: object) -> None:
        self._lock.release()


def _made(found: Mapping[str, Any], algorithm: str, url: str) -> "PyJWK":
    from jwt import PyJWK  # noqa: PLC0415 - heavy, and not everybody's
    from jwt.exceptions import PyJWTError  # noqa: PLC0415 - as above

    kid = found.get("kid")
    if found.get("kty") != ALGORITHMS[algorithm] or found.get("alg", algorithm) != algorithm:
        raise Untrusted(f"the key {kid!r} of {url} is not for {algorithm}")
    if algorithm == "ES256" and found.get("crv") != "P-256":
        raise Untrusted(f"the key {kid!r} of {url} is not on the curve of ES256")
    try:
        made = PyJWK(dict(found), algorithm=algorithm)
    except (PyJWTError, ValueError) as error:
        raise Untrusted(f"the key {kid!r} of {url} cannot be read: {error}") from error
    if ALGORITHMS[algorithm] == "RSA" and made.key.key_size < _FEWEST_BITS:
        raise Untrusted(f"the key {kid!r} of {url} has less than {_FEWEST_BITS} bits")
    return made
