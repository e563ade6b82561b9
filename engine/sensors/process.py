"""One process of a sensor: started, spoken with over its pipe, ended with everything it started."""

import logging
import os
import secrets
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.errors import RunnerFailure
from engine.runners.sweep import kill_marked
from engine.sensors.log import SensorLog

RUNTIME = Path(__file__).resolve().parent.parent / "pack_runtime"
_PROGRAM = RUNTIME / "_stormcrow" / "sensor_host.py"
# sensor_channel.py sends no longer ones.
MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024
_RECEIVE_BYTES = 262_144
_LENGTH_BYTES = 4
# What a sensor may print at once before its messages are looked at again.
_PRINTED_BYTES = 65_536
# After its end: what its pipes still hold.
_DRAIN_LIMIT_BYTES = 1_048_576
_RUN_MARKER = "STORMCROW_SENSOR_RUN"
# shim.py looks for it.
_SERVER_MARKER = "STORMCROW_SENSOR_OF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What one process is started with. Configuration and secrets travel in `orders` only, over the pipe."""

    ref: str
    spool: str
    """Of this server: its shim ends every process that has it in its environment, when the server is gone."""
    interpreter: Path
    environment: Mapping[str, str]
    folder: str
    """Its working directory."""
    orders: Mapping[str, Any]


