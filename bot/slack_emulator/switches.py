"""How long things take, and how much is allowed, in this Slack: what tests may make quicker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Slack's own times; all in seconds."""

    ack_s: float = 3.0
    """How long a delivery may wait for its acknowledgement."""
    retries_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    """The pauses before an event is delivered again."""
    trigger_s: float = 3.0
    """How long a trigger_id opens a view."""
    hook_s: float = 1800.0
    """How long a response_url lives."""
    hook_uses: int = 5
    refresh_s: float = 10.0
    """From the `refresh_requested` of a socket to its end."""
    ping_s: float = 10.0
    """Between two pings of the server; 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is answered with 429."""

    messages_per_s: float = 1.0
    """In one channel; 0: no limit."""
    burst: int = 4
    """So many messages at once pass before that is counted."""
    by_tier: bool = False
    """Count the calls of each method against its tier too, per minute."""
    takes_plans: bool = True
    """Does this workspace know the blocks `plan` and `task_card`?"""
    sockets: int = 10
    """Connections of the app at one time."""
