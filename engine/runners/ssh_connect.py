"""One SSH connection: reach the host, check who it is, log in."""

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import paramiko

from engine.errors import RunnerFailure
from engine.runners.ssh_hosts import HostKey, KnownHosts
from engine.runners.ssh_keys import Credentials, log_in

# SHA-1 and MD5 anywhere, and CBC ciphers, are never offered.
_DISABLED = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "blowfish-cbc"],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
    "kex": [
        "diffie-hellman-group1-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
    ],
    "keys": ["ssh-rsa", "ssh-dss"],
    "pubkeys": ["ssh-rsa", "ssh-dss"],
}
_KEEPALIVE_S = 30
# A peer that acknowledges nothing for so long is gone.
_UNACKNOWLEDGED_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An account on a host, and the way there."""

    host: str
    port: int
    user: str
    credentials: Credentials
    bastion: "Target | None" = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for targets that may share a connection."""
        way = self.bastion.key if self.bastion else None
        return (self.user, self.host.lower(), self.port, self.credentials.identity, way)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(slots=True, kw_only=True)
class Connection:
    """An authenticated transport; the counters belong to the pool and its lock."""

    target: Target
    transport: paramiko.Transport
    capacity: int
    """How many sessions it takes at once; falls when the host refuses one."""
    in_use: int = 0
    tunnels: int = 0
    idle_since_s: float = field(default_factory=time.monotonic)
    on_close: Callable[[], None] = lambda: None

    @property
    def is_alive(self) -> bool:
        return self.transport.is_active()


def connect(
    target: Target, *, known_hosts: KnownHosts, timeout_s: float, tunnel: paramiko.Channel | None
) -> paramiko.Transport:
    """Raises RunnerFailure, with the host's address in the message."""
    until_s = time.monotonic() + timeout_s
    try:
        sock = tunnel or _tcp(target, until_s)
        transport = paramiko.Transport(sock, disabled_algorithms=_DISABLED)
    except (OSError, paramiko.SSHException) as error:
        raise RunnerFailure(
            f"No connection to {target.address}: {_reason(error)}.",
            hint="Check the name, the port, and that sshd runs there.",
        ) from error
    try:
        _authenticate(transport, target, known_hosts, until_s)
    except RunnerFailure:
        transport.close()
        raise
    except (OSError, EOFError, paramiko.SSHException) as error:
        transport.close()
        raise RunnerFailure(f"No SSH session with {target.address}: {_reason(error)}.") from error
    transport.set_keepalive(_KEEPALIVE_S)
    return transport


def _authenticate(
    transport: paramiko.Transport, target: Target, known_hosts: KnownHosts, until_s: float
) -> None:
    left_s = max(0.1, until_s - time.monotonic())
    transport.banner_timeout = left_s
    transport.auth_timeout = left_s
    options = transport.get_security_options()
    known = [
        name for name in known_hosts.key_algorithms(target.host, target.port) if name in options.key_types
    ]
    options.key_types = [*known, *(name for name in options.key_types if name not in known)]
    transport.start_client(timeout=left_s)
    shown = transport.get_remote_server_key()
    way = target.bastion
    known_hosts.check(
        target.host,
        target.port,
        HostKey(type=shown.get_name(), blob=shown.asbytes()),
        bastion=f"{way.user}@{way.address}" if way else "",
    )
    log_in(transport, user=target.user, credentials=target.credentials)


def _tcp(target: Target, until_s: float) -> socket.socket:
    """The first address that answers; every one of them within the same limit."""
    problem: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        target.host, target.port, type=socket.SOCK_STREAM
    ):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left_s)
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        _tune(sock)
        return sock
    raise problem


def _tune(sock: socket.socket) -> None:
    # Without it every command waits 40 ms for a delayed acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or "the connection was closed"


def quiet_paramiko() -> None:
    """Its own log holds tracebacks for what we report as errors."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