class Wakeup:
    """Ends the wait of a sensor's thread from any other; lives as long as the thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_closed = False

    def fileno(self) -> int:
        return self._fd

    def set(self) -> None:
        with self._lock:
            if not self._is_closed:
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return

    def wait(self, timeout_s: float | None) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            selector.select(timeout_s)
        self.clear()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            os.close(self._fd)


class SensorProcess:
    """Belongs to the thread that made it, which must outlive it: the kernel ends the process when
    that thread ends."""

    def __init__(self, launch: Launch, log: SensorLog, wakeup: Wakeup) -> None:
        """Raises RunnerFailure when it cannot be started."""
        self.marker = f"{_RUN_MARKER}={secrets.token_hex(12)}"
        self._wakeup = wakeup
        self._ours, theirs = socket.socketpair()
        try:
            self._process = self._spawn(launch, theirs)
        except OSError as error:
            self._ours.close()
            raise RunnerFailure(f"The sensor could not be started: {error}.") from error
        finally:
            theirs.close()
        try:
            self._watch(log)
            self.send(launch.orders)
        except (OSError, RunnerFailure) as error:
            self._process.kill()
            self._process.communicate()
            self._ours.close()
            raise RunnerFailure(f"The sensor could not be started: {error}") from error

    def _watch(self, log: SensorLog) -> None:
        self.started_at_s = time.monotonic()
        self.is_over = False
        self.is_deaf = False
        """It closed its end of the pipe: nothing that it does can be seen any more."""
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._messages_wanted = True
        self._printed = {
            self._stream(self._process.stdout): log.printed(logging.INFO),
            self._stream(self._process.stderr): log.printed(logging.WARNING),
        }
        self._pidfd = os.pidfd_open(self._process.pid)
        self._selector = selectors.DefaultSelector()
        self._ours.setblocking(False)
        for fd in (self._ours.fileno(), self._pidfd, self._wakeup.fileno(), *self._printed):
            self._selector.register(fd, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.started_at_s

    def _spawn(self, launch: Launch, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        run, _, value = self.marker.partition("=")
        number = theirs.fileno()
        argv = [str(launch.interpreter), "-I", "-u", "-X", "utf8", str(_PROGRAM), str(number), launch.ref]
        self.command = " ".join(argv)
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=launch.folder,
            env={**launch.environment, run: value, _SERVER_MARKER: launch.spool},
            pass_fds=(number,),
            start_new_session=True,
        )

    def _stream(self, stream: Any) -> int:
        fd: int = stream.fileno()
        os.set_blocking(fd, False)
        return fd

    # speaking

    def send(self, message: Mapping[str, Any]) -> None:
        """Never blocks: what the sensor does not take yet waits. Raises RunnerFailure for what is no JSON."""
        try:
            body = orjson.dumps(message, default=str, option=orjson.OPT_NON_STR_KEYS)
        except (TypeError, ValueError) as error:
            raise RunnerFailure(f"The sensor cannot be told: {error}.") from error
        self._outbox += len(body).to_bytes(_LENGTH_BYTES, "big") + body
        self._flush()

    def want_messages(self, wanted: bool) -> None:
        """Whether to read what the sensor asks. While we do not, it waits: it cannot run ahead of us."""
        if wanted != self._messages_wanted:
            self._messages_wanted = wanted
            self._watch_pipe()

    def pump(self, timeout_s: float | None, on_message: Callable[[dict[str, Any]], None]) -> None:
        """Wait for something to happen, and deal with it. `is_over` is set when the process has ended."""
        if self._messages_wanted and self._take_messages(on_message):
            timeout_s = 0
        events = {key.fd: mask for key, mask in self._selector.select(timeout_s)}
        if self._wakeup.fileno() in events:
            self._wakeup.clear()
        for fd in self._printed.keys() & events.keys():
            self._take_printed(fd)
        mask = events.get(self._ours.fileno(), 0)
        if mask & selectors.EVENT_WRITE:
            self._flush()
        if mask & selectors.EVENT_READ:
            self._receive()
        self._take_messages(on_message)
        self.is_over = self.is_over or self._pidfd in events

    def _watch_pipe(self) -> None:
        events = 0
        if not self.is_deaf:
            events = selectors.EVENT_READ if self._messages_wanted else 0
            events |= selectors.EVENT_WRITE if self._outbox else 0
        fd = self._ours.fileno()
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if events:
            self._selector.register(fd, events)

    def _flush(self) -> None:
        had = bool(self._outbox)
        try:
            while self._outbox:
                del self._outbox[: self._ours.send(self._outbox)]
        except BlockingIOError:
            pass
        except OSError:
            # It is ending, which is seen elsewhere.
            self._outbox.clear()
        if had or self._outbox:
            self._watch_pipe()

    def _receive(self) -> None:
        try:
            data = self._ours.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._inbox += data
        if not data:
            self.is_deaf = True
            self._watch_pipe()

    def _take_messages(self, on_message: Callable[[dict[str, Any]], None]) -> bool:
        """Give on whole messages while they are wanted; whether there were any."""
        taken = 0
        while self._messages_wanted and len(self._inbox) >= _LENGTH_BYTES:
            size = int.from_bytes(self._inbox[:_LENGTH_BYTES], "big")
            if size > MESSAGE_LIMIT_BYTES:
                raise RunnerFailure(f"The sensor sent a message of {size} bytes; it is not speaking with us.")
            if len(self._inbox) < _LENGTH_BYTES + size:
                break
            body = bytes(self._inbox[_LENGTH_BYTES : _LENGTH_BYTES + size])
            del self._inbox[: _LENGTH_BYTES + size]
            taken += 1
            on_message(_decoded(body))
        return bool(taken)

    def _take_printed(self, fd: int) -> bool:
        """Whether there was any."""
        try:
            data = os.read(fd, _PRINTED_BYTES)
        except BlockingIOError:
            return False
        if not data and fd in self._selector.get_map():
            self._selector.unregister(fd)
        self._printed[fd].feed(data)
        return bool(data)

    # ending

    def terminate(self) -> None:
        """Ask it to end: by the pipe, and by SIGTERM."""
        self.send({"op": "stop"})
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """The process itself; `finish` sees to what it started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    def finish(self, on_message: Callable[[dict[str, Any]], None]) -> int:
        """KILL what it started, read what it said last, and let go of it. Its exit code; negative: a signal.

        Only when it is over, or was killed.
        """
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._take_last_messages(on_message)
        # It is not reaped yet, so that nobody else can have its number.
        kill_marked(self.pid, self.marker.encode())
        code = self._process.wait()
        for fd, printed in self._printed.items():
            left = _DRAIN_LIMIT_BYTES
            while left > 0 and self._take_printed(fd):
                left -= _PRINTED_BYTES
            printed.finish()
        self._selector.close()
        os.close(self._pidfd)
        self._ours.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def _take_last_messages(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        """What it sent before it ended and we have not read: its own report of a failure."""
        while not self.is_deaf:
            try:
                data = self._ours.recv(_RECEIVE_BYTES)
            except OSError:
                break
            self._inbox += data
            self.is_deaf = not data
        self._messages_wanted = True
        try:
            self._take_messages(on_message)
        except RunnerFailure:
            # It is over, and what it said last makes no sense.
            self._inbox.clear()

    def memory_bytes(self) -> int:
        """Resident memory of the process itself; 0 when it has ended."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RunnerFailure(f"The sensor sent what is no message: {error}.") from error
    if not isinstance(message, dict):
        raise RunnerFailure("The sensor sent what is no message.")
    return message


def sweep(spool: str) -> int:
    """KILL what sensors of an earlier server with this spool have left. How many processes there were."""
    return kill_marked(None, f"{_SERVER_MARKER}={spool}".encode())
