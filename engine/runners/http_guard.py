"""Which hosts and addresses an HTTP request may reach, checked where the connection is made."""

import ipaddress
import socket
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

from engine.errors import RunnerFailure

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# How IPv6-only networks write IPv4 addresses (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Guard:
    """The rules of one request, and the means to end it from outside."""

    def __init__(
        self, *, blocked_networks: Iterable[str], blacklist: Iterable[str], whitelist: Iterable[str]
    ) -> None:
        """Raises RunnerFailure for a network that is none, or for both lists at once."""
        self._blacklist = frozenset(_plain(host) for host in blacklist)
        self._whitelist = frozenset(_plain(host) for host in whitelist)
        if self._blacklist and self._whitelist:
            raise RunnerFailure(
                "url_hosts_blacklist and url_hosts_whitelist cannot be given both.", hint="Leave one out."
            )
        try:
            self._networks: list[Network] = [ipaddress.ip_network(text) for text in blocked_networks]
        except ValueError as error:
            raise RunnerFailure(f"http.blocked_networks: {error}.", hint="Write 10.0.0.0/8.") from error
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._ended = False

    def check_url(self, url: str) -> None:
        """For the first address and every redirect. Raises RunnerFailure."""
        try:
            parts = urlsplit(url)
            host = _plain(parts.hostname or "")
        except ValueError as error:
            raise RunnerFailure(f"{url!r} is not a URL: {error}.") from error
        if parts.scheme not in {"http", "https"} or not host:
            raise RunnerFailure(f"{url!r} is not an http or https URL.")
        if host in self._blacklist or (self._whitelist and host not in self._whitelist):
            which = "is on" if self._blacklist else "is not on"
            name = "url_hosts_blacklist" if self._blacklist else "url_hosts_whitelist"
            raise RunnerFailure(f"The host {host} of {url} {which} {name}.")

    def check_behind_proxy(self, url: str) -> None:
        """What a proxy would resolve, as far as we can tell. Raises RunnerFailure."""
        host = urlsplit(url).hostname or ""
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            # Only the proxy knows this name.
            return
        for entry in found:
            self._check_address(host, str(entry[4][0]))

    def connect(
        self, host: str, port: int, timeout_s: float | None, options: Iterable[tuple[Any, ...]]
    ) -> socket.socket:
        """Resolves once and connects to what was checked. Raises OSError, RunnerFailure."""
        problem: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            self._check_address(host, str(address[0]))
            sock = socket.socket(family, kind, protocol)
            try:
                for option in options:
                    sock.setsockopt(*option)
                self._watch(sock)
                sock.settimeout(timeout_s)
                sock.connect(address)
                # 0.0.0.0 and the like lead elsewhere than they say.
                self._check_address(host, str(sock.getpeername()[0]))
            except OSError as error:
                sock.close()
                problem = error
                continue
            except RunnerFailure:
                sock.close()
                raise
            return sock
        raise problem

    def end(self) -> None:
        """Breaks every connection of the request, whatever it waits for."""
        with self._lock:
            self._ended = True
            sockets, self._sockets = self._sockets, []
        for sock in sockets:
            _break(sock)

    def _watch(self, sock: socket.socket) -> None:
        # TLS wraps the descriptor and detaches this object from it; a duplicate stays ours.
        with self._lock:
            if self._ended:
                raise TimeoutError("the request has ended")
            self._sockets.append(sock.dup())

    def _check_address(self, host: str, text: str) -> None:
        address = _effective(ipaddress.ip_address(text.partition("%")[0]))
        for network in self._networks:
            if address.version == network.version and address in network:
                raise RunnerFailure(
                    f"{host} is at {address}, which http-request may not reach ({network}).",
                    hint="See http.blocked_networks in config.yaml.",
                )


def _break(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It was not connected, or the peer was faster.
        pass
    sock.close()


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _effective(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def guarded_adapter(guard: Guard) -> HTTPAdapter:
    """Mounted on a session, it makes every connection and checks every redirect through `guard`."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(guard, self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(guard, self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pools = {"http": PlainPool, "https": SecurePool}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
            manager: PoolManager = super().proxy_manager_for(proxy, **options)
            manager.pool_classes_by_scheme = pools
            return manager

        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            url = request.url or ""
            guard.check_url(url)
            proxies: Mapping[str, str] = options.get("proxies") or {}
            if proxies.get(urlsplit(url).scheme):
                guard.check_behind_proxy(url)
            return super().send(request, *args, **options)

    return Adapter()


def _connect(guard: Guard, connection: HTTPConnection | HTTPSConnection) -> socket.socket:
    timeout = connection.timeout
    try:
        return guard.connect(
            connection.host,
            int(connection.port or 0),
            timeout if isinstance(timeout, int | float) else None,
            connection.socket_options or (),
        )
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"No answer from {connection.host} in time.") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error
