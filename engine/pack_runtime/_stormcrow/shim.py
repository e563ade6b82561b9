"""The shim: a small process of its own that runs the server's actions and outlives the server.

One thread, one loop. Requests come over the socket that the server gave at the start
(descriptor 3); a later server connects to `<name>.sock` to watch and to cancel what still runs.
Descriptor 4 is `<name>.lock`, locked by the server before it started us, so that no moment is
without the lock; it is given up as soon as nothing more can be started.

    python -I -S -X utf8 shim.py SPOOL NAME
"""

import json
import os
import selectors
import signal
import socket
import struct
import sys
import time

# -I leaves our own folder out of the path.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from _stormcrow import processes, wire
from _stormcrow.running import Running
from _stormcrow.zygotes import Zygotes

CONTROL_FD, LOCK_FD = 3, 4
# Actions get descriptors below this number; ours stay above, so that neither overwrites the other.
FIRST_OWN_FD = 20
RECEIVE_BYTES = 262144
# In the environment of every sensor, with the spool of its server.
SENSOR_MARKER = "STORMCROW_SENSOR_OF"


class Peer:
    """A connected server. What cannot be sent at once waits; small messages only."""

    def __init__(self, shim, connection, *, may_run):
        self.may_run = may_run
        self._shim = shim
        self._socket = connection
        self._inbox = wire.Inbox()
        self._waiting = bytearray()
        connection.setblocking(False)
        shim.watch(connection.fileno(), self._serve)

    @property
    def is_behind(self):
        return bool(self._waiting)

    def send(self, message):
        self._waiting += wire.pack(message)
        self._flush()

    def _flush(self):
        try:
            while self._waiting:
                del self._waiting[: self._socket.send(self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._waiting.clear()
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._waiting else 0)
        self._shim.watch_again(self._socket.fileno(), events)

    def _serve(self, events):
        if events & selectors.EVENT_WRITE:
            self._flush()
        if not events & selectors.EVENT_READ:
            return
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        for message in self._inbox.feed(data):
            self._shim.handle(self, message)
        if not data:
            self._shim.unwatch(self._socket.fileno())
            self._socket.close()
            self._shim.left(self)


class Shim:
    def __init__(self, spool, name):
        self.name = name
        self._spool = spool
        self.spool_fd = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.null_fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.boot = _boot_id()
        self.running = {}
        self.by_pid = {}
        self.is_accepting = True
        self._is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._events = {}
        self._lock_fd = self._keep_lock()
        self._signals = self._watch_signals()
        self._listener = self._listen()
        self.zygotes = Zygotes(self)
        Peer(self, socket.socket(fileno=_take(CONTROL_FD, self.null_fd)), may_run=True)

    # the loop

    def serve(self):
        while self.is_accepting or self.running:
            now = time.monotonic()
            due = min((running.due for running in self.running.values()), default=float("inf"))
            due = min(due, self.zygotes.due)
            timeout = None if due == float("inf") else max(0.0, due - now)
            for key, events in self._selector.select(timeout):
                if key.fd in self._events:
                    self._events[key.fd](events)
            self._run_timers()
            self._tell_news()

    def _run_timers(self):
        now = time.monotonic()
        for running in list(self.running.values()):
            if running.due <= now:
                running.tick(now)
        self.zygotes.tick(now)

    def _tell_news(self):
        for running in self.running.values():
            # One notice at a time: the server reads the file from where it was.
            if running.has_news and running.peer is not None and not running.peer.is_behind:
                running.has_news = False
                running.peer.send({"e": "output", "id": running.name})

    def watch(self, fd, callback):
        self._events[fd] = callback
        self._selector.register(fd, selectors.EVENT_READ)

    def watch_again(self, fd, events):
        if fd in self._events and self._selector.get_key(fd).events != events:
            self._selector.modify(fd, events)

    def unwatch(self, fd):
        if self._events.pop(fd, None) is not None:
            self._selector.unregister(fd)

    # requests

    def handle(self, peer, message):
        operation = message["op"]
        if operation == "run" and peer.may_run and self.is_accepting:
            self._run(peer, message)
        elif operation == "cancel" and message["id"] in self.running:
            self.running[message["id"]].stop("cancelled")
        elif operation == "watch":
            self._watch_running(peer, message["id"])

    def _run(self, peer, message):
        if message["id"] in self.running:
            peer.send({"e": "refused", "id": message["id"], "error": "it runs already"})
            return
        running = Running(self, message, peer)
        self.running[running.name] = running
        running.start()
        if running.is_over:
            self.running.pop(running.name, None)

    def _watch_running(self, peer, name):
        running = self.running.get(name)
        if running is None:
            peer.send({"e": "unknown", "id": name})
            return
        running.peer = peer
        running.has_news = True

    def tell(self, peer, message):
        if peer is not None:
            peer.send(message)

    def ended(self, running, end):
        self.running.pop(running.name, None)
        self.by_pid.pop(running.pid, None)
        self.zygotes.finished(running)
        self.tell(running.peer, {"e": "ended", "id": running.name, "end": end})

    def left(self, peer):
        """A server is gone. Without the one that started us nothing new is begun."""
        for running in self.running.values():
            if running.peer is peer:
                running.peer = None
        if peer.may_run:
            # Before the lock is given up: the next server starts its own ones after that.
            self._end_sensors()
            self.stop_accepting()

    def _end_sensors(self):
        """Sensors end with their server, and so does what they have started."""
        marker = ("%s=%s" % (SENSOR_MARKER, self._spool)).encode()
        for _ in range(3):
            found = processes.members(None, marker)
            if not found:
                return
            processes.send(found, signal.SIGKILL)

    def stop_accepting(self):
        if self.is_accepting:
            self.is_accepting = False
            os.close(self._lock_fd)

    def run_aside(self, argv, text):
        """Run a short command of our own, such as `sudo kill`; `text` is its standard input."""
        fd = os.memfd_create("stormcrow", os.MFD_CLOEXEC)
        os.write(fd, (text or "").encode())
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, fd, 0)]
            actions += [(os.POSIX_SPAWN_DUP2, self.null_fd, number) for number in (1, 2)]
            os.posix_spawn(argv[0], argv, {"PATH": os.defpath}, file_actions=actions, setsid=True)
        except OSError:
            pass
        finally:
            os.close(fd)

    # signals and children

    def _watch_signals(self):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.watch(reader, lambda _events: self._on_signal(reader))
        return reader, writer

    def _on_term(self, *_):
        self._is_stopping = True

    def _on_signal(self, reader):
        try:
            while os.read(reader, 4096):
                pass
        except BlockingIOError:
            pass
        self._reap()
        if self._is_stopping:
            self.stop_accepting()
            for running in list(self.running.values()):
                running.stop("stopped")

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            running = self.by_pid.get(pid)
            if running is not None:
                running.exited(os.waitstatus_to_exitcode(status))
            else:
                self.zygotes.exited(pid)

    # what a later server finds

    def _keep_lock(self):
        fd = _take(LOCK_FD, self.null_fd)
        about = {"pid": os.getpid(), "start": processes.start_ticks(os.getpid()), "boot": self.boot}
        os.write(fd, json.dumps(about).encode())
        return fd

    def _listen(self):
        listener = socket.socket(socket.AF_UNIX)
        # Through /proc, because the name of a socket may not be longer than 107 bytes.
        listener.bind("/proc/self/fd/%d/%s.sock" % (self.spool_fd, self.name))
        listener.listen(16)
        listener.setblocking(False)
        self.watch(listener.fileno(), self._accept)
        return listener

    def _accept(self, _events):
        try:
            connection = self._listener.accept()[0]
        except OSError:
            return
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        if uid not in (os.getuid(), 0):
            connection.close()
            return
        peer = Peer(self, connection, may_run=False)
        peer.send({"e": "hello", "running": sorted(self.running)})

    def close(self):
        self.zygotes.close()
        for suffix in (".sock", ".lock"):
            try:
                os.unlink(self.name + suffix, dir_fd=self.spool_fd)
            except OSError:
                pass


def _take(number, null_fd):
    """A copy of an inherited descriptor that no action inherits; its number is made harmless."""
    fd = os.dup(number)
    os.dup2(null_fd, number, inheritable=False)
    return fd


def _boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _keep_low_numbers_free():
    """Fill the low descriptors, so that everything opened later lies above them."""
    while True:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if fd >= FIRST_OWN_FD:
            os.close(fd)
            return


def main():
    spool, name = sys.argv[1:3]
    os.chdir("/")
    _keep_low_numbers_free()
    processes.become_subreaper()
    shim = Shim(spool, name)
    try:
        shim.serve()
    finally:
        shim.close()


if __name__ == "__main__":
    main()
