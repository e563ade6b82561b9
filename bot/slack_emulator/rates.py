"""How many calls pass: messages of a channel, calls of a method's tier."""

import math
import time

from bot.slack_emulator.switches import Limits

_POSTS = ("chat.postMessage", "chat.startStream")
_PER_MINUTE = {
    "auth.test": 600,
    "chat.postEphemeral": 100,
    "chat.update": 50,
    "chat.appendStream": 100,
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "conversations.list": 20,
    "conversations.members": 100,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
    "usergroups.list": 20,
    "usergroups.users.list": 20,
    "users.info": 100,
    "users.list": 20,
    "views.open": 100,
    "views.publish": 100,
    "views.push": 100,
    "views.update": 100,
    "apps.connections.open": 1,
}
_TIER_3_PER_MINUTE = 50


class Rates:
    """One bucket for each channel, one for each method of a team."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def wait_s(self, method: str, team: str, channel: str) -> int:
        """The whole seconds for `Retry-After`; 0: it passes, and counts."""
        wait = 0.0
        if method in _POSTS and channel and self.limits.messages_per_s:
            wait = self._take(("channel", channel), self.limits.messages_per_s, self.limits.burst)
        if not wait and self.limits.by_tier:
            per_minute = _PER_MINUTE.get(method, _TIER_3_PER_MINUTE)
            wait = self._take((method, team), per_minute / 60, max(per_minute, 4))
        return math.ceil(wait)

    def _take(self, key: tuple[str, str], per_s: float, burst: int) -> float:
        """A token bucket: seconds until the next token, or 0 and one token less."""
        now = time.monotonic()
        tokens, then = self._buckets.get(key, (float(burst), now))
        tokens = min(float(burst), tokens + (now - then) * per_s)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return max((1 - tokens) / per_s, 0.001)
        self._buckets[key] = (tokens - 1, now)
        return 0.0
