"""The server's side of the shim: have actions run, follow them, find them again after a restart."""

import contextlib
import fcntl
import functools
import json
import logging
import os
import queue
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunnerFailure
from engine.runners.base import LetGo
from engine.runners.shim_connection import GONE, Connection, Event, Job
from engine.runners.spool import Ended, Spool
from engine.runners.sweep import kill_leftovers, kill_process

log = logging.getLogger(__name__)

RUNTIME = Path(__file__).resolve().parent.parent / "pack_runtime"
_PROGRAM = RUNTIME / "_stormcrow" / "shim.py"
_CONTROL_FD, _LOCK_FD = 3, 4
# How long the shim of an earlier server may take to say what it runs.
_GREETING_S = 10.0


class Shims:
    """The shim of this server, started when it is needed, and those of earlier servers."""

    def __init__(self, folder: Path, *, environment: Mapping[str, str]) -> None:
        """`folder`: the spool. `environment`: of the shim itself; actions never see it."""
        self.spool = Spool(folder)
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._current: Connection | None = None
        self._earlier: list[Connection] = []
        self.is_closing = False

    # starting

    def prepare(self, *, wait_s: float = 5.0) -> None:
        """Make sure that no shim of an earlier server can start anything any more.

        Waits up to `wait_s` for each, then kills it. Afterwards an execution without an entry in
        the spool was never started. What earlier shims still run can be adopted.
        """
        self.spool.create()
        for lock in sorted(self.spool.folder.glob("*.lock")):
            self._await_unlocked(lock, wait_s)
            if not lock.with_suffix(".sock").exists():
                lock.unlink(missing_ok=True)
        for path in sorted(self.spool.folder.glob("*.sock")):
            self._connect(path)

    def _await_unlocked(self, path: Path, wait_s: float) -> None:
        give_up_at = time.monotonic() + wait_s
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            while not _may_lock(file.fileno()):
                if time.monotonic() > give_up_at:
                    log.warning("killed the shim of an earlier server: it did not let go of %s", path.name)
                    kill_process(json.loads(file.read() or b"{}"))
                    give_up_at += wait_s
                time.sleep(0.01)

    def _connect(self, path: Path) -> None:
        connection = socket.socket(socket.AF_UNIX)
        folder = os.open(self.spool.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Through /proc, because the name of a socket may not be longer than 107 bytes.
            connection.connect(f"/proc/self/fd/{folder}/{path.name}")
        except OSError:
            connection.close()
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
            return
        finally:
            os.close(folder)
        earlier = Connection(connection, name=path.stem, pid=None, on_lost=lambda: None)
        if not earlier.greeted.wait(_GREETING_S):
            log.warning("killed the shim of an earlier server: it does not answer at %s", path.name)
            with contextlib.suppress(OSError):
                kill_process(json.loads(path.with_suffix(".lock").read_bytes()))
        self._earlier.append(earlier)

    def start(self) -> None:
        """Start the shim now rather than with the first action."""
        self._shim()

    def _shim(self) -> Connection:
        with self._lock:
            if self.is_closing:
                raise RunnerFailure("The server is stopping; nothing more is started.")
            if self._current is None or not self._current.is_open:
                self._current = self._spawn()
            return self._current

    def _spawn(self) -> Connection:
        name = f"shim-{secrets.token_hex(6)}"
        self.spool.create()
        ours, theirs = socket.socketpair()
        folder = self.spool.folder
        lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        log_file = os.open(folder / "shim.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # Locked before it is handed over: there is no moment in which the shim lives unlocked.
            fcntl.flock(lock, fcntl.LOCK_EX)
            argv = [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM), str(folder), name]
            actions = _descriptors({log_file: 2, theirs.fileno(): _CONTROL_FD, lock: _LOCK_FD})
            pid = os.posix_spawn(argv[0], argv, self._environment, file_actions=actions, setsid=True)
        except OSError as error:
            ours.close()
            raise RunnerFailure(f"The shim could not be started: {error}.") from error
        finally:
            theirs.close()
            os.close(lock)
            os.close(log_file)
        lost = functools.partial(self._lost, name, pid)
        return Connection(ours, name=name, pid=pid, on_lost=lost)

    # running

    def run(
        self,
        job: Job,
        *,
        on_output: Callable[[], None],
        watch_cancel: Callable[[Callable[[], None]], None],
    ) -> Ended:
        """Have `job` run, and return how it ended.

        `on_output` is called when there is more to read in the spool; `watch_cancel` is given
        what stops the action. Raises RunnerFailure when it could not be started.
        """
        for _ in range(2):
            ended = self._run_once(job, on_output=on_output, watch_cancel=watch_cancel)
            if ended is not None:
                return ended
        raise RunnerFailure("The shim died twice before it could start the action.")

    def _run_once(
        self,
        job: Job,
        *,
        on_output: Callable[[], None],
        watch_cancel: Callable[[Callable[[], None]], None],
    ) -> Ended | None:
        """None: the shim died, and the action was not started."""
        connection = self._shim()
        events = connection.follow(job.name)
        try:
            try:
                connection.send(job.message())
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    connection.kill()
            watch_cancel(functools.partial(_cancel, connection, job.name))
            return self._follow(events, job.name, on_output)
        finally:
            connection.leave(job.name)

    def _follow(
        self, events: "queue.SimpleQueue[Event]", name: str, on_output: Callable[[], None]
    ) -> Ended | None:
        while True:
            event = events.get()
            kind = event["e"]
            if kind == "output":
                on_output()
            elif kind == "ended":
                return Ended.of(event["end"])
            elif kind == "refused":
                raise RunnerFailure(f"The spool takes no new action: {event['error']}.")
            elif self.is_closing:
                raise LetGo("The server stops; the action goes on, and its result is collected later.")
            else:
                return self._end_without_shim(name)

    def _end_without_shim(self, name: str) -> Ended | None:
        """What the spool tells about an action whose shim is gone; None: it was never started."""
        ended = self.spool.end(name)
        if ended is not None or not self.spool.has(name):
            return ended
        kill_leftovers(name, self.spool.process(name))
        return Ended(reason="gone", exit=None)

    def adopt(
        self,
        name: str,
        *,
        on_output: Callable[[], None],
        watch_cancel: Callable[[Callable[[], None]], None],
    ) -> Ended | None:
        """As `run`, for an action that an earlier server started. None: it was never started."""
        ended = self.spool.end(name)
        if ended is not None:
            return ended
        for connection in self._earlier:
            if connection.is_open and name in connection.running:
                events = connection.follow(name)
                try:
                    connection.send({"op": "watch", "id": name})
                    watch_cancel(functools.partial(_cancel, connection, name))
                except OSError:
                    events.put(GONE)
                try:
                    return self._follow(events, name, on_output)
                finally:
                    connection.leave(name)
        return self._end_without_shim(name)

    # ending

    def _lost(self, name: str, pid: int) -> None:
        """Our shim is gone, or we let go of it."""
        if not _has_ended(pid, wait_s=0.5 if self.is_closing else 5.0):
            return
        for suffix in (".sock", ".lock"):
            (self.spool.folder / f"{name}{suffix}").unlink(missing_ok=True)
        if not self.is_closing:
            log.error("the shim %s died; what it ran is abandoned", name)

    def close(self) -> None:
        """Let go of the shims. What runs goes on, and the shim ends with the last of it."""
        with self._lock:
            self.is_closing = True
            connections = [*self._earlier, *([self._current] if self._current else [])]
        for connection in connections:
            connection.close()


def _cancel(connection: Connection, name: str) -> None:
    with contextlib.suppress(OSError):
        connection.send({"op": "cancel", "id": name})


def _has_ended(pid: int, *, wait_s: float) -> bool:
    """Wait for our child, but not for long: the shim goes on while an action of its does."""
    give_up_at = time.monotonic() + wait_s
    while time.monotonic() < give_up_at:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        time.sleep(0.005)
    return False


def _may_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _descriptors(targets: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """Steps that put descriptors at their numbers, and nothing at 0 and 1.

    They go by way of high numbers, so that none is overwritten before it was copied.
    """
    high = max(targets) + 100
    steps: list[tuple[Any, ...]] = []
    for index, fd in enumerate(targets):
        steps.append((os.POSIX_SPAWN_DUP2, fd, high + index))
    for index, number in enumerate(targets.values()):
        steps.append((os.POSIX_SPAWN_DUP2, high + index, number))
        steps.append((os.POSIX_SPAWN_CLOSE, high + index))
    steps += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
    return steps
