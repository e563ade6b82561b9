"""How often somebody may ask the API: by key, by address where nobody is known, by webhook."""

import ipaddress
from functools import lru_cache

from engine.api.errors import HttpError
from engine.errors import EngineError, TooOften, Unauthenticated
from engine.rates import Rate
from engine.records.access import Requester
from engine.settings.limits import LimitSettings

_TOO_OFTEN = "Too many requests."
# Networks of IPv6 are given out by so many bits: who has one has all its addresses.
_OWN_BITS = 64


class Throttle:
    """For one event loop. It bounds, and keeps nothing: a restart forgives."""

    def __init__(self, settings: LimitSettings) -> None:
        self._requests = Rate(per_s=settings.requests_per_s, burst=settings.requests_burst)
        self._strangers = Rate(per_s=settings.strangers_per_s, burst=settings.strangers_burst)
        self._webhooks = Rate(per_s=settings.webhook_per_s, burst=settings.webhook_burst)

    def admit(self, requester: Requester) -> None:
        """Each key, user with a token and running action has a bucket of its own. Raises TooOften."""
        self._requests.check(owner_of(requester), _TOO_OFTEN)

    def admit_stranger(self, address: str) -> None:
        """Raises TooOften."""
        self._strangers.check(_network(address), _TOO_OFTEN)

    def admit_delivery(self, url: str) -> None:
        """Raises TooOften."""
        self._webhooks.check(url, f"Too many deliveries to the webhook {url}.")

    def counted(self, error: EngineError | HttpError, address: str) -> EngineError | HttpError:
        """What a failure is answered with: a wrong key or signature counts, and too many are told to wait.

        Whoever has a right one is never held up by them, also from the same address.
        """
        is_stranger = isinstance(error, Unauthenticated) or (
            isinstance(error, HttpError) and error.status == 401
        )
        if not is_stranger:
            return error
        try:
            self.admit_stranger(address)
        except TooOften as too_often:
            return too_often
        return error


def owner_of(requester: Requester) -> str:
    """Whose requests are counted together."""
    return requester.key_id or requester.execution_id or f"{requester.user} {requester.is_lent}"


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, _OWN_BITS), strict=False))
