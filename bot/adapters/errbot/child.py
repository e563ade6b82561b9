"""The child process of one network: Errbot with our bridge, and the pipe to the server.

Started by the server as `python -m bot.adapters.errbot.child FD`, where FD is its end of a socket
pair. It ends when the server does, at once and whatever it is doing: then the pipe ends.
"""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from typing import Any, BinaryIO

from bot.adapters.errbot.protocol import (
    Ack,
    Done,
    Heard,
    NotUnderstood,
    Outcome,
    Said,
    Send,
    Start,
    State,
    Stop,
    line_of,
    next_line,
    said_in,
)

log = logging.getLogger("stormcrow.errbot")

# So much waits for its acknowledgement at most; what comes then is not taken, and the log says so.
KEPT_LIMIT = 2_000
_STOP_S = 3.0
EXIT_NO_BACKEND = 4


class Pipe:
    """The child's end. `hear`, `tell` and `say` may be called from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._in: BinaryIO = connection.makefile("rb")
        self._connection = connection
        self._lock = threading.Lock()
        self._run = secrets.token_hex(4)
        self._count = 0
        self._kept: dict[str, tuple[float, Heard]] = {}
        self._changed = threading.Condition()

    def receive(self) -> Said | None:
        """The next thing that the server says; None: it is gone."""
        line = next_line(self._in)
        return said_in(line) if line else None

    def say(self, said: Said) -> None:
        line = line_of(said)
        with self._lock:
            try:
                self._connection.sendall(line)
            except OSError:
                # The server is gone; who reads the pipe ends the process.
                return

    def tell(self, state: State) -> None:
        self.say(state)

    def hear(self, *, heard: Heard) -> None:
        """Keep it until it is acknowledged."""
        with self._changed:
            if len(self._kept) >= KEPT_LIMIT:
                log.error("the server acknowledges nothing: a message from %s is not taken", heard.person)
                return
            self._count += 1
            kept = replace(heard, key=heard.key or f"{self._run}-{self._count}")
            self._kept[kept.key] = (time.monotonic(), kept)
            self._changed.notify()
        self.say(kept)

    def acknowledged(self, key: str) -> None:
        with self._changed:
            self._kept.pop(key, None)

    def repeat_forever(self, after_s: float) -> None:
        """Say again what was not acknowledged in time."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._kept))
                now = time.monotonic()
                due = [one for said_at, one in self._kept.values() if now - said_at >= after_s]
                for one in due:
                    self._kept[one.key] = (now, one)
                oldest = min(said_at for said_at, _ in self._kept.values())
            for one in due:
                self.say(one)
            # Until the oldest is due: whatever comes meanwhile is due later.
            time.sleep(max(0.1, oldest + after_s - now))


def _serve_pipe(pipe: Pipe, backend: Any) -> None:
    """Read what the server says until it says Stop or is gone; never returns."""
    try:
        while (said := pipe.receive()) is not None and not isinstance(said, Stop):
            if isinstance(said, Ack):
                pipe.acknowledged(said.key)
            elif isinstance(said, Send):
                _take(pipe, backend, said)
        if said is not None:
            threading.Timer(_STOP_S, os._exit, (0,)).start()
            backend.leave()
            return
    except NotUnderstood as error:
        log.error("the server is not speaking with us: %s", error)
    # Whatever the other threads are doing: without the server there is nobody to do it for.
    os._exit(0)


def _take(pipe: Pipe, backend: Any, send: Send) -> None:
    try:
        backend.take(send)
    except Exception as error:  # a backend that is not ours may raise anything, and the others wait
        log.exception("a message for %s was not taken", send.to)
        pipe.say(Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{type(error).__name__}: {error}"))


def main() -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    # A terminal's Ctrl-C is for the server, which tells us to leave.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    pipe = Pipe(connection)
    start = pipe.receive()
    if not isinstance(start, Start):
        return 0
    try:
        from bot.adapters.errbot.bootstrap import NoBackend, make_bot  # noqa: PLC0415 - it may be missing

        # Errbot tells each of its steps.
        logging.getLogger("errbot").setLevel(logging.WARNING)
    except ImportError as error:
        pipe.tell(State(is_connected=False, problem=f"Errbot is not installed here ({error})."))
        return EXIT_NO_BACKEND
    try:
        bot = make_bot(start, pipe)
    except NoBackend as error:
        pipe.tell(State(is_connected=False, problem=str(error)))
        return EXIT_NO_BACKEND
    # Putting Errbot together may have changed it.
    logging.getLogger().setLevel(logging.WARNING)
    backend = _sender(bot, start, pipe)
    threading.Thread(target=_serve_pipe, args=(pipe, backend), name="pipe", daemon=True).start()
    threading.Thread(
        target=pipe.repeat_forever, args=(start.repeat_after_s,), name="repeat", daemon=True
    ).start()
    bot.serve_forever()
    return 0


def _sender(bot: Any, start: Start, pipe: Pipe) -> Any:
    """What takes Sends and leaves: a backend of ours itself, or what does it for any other."""
    if getattr(bot, "speaks_for_itself", False):
        bot.speak_through(pipe)
        return bot
    from bot.adapters.errbot.generic import GenericSender  # noqa: PLC0415 - needs Errbot

    return GenericSender(bot, start, pipe)


if __name__ == "__main__":
    # Threads of Errbot and of its backends may not end by themselves.
    os._exit(main())
