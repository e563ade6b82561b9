"""SSH connections, kept open and shared: one handshake for many commands."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager

import paramiko

from engine.errors import RunnerFailure
from engine.runners.ssh_connect import Connection, Target, connect, quiet_paramiko
from engine.runners.ssh_hosts import KnownHosts
from engine.settings import Settings

log = logging.getLogger(__name__)

# sshd takes ten sessions on a connection by default; half are left for kills and file copies.
_SESSIONS = 5
_ATTEMPTS = 4
_WAIT_SLICE_S = 0.1
_NO_LIMIT = 1_000_000


class ConnectionPool:
    """Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        quiet_paramiko()
        self._connect_timeout_s = settings.ssh.connect_timeout_s
        self._idle_s = settings.ssh.idle_s
        self._known_hosts = KnownHosts(
            settings.path(settings.ssh.known_hosts), accept_new=settings.ssh.accept_new
        )
        self._lock = threading.Lock()
        self._open: dict[tuple[object, ...], list[Connection]] = {}
        self._coming: dict[tuple[object, ...], Future[Connection]] = {}
        self._reaper: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def session(
        self,
        target: Target,
        *,
        prepare: Callable[[paramiko.Channel], None],
        cancelled: threading.Event,
    ) -> Iterator[paramiko.Channel]:
        """A session channel on which `prepare` has been called; closed at the end.

        A connection that turns out to be broken is replaced, and `prepare` called again: it must
        have no effect on the host. Raises RunnerFailure.
        """
        connection, channel = self._session(target, prepare, cancelled)
        try:
            yield channel
        finally:
            channel.close()
            self._give_back(connection)

    def close(self) -> None:
        """Closes everything; what runs on it ends as a lost connection."""
        self._closed.set()
        with self._lock:
            connections = [one for several in self._open.values() for one in several]
            self._open.clear()
        # Tunnelled connections first: they end through the ones that carry them.
        for connection in sorted(connections, key=lambda one: one.target.bastion is None):
            _shut(connection)
        if self._reaper is not None:
            self._reaper.join(timeout=2.0)

    def _session(
        self, target: Target, prepare: Callable[[paramiko.Channel], None], cancelled: threading.Event
    ) -> tuple[Connection, paramiko.Channel]:
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            connection = self._lease(target, cancelled, limited=True)
            channel: paramiko.Channel | None = None
            try:
                channel = connection.transport.open_session(timeout=self._connect_timeout_s)
                prepare(channel)
            except paramiko.ChannelException as error:
                # The host wants fewer sessions on one connection: go on with another one.
                problem = error
                self._give_back(connection, refused=True)
            except (paramiko.SSHException, OSError, EOFError) as error:
                problem = error
                self._discard(connection)
            else:
                return connection, channel
            if channel is not None:
                channel.close()
        raise RunnerFailure(f"{target.address} opens no session: {problem}.") from problem

    def _lease(self, target: Target, cancelled: threading.Event, *, limited: bool) -> Connection:
        """A live connection with room, counted as in use (or as carrying a tunnel)."""
        while True:
            if self._closed.is_set():
                raise RunnerFailure("The server is stopping.")
            with self._lock:
                found = self._with_room(target, limited=limited)
                if found is not None:
                    return found
                coming = self._coming.get(target.key)
                if coming is None:
                    coming = self._coming[target.key] = Future()
                    threading.Thread(
                        target=self._establish, args=(target, coming), name="ssh-connect", daemon=True
                    ).start()
            self._await(coming, target, cancelled)

    def _with_room(self, target: Target, *, limited: bool) -> Connection | None:
        """Called under the lock."""
        for connection in self._open.get(target.key, []):
            is_full = connection.in_use >= connection.capacity if limited else connection.capacity == 0
            if is_full or not connection.is_alive:
                continue
            if limited:
                connection.in_use += 1
            else:
                connection.tunnels += 1
            return connection
        return None

    def _await(self, coming: "Future[Connection]", target: Target, cancelled: threading.Event) -> None:
        # Through a bastion two handshakes follow each other.
        limit_s = self._connect_timeout_s * (2 if target.bastion else 1) + 1.0
        until_s = time.monotonic() + limit_s
        while True:
            try:
                coming.result(timeout=_WAIT_SLICE_S)
            except FutureTimeoutError:
                if cancelled.is_set():
                    raise RunnerFailure(f"Cancelled while connecting to {target.address}.") from None
                if time.monotonic() > until_s:
                    raise RunnerFailure(f"No connection to {target.address}: no answer in time.") from None
            else:
                return

    def _establish(self, target: Target, coming: "Future[Connection]") -> None:
        """Runs in a thread of its own, so that whoever waits can be cancelled."""
        try:
            connection = self._connect(target)
        except RunnerFailure as error:
            self._announce(target, coming, None)
            coming.set_exception(error)
        except Exception as error:
            # Whatever it is, those who wait must hear of it.
            log.exception("connecting to %s failed in an unexpected way", target.address)
            self._announce(target, coming, None)
            coming.set_exception(RunnerFailure(f"No connection to {target.address}: {error}."))
        else:
            self._announce(target, coming, connection)
            coming.set_result(connection)

    def _announce(self, target: Target, coming: "Future[Connection]", connection: Connection | None) -> None:
        with self._lock:
            if self._coming.get(target.key) is coming:
                del self._coming[target.key]
            if connection is not None and not self._closed.is_set():
                self._open.setdefault(target.key, []).append(connection)
                if self._reaper is None:
                    self._reaper = threading.Thread(target=self._reap, name="ssh-idle", daemon=True)
                    self._reaper.start()
                return
        if connection is not None:
            _shut(connection)

    def _connect(self, target: Target) -> Connection:
        if target.bastion is None:
            return self._finish_connect(target, None, lambda: None)
        carrier = self._lease(target.bastion, threading.Event(), limited=False)
        try:
            tunnel = carrier.transport.open_channel(
                "direct-tcpip",
                dest_addr=(target.host, target.port),
                src_addr=("127.0.0.1", 0),
                timeout=self._connect_timeout_s,
            )
            return self._finish_connect(target, tunnel, lambda: self._end_tunnel(carrier))
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._end_tunnel(carrier)
            raise RunnerFailure(
                f"The bastion {target.bastion.address} does not reach {target.address}: {error}.",
                hint="Check the name as the bastion sees it, and AllowTcpForwarding there.",
            ) from error
        except RunnerFailure:
            self._end_tunnel(carrier)
            raise

    def _finish_connect(
        self, target: Target, tunnel: paramiko.Channel | None, on_close: Callable[[], None]
    ) -> Connection:
        transport = connect(
            target, known_hosts=self._known_hosts, timeout_s=self._connect_timeout_s, tunnel=tunnel
        )
        return Connection(target=target, transport=transport, capacity=_SESSIONS, on_close=on_close)

    def _end_tunnel(self, carrier: Connection) -> None:
        with self._lock:
            carrier.tunnels -= 1
            carrier.idle_since_s = time.monotonic()

    def _give_back(self, connection: Connection, *, refused: bool = False) -> None:
        with self._lock:
            connection.in_use -= 1
            connection.idle_since_s = time.monotonic()
            if refused:
                connection.capacity = max(1, connection.in_use)
        if not connection.is_alive:
            self._remove(connection)

    def _discard(self, connection: Connection) -> None:
        with self._lock:
            connection.in_use -= 1
            connection.capacity = 0
            is_free = connection.in_use <= 0 and connection.tunnels <= 0
        if is_free or not connection.is_alive:
            self._remove(connection)

    def _remove(self, connection: Connection) -> None:
        with self._lock:
            several = self._open.get(connection.target.key, [])
            if connection not in several:
                return
            several.remove(connection)
            if not several:
                del self._open[connection.target.key]
        _shut(connection)

    def _reap(self) -> None:
        """Closes what nobody used for `idle_s`."""
        while not self._closed.wait(min(30.0, max(0.05, self._idle_s / 4))):
            now_s = time.monotonic()
            with self._lock:
                old = [
                    connection
                    for several in self._open.values()
                    for connection in several
                    if not connection.is_alive
                    or (
                        connection.in_use + connection.tunnels == 0
                        and now_s - connection.idle_since_s > self._idle_s
                    )
                ]
                # Nobody may lease what is about to be closed.
                for connection in old:
                    connection.capacity = 0
            for connection in old:
                self._remove(connection)


def _shut(connection: Connection) -> None:
    connection.transport.close()
    connection.on_close()
