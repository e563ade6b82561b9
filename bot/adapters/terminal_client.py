"""The connection of the terminal chat to the server: messages and answers in, events out."""

import contextlib
import http.client
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from bot.credentials import header_of
from engine.timing import zones

# Retries while the server is away, and the longest we wait for it at the start.
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
_STREAM_TIMEOUT_S = 40.0


class Client:
    """The connection: sends messages, and reads events in a thread of its own."""

    def __init__(self, url: str, key: str, user: str, channel: str) -> None:
        self._base = f"{url.rstrip('/')}/chat"
        self._user = user
        self._channel = channel.removeprefix("#")
        self._session = requests.Session()
        self._stream_headers = {header_of(key): key}
        self._session.headers.update(self._stream_headers)
        self._stopping = threading.Event()
        self.events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def start(self) -> None:
        """Raises OSError when the server is not there, PermissionError when it refuses the key."""
        response = self._session.get(f"{self._base}/channels", timeout=10)
        self._check(response)
        history = self._session.get(
            f"{self._base}/channels/{self._channel}/messages", params={"limit": 1}, timeout=10
        )
        self._check(history)
        self._cursor = int(history.json()["cursor"])
        threading.Thread(target=self._follow, name="chat events", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def send(self, text: str) -> str:
        """The id of the message, once it is accepted; tried until then under one delivery key.

        Raises PermissionError or ValueError when the server refuses it.
        """
        body = {
            "channel": self._channel,
            "text": text,
            "direct": True,
            "name": self._user,
            "zone": zones.system_zone(),
            "delivery_key": secrets.token_hex(16),
        }
        pause_s = _FIRST_PAUSE_S
        while True:
            with contextlib.suppress(requests.RequestException):
                response = self._session.post(f"{self._base}/messages", json=body, timeout=30)
                if response.status_code < 500:
                    self._check(response)
                    return str(response.json()["id"])
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.6, _LONGEST_PAUSE_S)

    def question(self, wanted: str) -> dict[str, Any]:
        """What an inquiry asks. Raises PermissionError, ValueError, OSError."""
        response = self._session.get(f"{self._base}/prompts/{wanted}", timeout=10)
        self._check(response)
        return dict(response.json())

    def answer(
        self, asked: dict[str, Any], values: dict[str, str], button: str
    ) -> tuple[str, dict[str, str]]:
        """What is said to it, and what is wrong: question's name -> a sentence. Raises as `question`."""
        url = f"{self._base}/prompts/{asked['prompt']['id']}/answers"
        body = {"channel": asked["channel"], "values": values, "button": button, "name": self._user}
        response = self._session.post(url, json=body, timeout=30)
        problems = response.json().get("problems") if response.status_code == 400 else None
        if problems:
            return _said(response), dict(problems)
        self._check(response)
        return str(response.json()["said"]), {}

    @staticmethod
    def _check(response: requests.Response) -> None:
        if response.status_code in (401, 403):
            raise PermissionError(_said(response))
        if not response.ok:
            raise ValueError(_said(response))

    # the thread

    def _follow(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                for event_id, kind, data in self._stream():
                    pause_s = _FIRST_PAUSE_S
                    self._cursor = max(self._cursor, event_id or 0)
                    self.events.put((kind, data))
            except (OSError, http.client.HTTPException, ValueError):
                if not self._stopping.is_set():
                    self.events.put(("lost", {}))
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 1.6, _LONGEST_PAUSE_S)

    def _stream(self) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
        parts = urlsplit(self._base)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_STREAM_TIMEOUT_S)
        try:
            connection.request(
                "GET", f"{parts.path}/events?after={self._cursor}", headers=self._stream_headers
            )
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"HTTP {response.status}")
            yield from _events(response)
        finally:
            connection.close()


def _said(response: requests.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    return f"{answer.get('error') or answer.get('faultstring')} {answer.get('hint', '')}".strip()


def _events(response: http.client.HTTPResponse) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
    """The frames of a text/event-stream: (id, event, data)."""
    event_id, kind, data = None, "", b""
    while raw := response.readline():
        line = raw.rstrip(b"\n")
        if not line:
            if data:
                yield event_id, kind, orjson.loads(data)
            event_id, kind, data = None, "", b""
        elif line.startswith(b"id: ") and line[4:].isdigit():
            event_id = int(line[4:])
        elif line.startswith(b"event: "):
            kind = line[7:].decode()
        elif line.startswith(b"data: "):
            data += line[6:]
