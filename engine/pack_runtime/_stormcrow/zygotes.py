"""The shim's side of warm Python interpreters: start them, hand them actions, let idle ones go."""

import json
import os
import socket
import time

START_S = 30.0
LOST_LOOK_S = 0.5
LONGEST_MESSAGE = 65536
# Each costs the memory of its imports; the one idle for longest makes room.
MOST = 16
NEVER = float("inf")
_HERE = os.path.dirname(os.path.abspath(__file__))


class Zygote:
    """One warm interpreter. `key` names what it has imported, from where."""

    def __init__(self, owner, key, python):
        self.key = key
        self.pid = None
        self.is_alive = True
        self.is_ready = False
        self.started_at = self.idle_since = time.monotonic()
        self.idle_s = python["idle_s"]
        self.waiting = []
        self.handed = {}
        self._owner = owner
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        shim = owner.shim
        try:
            argv = [python["interpreter"], "-I", os.path.join(_HERE, "zygote.py")]
            actions = [(os.POSIX_SPAWN_DUP2, shim.null_fd, number) for number in (0, 1, 2)]
            actions.append((os.POSIX_SPAWN_DUP2, theirs.fileno(), 3))
            self.pid = os.posix_spawn(argv[0], argv, python["start_env"], file_actions=actions, setsid=True)
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        about = {"modules": python["modules"], "first": python["first"], "last": python["last"]}
        self._socket.send(json.dumps(about).encode())
        shim.watch(self._socket.fileno(), self._receive)

    @property
    def is_busy(self):
        return bool(self.waiting or self.handed)

    def add(self, running):
        running.zygote = self
        self.waiting.append(running)
        self.hand_over()

    def hand_over(self):
        """Send what waits, as far as the socket takes it."""
        while self.is_ready and self.waiting:
            running = self.waiting[0]
            message = json.dumps({"id": running.name}).encode()
            try:
                socket.send_fds(self._socket, [message], running.python_fds)
            except BlockingIOError:
                return
            except OSError:
                self.lost()
                return
            self.waiting.pop(0)
            self.handed[running.name] = running
            running.release()

    def withdraw(self, running):
        """True when the action was not handed over, and now never will be."""
        if running in self.waiting:
            self.waiting.remove(running)
            return True
        return False

    def _receive(self, _events):
        while self.is_alive:
            try:
                data = self._socket.recv(LONGEST_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.lost()
                return
            self._handle(json.loads(data))

    def _handle(self, message):
        if message.get("ready"):
            self.is_ready = True
            self.hand_over()
            return
        if "exit" not in message:
            running = self.handed.get(message["id"])
            if running is not None:
                running.started(message["pid"])
            return
        running = self._owner.shim.by_pid.get(message["pid"])
        if running is not None:
            running.exited(message["exit"])
        elif not message["is_taken"]:
            # A spare that was killed; it may have taken an action without saying so.
            self._owner.suspect([running for running in self.handed.values() if running.pid is None])

    def finished(self, running):
        self.handed.pop(running.name, None)
        self.withdraw(running)
        self.idle_since = time.monotonic()

    def died(self):
        """The process has ended; its spares may still take what was handed over, and tell."""
        if self.is_alive:
            self.is_ready = False
            self._owner.retire(self)
            # A spare without an action reads the end of the socket, and goes.
            self._socket.shutdown(socket.SHUT_WR)
            self._start_waiting_cold()

    def lost(self):
        """Nobody is left at the other end: what runs is now the shim's own child."""
        if self.is_alive:
            self.close()
            self._owner.retire(self)
            self._owner.suspect(self.handed.values())
            self._start_waiting_cold()

    def _start_waiting_cold(self):
        for running in list(self.waiting):
            self.waiting.remove(running)
            running.zygote = None
            running.start_cold()

    def close(self):
        self.is_alive = False
        self._owner.shim.unwatch(self._socket.fileno())
        self._socket.close()


class Zygotes:
    """Every warm interpreter of this shim, by key."""

    def __init__(self, shim):
        self.shim = shim
        self._by_key = {}
        self._orphaned = {}
        self.due = NEVER

    def submit(self, running):
        """Have the action forked from its interpreter, which is started where it is missing."""
        python = running.python
        key = json.dumps([python[name] for name in ("interpreter", "stamp", "first", "last", "modules")])
        zygote = self._by_key.get(key)
        if zygote is None:
            self._make_room()
            zygote = self._by_key[key] = Zygote(self, key, python)
        zygote.add(running)
        self._set_due()

    def _make_room(self):
        idle = sorted(
            (zygote for zygote in self._by_key.values() if not zygote.is_busy),
            key=lambda zygote: zygote.idle_since,
        )
        for zygote in idle[: max(0, len(self._by_key) + 1 - MOST)]:
            self._by_key.pop(zygote.key)
            zygote.close()

    def retire(self, zygote):
        """Give it nothing more."""
        if self._by_key.get(zygote.key) is zygote:
            self._by_key.pop(zygote.key)
        self._set_due()

    def suspect(self, runnings):
        """Look from time to time whether these still run: nobody will tell how they end."""
        self._orphaned.update((running.name, running) for running in runnings)
        self._set_due()

    def finished(self, running):
        if running.zygote is not None:
            running.zygote.finished(running)
            self._set_due()
        self._orphaned.pop(running.name, None)

    def exited(self, pid):
        for zygote in list(self._by_key.values()):
            if zygote.pid == pid:
                zygote.died()

    def tick(self, now):
        if now < self.due:
            return
        for zygote in list(self._by_key.values()):
            if not zygote.is_ready and now - zygote.started_at >= START_S:
                os.kill(zygote.pid, 9)
                zygote.lost()
            elif not zygote.is_busy and now - zygote.idle_since >= zygote.idle_s:
                self._by_key.pop(zygote.key)
                zygote.close()
            else:
                zygote.hand_over()
        for running in list(self._orphaned.values()):
            running.look_if_lost()
        self._set_due()

    def _set_due(self):
        now = time.monotonic()
        dues = [LOST_LOOK_S + now] if self._orphaned else []
        for zygote in self._by_key.values():
            if not zygote.is_ready:
                dues.append(zygote.started_at + START_S)
            elif not zygote.is_busy:
                dues.append(zygote.idle_since + zygote.idle_s)
            elif zygote.waiting:
                dues.append(now + 0.01)
        self.due = min(dues, default=NEVER)

    def close(self):
        for zygote in self._by_key.values():
            zygote.close()
        self._by_key.clear()
