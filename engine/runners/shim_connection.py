"""A job for the shim, and a socket to one shim with the thread that reads it."""

import contextlib
import json
import logging
import os
import queue
import signal
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")
_RECEIVE_BYTES = 262_144
# A shim that takes nothing for so long is stuck.
_SEND_TIMEOUT_S = 10

Event = Mapping[str, Any]
GONE: Event = {"e": "gone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the shim is asked to run. Nothing of it is written to disk or seen in argv but `argv`."""

    execution_id: str
    attempt: int
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    timeout_s: float | None
    grace_s: float
    limit_bytes: int
    """Of stdout, and of stderr."""
    result_limit_bytes: int = 0
    feed: Mapping[int, str] = field(default_factory=dict)
    """Texts that the action reads from descriptors, by number; 0 is its standard input."""
    wants_result: bool = False
    """Whether descriptor 4 is the way back for a result."""
    python: Mapping[str, Any] | None = None
    """The warm interpreter to fork; see zygotes.py. `argv` starts it cold when that fails."""
    kill_command: tuple[str, ...] = ()
    """How to signal processes of another account, for example sudo -n /bin/kill."""
    kill_input: str = ""

    @property
    def name(self) -> str:
        return f"{self.execution_id}.{self.attempt}"

    def message(self) -> dict[str, Any]:
        return {
            "op": "run",
            "id": self.name,
            "execution_id": self.execution_id,
            "argv": self.argv,
            "env": dict(self.environment),
            "cwd": self.cwd,
            "timeout_s": self.timeout_s,
            "grace_s": self.grace_s,
            "limit": self.limit_bytes,
            "result_limit": self.result_limit_bytes,
            "feed": dict(self.feed),
            "wants_result": self.wants_result,
            "python": self.python,
            "kill_command": self.kill_command,
            "kill_input": self.kill_input,
        }


class Connection:
    """A socket to one shim, and the thread that reads it."""

    def __init__(
        self, connection: socket.socket, *, name: str, pid: int | None, on_lost: Callable[[], None]
    ) -> None:
        """`on_lost` is called once, from the thread that reads."""
        self.name = name
        self.is_open = True
        self.running: frozenset[str] = frozenset()
        """Of an older shim: what it was running when we connected."""
        self.greeted = threading.Event()
        self._pid = pid
        self._on_lost = on_lost
        self._socket = connection
        self._sending = threading.Lock()
        self._followers: dict[str, queue.SimpleQueue[Event]] = {}
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_TIMEOUT_S, 0))
        self._thread = threading.Thread(target=self._read, name=f"shim {name}", daemon=True)
        self._thread.start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises OSError when the shim is gone or stuck."""
        body = json.dumps(message, separators=(",", ":")).encode("utf-8", "surrogatepass")
        with self._sending:
            self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def follow(self, name: str) -> "queue.SimpleQueue[Event]":
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._followers[name] = events
        if not self.is_open:
            events.put(GONE)
        return events

    def leave(self, name: str) -> None:
        self._followers.pop(name, None)

    def kill(self) -> None:
        """End a shim that is stuck."""
        if self._pid is not None and self.is_open:
            log.error("the shim %s took nothing for %d s and was killed", self.name, _SEND_TIMEOUT_S)
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)

    def _read(self) -> None:
        data = bytearray()
        while True:
            try:
                received = self._socket.recv(_RECEIVE_BYTES)
            except OSError:
                received = b""
            if not received:
                break
            data += received
            self._take(data)
        self.is_open = False
        self.greeted.set()
        self._socket.close()
        for events in list(self._followers.values()):
            events.put(GONE)
        self._on_lost()

    def _take(self, data: bytearray) -> None:
        offset = 0
        while offset + 4 <= len(data):
            (size,) = _LENGTH.unpack_from(data, offset)
            if offset + 4 + size > len(data):
                break
            self._handle(json.loads(data[offset + 4 : offset + 4 + size]))
            offset += 4 + size
        del data[:offset]

    def _handle(self, event: Event) -> None:
        if event["e"] == "hello":
            self.running = frozenset(event["running"])
            self.greeted.set()
            return
        follower = self._followers.get(event["id"])
        if follower is not None:
            follower.put(event)
