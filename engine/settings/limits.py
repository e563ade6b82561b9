"""How often somebody may ask."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Who asks more often than this is told to wait (429). A rate of 0 bounds nothing."""

    requests_per_s: float = key(
        1000.0, "Requests a second of one API key, user with a token, or running action, in the long run."
    )
    requests_burst: int = key(20_000, "So many of them at once, after a pause.", at_least=1)
    strangers_per_s: float = key(
        50.0, "Requests a second without a valid key or token from one address (of IPv6, from one /64)."
    )
    strangers_burst: int = key(1000, "So many of them at once, after a pause.", at_least=1)
    webhook_per_s: float = key(1000.0, "Deliveries a second to one webhook.")
    webhook_burst: int = key(20_000, "So many of them at once, after a pause.", at_least=1)
    chat_user_per_s: float = key(10.0, "Commands a second of one person in a chat.")
    chat_user_burst: int = key(500, "So many of them at once, after a pause.", at_least=1)
    chat_channel_per_s: float = key(50.0, "Commands a second in one channel.")
    chat_channel_burst: int = key(2000, "So many of them at once, after a pause.", at_least=1)
    streams: int = key(400, "Event streams that one API key or user may hold open.", at_least=1)
