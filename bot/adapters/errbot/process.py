"""The child process of one network, seen from the server: started, kept running, spoken with.

Everything here belongs to one event loop, except `acknowledge`. Whatever a child leaves unfinished
comes back to who sent it; a child that ends is started again, after a pause that doubles.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import bot
from bot.adapters.errbot.protocol import (
    LINE_LIMIT_BYTES,
    Ack,
    Begun,
    Done,
    Heard,
    NotUnderstood,
    Outcome,
    Progress,
    Said,
    Send,
    Start,
    State,
    Stop,
    line_of,
    said_in,
)

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
# A child that has run for so long is well: the next pause is the first one again.
GOOD_RUN_S = 60.0
STOP_S = 4.0
# What a child takes over from our environment. Passwords go over the pipe.
_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")
# What the child imports of ours.
_ROOT = Path(bot.__file__).resolve().parent.parent


@dataclass(slots=True, kw_only=True)
class _Pending:
    done: "asyncio.Future[Done]"
    is_begun: bool = False
    lines_taken: int = 0


class Child:
    """`run` it as a task; cancelled, it has the child leave the network."""

    def __init__(
        self,
        start: Start,
        *,
        python: str,
        heard: Callable[[Heard], None],
        changed: Callable[[State], None],
    ) -> None:
        """`heard` and `changed` are called in the loop, for what the child says."""
        self._start = start
        self._python = python or sys.executable
        self._heard = heard
        self._changed = changed
        self._writer: asyncio.StreamWriter | None = None
        self._pending: dict[int, _Pending] = {}
        self._count = 0
        self._connected = asyncio.Event()
        self.state = State(is_connected=False)
        self.pid = 0
        self.restarts = 0
        self._last_words = ""

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while True:
            started_at = time.monotonic()
            try:
                await self._live()
            except OSError as error:
                self._say_away(f"The child could not be started: {error}")
            if time.monotonic() - started_at >= GOOD_RUN_S:
                pause_s = FIRST_PAUSE_S
            log.warning(
                "%s: the child has ended; a new one starts in %.1f s. %s",
                self._start.network,
                pause_s,
                self.state.problem,
            )
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            self.restarts += 1

    async def connected(self) -> None:
        """Returns when the network is there."""
        await self._connected.wait()

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def send(self, to: str, lines: tuple[str, ...], *, is_person: bool, token: str = "") -> Done:
        """What became of it; never an exception of ours."""
        self._count += 1
        send = Send(id=self._count, to=to, is_person=is_person, lines=lines, token=token)
        if self._writer is None:
            return Done(id=send.id, outcome=Outcome.LATER, reason="there is no child")
        pending = _Pending(done=asyncio.get_running_loop().create_future())
        self._pending[send.id] = pending
        try:
            self._say(send)
            return await pending.done
        finally:
            self._pending.pop(send.id, None)

    def acknowledge(self, key: str) -> None:
        """A Heard is committed. From any thread."""
        loop = self._loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._say, Ack(key=key))

    # one child

    async def _live(self) -> None:
        """From its start to its end."""
        ours, theirs = socket.socketpair()
        try:
            process = self._spawn(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = process.pid
        errors = asyncio.create_task(self._read_errors(process))
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT_BYTES)
            self._say(self._start)
            await self._read(reader)
        finally:
            ending = asyncio.create_task(self._end(process, ours, errors))
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                # It has its own time limit, and nothing of a child is left behind.
                await ending
                raise

    def _spawn(self, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        return subprocess.Popen(
            [self._python, "-m", "bot.adapters.errbot.child", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**environment, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    async def _end(
        self, process: "subprocess.Popen[bytes]", ours: socket.socket, errors: "asyncio.Task[None]"
    ) -> None:
        """It leaves the network, or is ended."""
        self._say(Stop())
        writer, code = self._writer, await asyncio.to_thread(_reap, process)
        self._writer = None
        if writer is not None:
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                log.debug("%s: the child had closed its end", self._start.network)
        ours.close()
        await errors
        self.pid = 0
        self._say_away(self.state.problem or self._last_words or f"exit code {code}")
        for number, pending in list(self._pending.items()):
            outcome = Outcome.UNKNOWN if pending.is_begun else Outcome.LATER
            self._finish(
                Done(id=number, outcome=outcome, lines_taken=pending.lines_taken, reason="the child ended")
            )

    async def _read_errors(self, process: "subprocess.Popen[bytes]") -> None:
        """What it prints goes into our log, where secrets are hidden."""
        if process.stderr is None:
            return
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stderr
        )
        try:
            while line := await reader.readline():
                said = line.decode("utf-8", "replace").rstrip()
                self._last_words = said or self._last_words
                log.warning("%s: %s", self._start.network, said)
        except ValueError:
            # A line without an end; nothing more of it can be told apart.
            log.warning("%s: the child prints what is no text", self._start.network)
        finally:
            transport.close()

    # the pipe

    def _say(self, said: Said) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line_of(said))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                self._take(said_in(line))
            except (NotUnderstood, ValueError) as error:
                log.error("%s: the child is not understood: %s", self._start.network, error)
                return
            except ConnectionError:
                return

    def _take(self, said: Said) -> None:
        if isinstance(said, Heard):
            self._heard(said)
        elif isinstance(said, State):
            self._take_state(said)
        elif isinstance(said, Done):
            self._finish(said)
        elif isinstance(said, Begun | Progress) and said.id in self._pending:
            pending = self._pending[said.id]
            pending.is_begun = True
            if isinstance(said, Progress):
                pending.lines_taken = said.lines_taken

    def _finish(self, done: Done) -> None:
        pending = self._pending.pop(done.id, None)
        if pending is not None and not pending.done.done():
            pending.done.set_result(done)

    def _take_state(self, state: State) -> None:
        before, self.state = self.state, state
        if state.is_connected:
            self._connected.set()
        else:
            self._connected.clear()
        if state != before:
            self._changed(state)

    def _say_away(self, problem: str) -> None:
        self._take_state(replace(self.state, is_connected=False, channels=(), problem=problem))


def _reap(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
