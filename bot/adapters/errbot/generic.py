"""Sends through any backend of Errbot: in turn, at the pace that was set, and inert.

Such a backend says nothing about what became of a message, so one that it took without an error
counts as sent; while Errbot is not connected nothing is handed to it, because it would be lost.
"""

import logging
import queue
import re
import threading
import time
from typing import Any

from bot.adapters.errbot.cutting import cut, lines_of
from bot.adapters.errbot.protocol import Begun, Done, Outcome, Said, Send, Start, State

log = logging.getLogger(__name__)

# What Markdown would make something of; Errbot gives every text to a Markdown converter.
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&])")
# A mention that calls everybody must not come out of an action's output.
_MENTION = re.compile(r"@(?=\w)")


class GenericSender:
    def __init__(self, bot: Any, start: Start, pipe: Any) -> None:
        self._bot = bot
        self._pause_s = 1.0 / start.lines_per_s
        self._say: Any = pipe.say
        self._is_connected = False
        self._waiting: queue.Queue[Send] = queue.Queue()
        self._limit_bytes = int(bot.message_size_limit or 2_000)
        self._follow_connection()
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def _follow_connection(self) -> None:
        """Errbot tells its backend's state to plug-ins only by activating them."""
        connected, disconnected = self._bot.connect_callback, self._bot.disconnect_callback

        def on_connected() -> None:
            self._is_connected = True
            connected()

        def on_disconnected() -> None:
            self._is_connected = False
            disconnected()
            self._tell(State(is_connected=False, problem="the backend is not connected"))

        self._bot.connect_callback = on_connected
        self._bot.disconnect_callback = on_disconnected

    def _tell(self, said: Said) -> None:
        self._say(said)

    def take(self, send: Send) -> None:
        if self._is_connected:
            self._waiting.put(send)
        else:
            self._tell(Done(id=send.id, outcome=Outcome.LATER, reason="not connected"))

    def leave(self) -> None:
        """The process ends in a moment, and the connection with it."""

    def _run(self) -> None:
        while True:
            send = self._waiting.get()
            self._tell(self._sent(send))
            # The pace that the network takes; what comes meanwhile waits in the queue.
            time.sleep(self._pause_s)

    def _sent(self, send: Send) -> Done:
        if not self._is_connected:
            return Done(id=send.id, outcome=Outcome.LATER, reason="not connected")
        self._tell(Begun(id=send.id))
        try:
            to = self._bot.build_identifier(send.to)
            whole = inert_markdown("\n".join(line for given in send.lines for line in lines_of(given)))
            for part in _parts(whole, self._limit_bytes):
                self._bot.send(to, part)
        except Exception as error:  # whatever a backend that is not ours raises: it did not take this
            log.exception("%s was not sent to", send.to)
            if not self._is_connected:
                return Done(id=send.id, outcome=Outcome.UNKNOWN, reason=str(error))
            return Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{type(error).__name__}: {error}")
        return Done(id=send.id, outcome=Outcome.SENT, lines_taken=len(send.lines))


def inert_markdown(text: str) -> str:
    """Markdown that shows `text` as it is, line by line, and calls nobody."""
    escaped = _MENTION.sub("@\u200b", _MARKUP.sub(r"\\\1", text))
    return escaped.replace("\n", "  \n")


def _parts(text: str, limit_bytes: int) -> list[str]:
    """Whole lines together as long as they fit."""
    parts: list[str] = []
    for line in (piece for whole in text.split("\n") for piece in cut(whole, limit_bytes)):
        if parts and len(parts[-1].encode()) + 1 + len(line.encode()) <= limit_bytes:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts
