"""A client of the event stream for tests: a thread reads, the test waits for what it wants."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.engine.api.running import Running
from tests.engine.world import wait_until


@dataclass(frozen=True)
class Event:
    name: str
    data: Any
    id: str


@dataclass
class Listener:
    """`events` grows while the stream is open."""

    response: requests.Response
    events: list[Event] = field(default_factory=list)
    opening_id: str = ""
    """What stands in front of all events: where the stream begins."""
    is_over: bool = False

    def read(self) -> None:
        name = data = event_id = ""
        try:
            for line in self._lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    data = value
                elif key == "id":
                    event_id = value
                elif not line and data:
                    self.events.append(Event(name, json.loads(data) if data != "''" else "", event_id))
                    name = data = event_id = ""
                elif not line and event_id:
                    self.opening_id, event_id = event_id, ""
        except (requests.RequestException, AttributeError, ValueError):
            # The other end has gone, or this one closed it while it was read.
            pass
        self.is_over = True

    def _lines(self) -> Iterator[str]:
        rest = b""
        # As it comes: iter_lines() waits for whole pieces, or goes byte by byte.
        for piece in self.response.iter_content(chunk_size=None):
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.decode() for line in lines)

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def wait(self, fits: Callable[[Event], bool], *, timeout_s: float = 60) -> Event:
        wait_until(lambda: any(map(fits, list(self.events))), timeout_s=timeout_s)
        return next(event for event in self.events if fits(event))

    def wait_for_end(self) -> None:
        wait_until(lambda: self.is_over, timeout_s=60)


@contextmanager
def listening(
    server: Running,
    query: str = "",
    *,
    path: str = "/stream/v1/stream",
    headers: Mapping[str, str] | None = None,
) -> Iterator[Listener]:
    """The stream is open when the block begins."""
    with requests.get(
        f"{server.url}{path}?{query}",
        headers={"St2-Api-Key": server.key, **(headers or {})},
        stream=True,
        timeout=30,
    ) as response:
        assert response.status_code == 200, response.text
        listener = Listener(response)
        thread = threading.Thread(target=listener.read, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            if response.raw._fp is not None and not listener.is_over:
                # Closing does not wake a thread that reads.
                connection = response.raw._connection or response.raw.connection
                if connection is not None and connection.sock is not None:
                    connection.sock.shutdown(2)
            thread.join(10)
            with (server.folder / "stream.log").open("a", encoding="utf-8") as file:
                file.writelines(f"{event.name}: {json.dumps(event.data)}\n" for event in listener.events)
