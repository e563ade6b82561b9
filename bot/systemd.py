"""What systemd is told: that the server is ready, that it lives, that it stops.

The protocol of sd_notify(3): a datagram of lines to the socket that systemd names.
"""

import logging
import socket
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Systemd:
    """Without an address nobody is told anything. `watchdog_s`: how long systemd waits for a sign of life.

    `is_alive` is asked twice in that time, in a thread of its own, and may block.
    """

    def __init__(self, address: str, *, watchdog_s: float, is_alive: Callable[[], bool]) -> None:
        # An abstract socket is written with @ in front.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_s = watchdog_s
        self._is_alive = is_alive
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def ready(self) -> None:
        self._say(READY)
        if self._address and self._watchdog_s > 0:
            self._thread.start()

    def stopping(self) -> None:
        self._stopping.set()
        self._say(STOPPING)

    def _watch(self) -> None:
        while not self._stopping.wait(self._watchdog_s / 2):
            if self._is_alive():
                self._say(ALIVE)
            else:
                log.error("no sign of life to systemd: it will restart us; /healthz says what is wrong")

    def _say(self, word: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling:
                telling.sendto(word.encode(), self._address)
        except OSError as error:
            log.warning("systemd cannot be told %s: %s", word, error.strerror)
