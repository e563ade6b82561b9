"""A warm interpreter: imports what a pack's actions import, then forks itself for each run.

It never imports anything after it said that it is ready, so it is always quick to answer, and
what runs in a fork leaves nothing behind. Runs on Python 3.8 and later, with the standard
library only. Descriptor 3 is a socket to the shim that keeps the bounds of messages:

    in    {"modules", "first", "last"} once; then {"id"} with four descriptors, payload, stdout,
          stderr and result, which is read by one of the spare forks
    out   {"ready": true}, {"id", "pid"}, {"pid", "exit", "is_taken"}
"""

import array
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys

_RUNTIME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(_RUNTIME)

from _stormcrow import python_action  # noqa: E402  (-I leaves our own folder out of the path)

CONTROL_FD = 3
LONGEST_MESSAGE = 1 << 20
SPARES = 3
# Spares are made up for in a quiet moment, and not beside the action that has just been taken.
QUIET_MS = 10
MOST_FAILURES = 5
# Set before the interpreter starts itself again without the modules that start threads.
SKIP = "STORMCROW_SKIP"
# Every action needs these.
ALWAYS = (
    "st2common.runners.base_action",
    "st2common.runners.utils",
    "st2common.util.config_loader",
    "_stormcrow.action_service",
    "urllib.request",
)


def import_all(modules, skipped):
    """Import each, whatever happens in it; the name of the first that started a thread, or None."""
    for name in (*ALWAYS, *modules):
        if name in skipped:
            continue
        try:
            importlib.import_module(name)
        except BaseException:
            # The action will meet the same error, and report it as its own.
            continue
        if _threads() > 1:
            return name
    return None


def _threads():
    return len(os.listdir("/proc/self/task"))


def _start_again(about, name, skipped):
    """A fork copies one thread only: begin anew, and leave that module to the actions."""
    os.environ[SKIP] = json.dumps({"about": about, "skipped": [*skipped, name]})
    os.set_inheritable(CONTROL_FD, True)
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__)])


class Zygote:
    """Keeps spare forks of itself: processes that wait for one action, run it, and end.

    Forking ahead takes the fork, and the page faults after it, out of the action's time.
    """

    def __init__(self, control):
        self._control = control
        self._become_subreaper = python_action.subreaper()
        self._wake, self._wake_writer = os.pipe()
        for fd in (self._wake, self._wake_writer):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll = select.poll()
        # No events asked for: what comes is read by the spares, and the end is told all the same.
        self._poll.register(self._control, 0)
        self._poll.register(self._wake, select.POLLIN)
        self._spares = {}
        self._taken = set()
        self._failures = 0

    def serve(self):
        self._send({"ready": True})
        while self._failures < MOST_FAILURES:
            if not self._spares:
                self._fork()
            is_short = len(self._spares) < SPARES
            events = self._poll.poll(QUIET_MS if is_short else None)
            if is_short and not events:
                self._fork()
            for fd, _ in events:
                if fd == self._control.fileno():
                    return
                if fd == self._wake:
                    self._reap()
                elif fd in self._spares:
                    self._hear(fd)

    def _fork(self):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_spare(writer, [reader, *self._spares])
        os.close(writer)
        self._spares[reader] = pid
        self._poll.register(reader, select.POLLIN)

    def _hear(self, fd):
        """A spare has taken an action, or has died before."""
        pid = self._spares.pop(fd)
        if os.read(fd, 1):
            self._taken.add(pid)
            self._failures = 0
        else:
            self._failures += 1
        self._poll.unregister(fd)
        os.close(fd)

    def _be_spare(self, taken, others):
        os.setsid()
        self._become_subreaper()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for fd in (self._wake, self._wake_writer, *others):
            os.close(fd)
        python_action.rehearse()
        data, fds = self._receive()
        if not data:
            os._exit(0)
        try:
            os.write(taken, b"t")
        except OSError:
            # The interpreter that forked us was killed; the action does not need it.
            pass
        os.close(taken)
        self._send({"id": json.loads(data.decode())["id"], "pid": os.getpid()})
        payload, stdout, stderr, result = fds
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.close(stdout)
        os.close(stderr)
        python_action.run(payload, result, self._say_exit)

    def _say_exit(self, code):
        """Said a little ahead: to take the process down takes the system longer than the action."""
        self._send({"pid": os.getpid(), "exit": code, "is_taken": True})

    def _receive(self):
        """(bytes, descriptors) of the next action."""
        integers = array.array("i")
        space = socket.CMSG_SPACE(4 * integers.itemsize)
        data, ancillary, _, _ = self._control.recvmsg(65536, space, socket.MSG_CMSG_CLOEXEC)
        for level, kind, received in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                integers.frombytes(received[: len(received) - len(received) % integers.itemsize])
        return data, list(integers)

    def _reap(self):
        try:
            while os.read(self._wake, 4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for fd in [fd for fd, spare in self._spares.items() if spare == pid]:
                self._hear(fd)
            is_taken = pid in self._taken
            self._taken.discard(pid)
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            self._send({"pid": pid, "exit": code, "is_taken": is_taken})

    def _send(self, message):
        try:
            self._control.send(json.dumps(message).encode())
        except OSError:
            # The shim is gone; poll says so.
            return

    def end_actions(self):
        """The shim has gone: nobody watches over what still runs."""
        for pid in self._taken:
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                pass


def main():
    control = socket.socket(fileno=CONTROL_FD)
    control.set_inheritable(False)
    again = json.loads(os.environ.pop(SKIP, "{}"))
    about = again.get("about") or json.loads(control.recv(LONGEST_MESSAGE).decode())
    skipped = again.get("skipped", [])
    python_action.set_paths(about["first"], about["last"])
    culprit = import_all(about["modules"], skipped)
    if culprit is not None:
        _start_again(about, culprit, skipped)
    gc.collect()
    gc.freeze()
    zygote = Zygote(control)
    zygote.serve()
    zygote.end_actions()


if __name__ == "__main__":
    main()
