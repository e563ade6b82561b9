"""What somebody may do over and over is written down once in a while: nobody can fill the disk with it."""

import threading
import time

_REMEMBERED = 1_000


class Seldom:
    """`every_s`: how long the same thing is not written down again, in seconds."""

    def __init__(self, *, every_s: float) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, ...], float] = {}

    def is_new(self, key: tuple[str, ...]) -> bool:
        """Whether it was not seen for a while; now it is."""
        now = time.monotonic()
        with self._lock:
            last = self._seen.get(key)
            if last is not None and now - last < self._every_s:
                return False
            if len(self._seen) >= _REMEMBERED:
                self._seen = {one: at for one, at in self._seen.items() if now - at < self._every_s}
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[key] = now
            return True
