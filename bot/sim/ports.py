"""Ports of servers that must be told theirs, and that are killed and started again on the same one."""

import random
import socket

# Below those that the system gives to whoever asks for any port (from 32768 on), so that nobody gets
# one of ours before its server listens, or while that is away.
_FIRST, _END = 15_000, 32_000
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """One on loopback that nobody listens on now."""
    while True:
        port = _CHANCE.randrange(_FIRST, _END)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
