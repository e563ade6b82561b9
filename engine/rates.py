"""How often somebody may ask: a bucket for each, emptied by what they ask and filled again by time."""

import time

from engine.errors import TooOften

# Buckets that are known at once; of more, those that are full again are forgotten.
REMEMBERED = 10_000


class Rate:
    """`per_s` in the long run, `burst` at once; a `per_s` of 0 bounds nothing.

    A bucket is one number: the moment at which it will be full again. Threads that ask for the same one
    at the same moment may lose a count, and no more than that.
    """

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._step_s = 1.0 / per_s if per_s else 0.0
        self._span_s = self._step_s * max(burst - 1, 0)
        self._full_at: dict[str, float] = {}

    def wait_s(self, name: str) -> float:
        """Takes one from the bucket of `name`: 0. Empty: how long until there is one, in seconds."""
        if not self._step_s:
            return 0.0
        now = time.monotonic()
        full_at = max(self._full_at.get(name, now), now)
        wait_s = full_at - now - self._span_s
        if wait_s > 0:
            return wait_s
        if len(self._full_at) >= REMEMBERED and name not in self._full_at:
            self._forget(now)
        self._full_at[name] = full_at + self._step_s
        return 0.0

    def check(self, name: str, message: str) -> None:
        """Raises TooOften with `message`."""
        wait_s = self.wait_s(name)
        if wait_s > 0:
            raise TooOften(message, retry_after_s=wait_s)

    def _forget(self, now: float) -> None:
        kept = {name: full_at for name, full_at in list(self._full_at.items()) if full_at > now}
        # So many at once are no clients but somebody with many names: all begin anew.
        self._full_at = kept if len(kept) < REMEMBERED else {}
