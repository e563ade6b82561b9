"""One action under the shim: its process, its pipes, its limits, its entry in the spool, its end.

The entry is a file `<id>` in the spool, made before the action starts. It consists of frames:
seconds since 1970 (double), kind (byte), size (4 bytes), then that many bytes. Kinds:
    0  how it ended, JSON; always the last one
    1  stdout    2  stderr    3  the result of a Python action
    4  once it has run for a moment: {"pid": .., "start": .., "boot": ..}
"""

import errno
import json
import os
import signal
import struct
import time

from _stormcrow import processes

END, STDOUT, STDERR, RESULT, PROCESS = range(5)
FRAME = struct.Struct(">dBI")
# How long a grandchild may keep the pipes open after the action itself has exited.
PIPE_GRACE_S = 0.5
NOTE_PID_AFTER_S = 0.2
# While an action is being ended, how often its processes are looked at, and when we give up.
ENDING_LOOK_S = 0.05
GIVE_UP_S = 5.0
READ_BYTES = 65536
NEVER = float("inf")
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD, signal.SIGINT)


class Running:
    """Created by a `run` request; `tick` is called when `due`, `exited` when the process ends."""

    def __init__(self, shim, request, peer):
        self.shim = shim
        self.name = request["id"]
        self.request = request
        self.peer = peer
        self.python = request.get("python")
        self.has_news = False
        self.pid = None
        self.zygote = None
        self.python_fds = []
        self.exit = None
        self.reason = None
        self.error = ""
        self.due = NEVER
        self.is_over = False
        self._marker = ("ST2_ACTION_EXECUTION_ID=%s" % request["execution_id"]).encode()
        self._limits = {STDOUT: request["limit"], STDERR: request["limit"], RESULT: request["result_limit"]}
        self._seen = {STDOUT: 0, STDERR: 0, RESULT: 0}
        self._kept = {STDOUT: 0, STDERR: 0, RESULT: 0}
        self._pipes = {}
        self._targets = {}
        self._given = []
        self._file = None
        self._size = 0
        self._note_pid_at = NEVER
        self._deadline = NEVER
        self._close_at = NEVER
        self._kill_at = NEVER

    def start(self):
        """Make the entry, then start. What fails after that is written as an end of its own."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self.name, flags, 0o600, dir_fd=self.shim.spool_fd)
        except OSError as error:
            self.is_over = True
            self.shim.tell(self.peer, {"e": "refused", "id": self.name, "error": _words(error)})
            return
        now = time.monotonic()
        self._deadline = now + self.request["timeout_s"] if self.request["timeout_s"] else NEVER
        try:
            self._launch()
        except (OSError, ValueError) as error:
            self.unstarted(_words(error))
        self._set_due()

    def _launch(self):
        targets = {1: self._pipe(STDOUT), 2: self._pipe(STDERR)}
        if self.request.get("wants_result"):
            targets[4] = self._pipe(RESULT)
        for number, text in self.request.get("feed", {}).items():
            targets[int(number)] = self._memory(text)
        self._targets = targets
        if self.python:
            # In the order that zygote.py expects: payload, stdout, stderr, result.
            self.python_fds = [targets[number] for number in (3, 1, 2, 4)]
            self.shim.zygotes.submit(self)
        else:
            self._spawn()

    def start_cold(self):
        """Start a Python action whose warm interpreter died before it had begun."""
        if self.is_over:
            return
        try:
            self._spawn()
        except (OSError, ValueError) as error:
            self.unstarted(_words(error))

    def _spawn(self):
        """Start `argv` in a session of its own."""
        targets = {0: self.shim.null_fd, **self._targets}
        try:
            os.chdir(self.request["cwd"] or "/")
            pid = os.posix_spawn(
                self.request["argv"][0],
                self.request["argv"],
                self.request["env"],
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in targets.items()],
                setsid=True,
                setsigmask=[],
                setsigdef=_DEFAULT_SIGNALS,
            )
        finally:
            os.chdir("/")
        self.started(pid)

    def look_if_lost(self):
        """Its warm interpreter has died: without a process there is no exit code to come."""
        is_gone = processes.start_ticks(self.pid) is None if self.pid else not self._pipes
        if not self.is_over and self.exit is None and is_gone:
            self.reason = self.reason or "lost"
            self.error = "its Python interpreter was killed"
            self.finish()

    def started(self, pid):
        """It runs as process `pid`; one that was cancelled while it was being started ends now."""
        self.pid = pid
        self.shim.by_pid[pid] = self
        self.release()
        self._note_pid_at = time.monotonic() + NOTE_PID_AFTER_S
        if self.reason is not None:
            self._signal(self._members(), signal.SIGTERM)
        self._set_due()

    def release(self):
        """Let go of the descriptors that the action has now."""
        for fd in self._given:
            os.close(fd)
        self._given = []

    def _pipe(self, kind):
        reader, writer = os.pipe()
        self._given.append(writer)
        os.set_blocking(reader, False)
        self._pipes[reader] = kind
        self.shim.watch(reader, lambda _events: self._read(reader))
        return writer

    def _memory(self, text):
        fd = os.memfd_create("stormcrow", os.MFD_CLOEXEC)
        self._given.append(fd)
        with open(os.dup(fd), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    # output

    def _read(self, fd):
        """Take what is there; True when more may follow at once."""
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self._keep(self._pipes[fd], data)
            return True
        self._close_pipe(fd)
        self._finish_if_over()
        return False

    def _keep(self, kind, data):
        self._seen[kind] += len(data)
        data = data[: self._limits[kind] - self._kept[kind]]
        if not data:
            return
        if not self._write(kind, data):
            # A full disk costs output, which is counted as dropped, and not the action.
            self.error = self.error or "output was lost: the spool could not be written"
            self._limits[kind] = self._kept[kind]
            return
        self._kept[kind] += len(data)
        self.has_news = True

    def _write(self, kind, data):
        """Append a frame whole, or nothing; whether it was written."""
        frame = FRAME.pack(time.time(), kind, len(data)) + data
        try:
            if os.write(self._file, frame) == len(frame):
                self._size += len(frame)
                return True
            os.ftruncate(self._file, self._size)
        except OSError:
            pass
        return False

    def _close_pipe(self, fd):
        self.shim.unwatch(fd)
        os.close(fd)
        del self._pipes[fd]

    # the end

    def exited(self, code):
        """The action's first process has ended with `code`, negative for a signal."""
        if self.is_over or self.exit is not None:
            return
        self.exit = code
        self.shim.by_pid.pop(self.pid, None)
        for fd in list(self._pipes):
            while fd in self._pipes and self._read(fd):
                if self._seen[self._pipes[fd]] > self._limits[self._pipes[fd]]:
                    break
        self._close_at = time.monotonic() + PIPE_GRACE_S
        self._finish_if_over()
        self._set_due()

    def unstarted(self, error):
        self.error = error
        self.reason = "unstarted"
        self.finish()

    def stop(self, reason):
        """End it and everything that it started: TERM now, KILL after the grace."""
        if self.is_over or self.reason is not None or self.exit is not None:
            return
        self.reason = reason
        if self.pid is None and (self.zygote is None or self.zygote.withdraw(self)):
            self.finish()
            return
        self._kill_at = time.monotonic() + self.request["grace_s"]
        if self.pid is not None:
            self._signal(self._members(), signal.SIGTERM)
        self._set_due()

    def tick(self, now):
        if self.reason is not None:
            self._tick_ending(now)
        elif now >= self._deadline and self.exit is None:
            self.stop("timeout")
        elif now >= self._close_at:
            self.finish()
        elif now >= self._note_pid_at:
            self._note_pid()
        self._set_due()

    def _tick_ending(self, now):
        alive = self._members()
        if not alive and self.exit is not None:
            self.finish()
        elif now >= self._kill_at + GIVE_UP_S:
            self.error = "could not be killed: %s" % ", ".join(map(str, alive))
            self.finish()
        elif now >= self._kill_at:
            self._signal(alive, signal.SIGKILL)

    def _set_due(self):
        if self.is_over:
            self.due = NEVER
        elif self.reason is not None:
            self.due = time.monotonic() + ENDING_LOOK_S
        elif self.exit is not None:
            self.due = self._close_at
        else:
            self.due = min(self._deadline, self._note_pid_at)

    def _members(self):
        return processes.members(self.pid, self._marker, within=os.getpid())

    def _signal(self, pids, number):
        processes.send(pids, number)
        prefix = self.request.get("kill_command")
        if prefix and pids:
            argv = [*prefix, "-%d" % number, *map(str, pids)]
            self.shim.run_aside(argv, self.request.get("kill_input"))

    def _note_pid(self):
        self._note_pid_at = NEVER
        text = json.dumps({"pid": self.pid, "start": processes.start_ticks(self.pid), "boot": self.shim.boot})
        self._write(PROCESS, text.encode())

    def _finish_if_over(self):
        if self.exit is not None and not self._pipes and self.reason is None:
            self.finish()

    def finish(self):
        """Close, write `end`, and tell the server."""
        if self.is_over:
            return
        self.is_over = True
        self.release()
        for fd in list(self._pipes):
            self._close_pipe(fd)
        end = {
            "reason": self.reason or "exited",
            "exit": self.exit,
            "error": self.error,
            "seen": [self._seen[kind] for kind in (STDOUT, STDERR, RESULT)],
            "kept": [self._kept[kind] for kind in (STDOUT, STDERR, RESULT)],
        }
        # Where the disk is full, a server that is there is told over its socket.
        self._write(END, json.dumps(end).encode())
        os.close(self._file)
        self.shim.ended(self, end)


def _words(error):
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        return "the command line and environment are too long for the kernel"
    if isinstance(error, OSError) and error.strerror:
        return "%s: %s" % (error.strerror, error.filename) if error.filename else error.strerror
    return str(error)
