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


class Counted:
    """As Seldom, and it is known how often it was not written down meanwhile.

    `most`: so many are told apart at once; of all others only the number is known.
    """

    def __init__(self, *, every_s: float, most: int) -> None:
        self._every_s = every_s
        self._most = most
        self._lock = threading.Lock()
        # Key -> when it was written down, and how often it was seen since.
        self._seen: dict[str, tuple[float, int]] = {}
        self._others: tuple[float | None, int] = (None, 0)

    def add(self, key: str) -> tuple[int, bool]:
        """How often it was seen since it was last written down, with this time, and whether that is for this
        very key; 0: it is not to be written down now."""
        now = time.monotonic()
        with self._lock:
            if key not in self._seen and len(self._seen) >= self._most:
                self._forget(now)
            if key not in self._seen and len(self._seen) >= self._most:
                at, count = self._others
                is_due = at is None or now - at >= self._every_s
                self._others = (now, 0) if is_due else (at, count + 1)
                return (count + 1 if is_due else 0), False
            at, count = self._seen.get(key, (None, 0))
            is_due = at is None or now - at >= self._every_s
            self._seen[key] = (now, 0) if at is None or is_due else (at, count + 1)
            return (count + 1 if is_due else 0), True

    def _forget(self, now: float) -> None:
        """Those whose time is over; what was not written of them counts among the others."""
        old = [key for key, (at, _count) in self._seen.items() if now - at >= self._every_s]
        at, count = self._others
        self._others = at, count + sum(self._seen.pop(key)[1] for key in old)
