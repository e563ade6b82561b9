"""The chat in a terminal: a client of the running server, over the same JSON and events as the page.

At a terminal it is a prompt line, with answers above it as they come. With lines on standard input
it sends one after the other, prints the final answer of each, and says by its exit code whether all
of them succeeded: 0 yes, 1 no, 3 the server cannot be reached or refuses the key.
"""

import contextlib
import http.client
import queue
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from bot import formatting
from bot.adapters.web import wire
from bot.chat import Reply

OK, FAILED, NO_SERVER = 0, 1, 3
_FINISHED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})
_COLOURS = {"good": "32", "bad": "31", "warning": "33", "running": "34", "neutral": "36"}
# Retries while the server is away, and the longest we wait for it at the start.
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
_STREAM_TIMEOUT_S = 40.0
_COLLAPSE = re.compile(r"\n{3,}")


class _Client:
    """The connection: sends messages, and reads events in a thread of its own."""

    def __init__(self, url: str, key: str, user: str, channel: str) -> None:
        self._base = f"{url.rstrip('/')}/chat"
        self._user = user
        self._channel = channel.removeprefix("#")
        self._session = requests.Session()
        self._session.headers["St2-Api-Key"] = key
        self._stream_headers = {"St2-Api-Key": key}
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


def run_terminal(url: str, key: str, user: str, channel: str) -> int:
    """Chat until the end of the input; the exit code."""
    client = _Client(url, key, user, channel)
    try:
        client.start()
    except PermissionError as error:
        _say(f"The server refuses: {error}", file=sys.stderr)
        return NO_SERVER
    except (requests.RequestException, OSError, ValueError) as error:
        _say(
            f"No Stormcrow answers at {url} ({type(error).__name__}). Start it: stormcrow up", file=sys.stderr
        )
        return NO_SERVER
    try:
        if sys.stdin.isatty():
            return _Dialogue(client, channel).run()
        return _script(client)
    except PermissionError as error:
        _say(f"The server refuses: {error}", file=sys.stderr)
        return NO_SERVER
    finally:
        client.stop()


def _script(client: _Client) -> int:
    code = OK
    for raw in sys.stdin:
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        try:
            message_id = client.send(text)
        except ValueError as error:
            _say(str(error), file=sys.stderr)
            code = FAILED
            continue
        answers = _final_answers(client, message_id)
        for body in answers:
            _say(as_lines(body, colour=sys.stdout.isatty()))
            if not _is_good(body):
                code = FAILED
    return code


def _final_answers(client: _Client, message_id: str) -> list[dict[str, Any]]:
    """Waits until the message is answered, and every answer of it has ended."""
    answers: dict[str, dict[str, Any]] = {}
    while not answers or any(not _is_final(body) for body in answers.values()):
        kind, data = client.events.get()
        if kind == "message" and data["is_bot"] and data["body"].get("reply_to") == message_id:
            answers[data["id"]] = data["body"]
    return list(answers.values())


def _is_final(body: dict[str, Any]) -> bool:
    # Only an acknowledgement carries its action and a status that is not an end.
    return not body.get("action") or body.get("status") in _FINISHED


def _is_good(body: dict[str, Any]) -> bool:
    status = body.get("status", "")
    if status and body.get("action"):
        return bool(status == "succeeded")
    return body.get("tone") not in ("bad", "warning")


class _Dialogue:
    """A person at a terminal: one thread reads lines, one prints what comes."""

    def __init__(self, client: _Client, channel: str) -> None:
        self._client = client
        self._prompt = f"#{channel.removeprefix('#')}> "
        self._colour = sys.stdout.isatty()
        self._shown: dict[str, str] = {}
        self._mine: set[str] = set()

    def run(self) -> int:
        with contextlib.suppress(ImportError):
            import readline  # noqa: PLC0415 - its import alone gives input() a history and editing

            readline.set_history_length(500)
        threading.Thread(target=self._print, name="chat printer", daemon=True).start()
        _say(f"{self._prompt.strip('> ')}: say help for the commands, Ctrl-D to leave.")
        try:
            while True:
                text = input(self._prompt).strip()
                if text:
                    self._send(text)
        except (EOFError, KeyboardInterrupt):
            _say("")
            return OK

    def _send(self, text: str) -> None:
        try:
            self._mine.add(self._client.send(text))
        except ValueError as error:
            _say(str(error))

    def _print(self) -> None:
        is_lost = False
        while True:
            kind, data = self._client.events.get()
            if kind == "lost" and not is_lost:
                is_lost = True
                self._above("… the server is away; trying again")
            elif kind == "hello" and is_lost:
                is_lost = False
                self._above("… the server is back")
            elif kind == "message":
                self._message(data)

    def _message(self, data: dict[str, Any]) -> None:
        if not data["is_bot"]:
            if data["id"] not in self._mine and f"#{data['channel']}> " == self._prompt:
                self._above(
                    f"{data['body'].get('name', data['author'])}: {formatting.clean(data['body']['text'])}"
                )
            return
        if f"#{data['channel']}> " != self._prompt:
            return
        # An edit is shown when it says something new: the end of what was acknowledged.
        text = as_lines(data["body"], colour=self._colour)
        if self._shown.get(data["id"]) != text:
            self._shown[data["id"]] = text
            self._above(text)

    def _above(self, text: str) -> None:
        """Print over the prompt line, and draw it again with what is typed so far."""
        typed = ""
        with contextlib.suppress(ImportError):
            import readline  # noqa: PLC0415 - as above

            typed = readline.get_line_buffer()
        sys.stdout.write(f"\r\x1b[K{text}\n{self._prompt}{typed}")
        sys.stdout.flush()


def as_lines(body: dict[str, Any], *, colour: bool) -> str:
    """A reply as text: a line about the execution, then the pieces."""
    reply = wire.reply_from(body)
    head = []
    if reply.status and reply.action:
        took = f" in {formatting.duration(reply.elapsed_s)}" if reply.elapsed_s is not None else ""
        head.append(f"{reply.action} {reply.status}{took} · {formatting.short_id(reply.execution_id)}")
    # What is said about an execution names its details and its commands in words already.
    links = () if reply.execution_id else reply.links
    text = formatting.as_text(
        Reply(pretext=reply.pretext, title=reply.title, pieces=reply.pieces, links=links)
    )
    if not reply.execution_id:
        words = [one for one in reply.buttons if one.command and one.command not in text]
        text = "\n".join([text, *(f"{one.label}: {one.command}" for one in words)]).strip()
    lines = [_coloured(line, reply.tone.value) if colour else line for line in head]
    return _COLLAPSE.sub("\n\n", "\n".join([*lines, text] if text else lines)).rstrip()


def _coloured(text: str, tone: str) -> str:
    return f"\x1b[{_COLOURS.get(tone, '36')}m{text}\x1b[0m"


def _say(text: str, *, file: Any = None) -> None:
    out = file or sys.stdout
    out.write(f"{text}\n")
    out.flush()
