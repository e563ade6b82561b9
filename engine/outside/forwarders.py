"""Where a request comes from: the other end of its connection, or whom a proxy of ours there names."""

import ipaddress
from collections.abc import Sequence

from engine.errors import BadSettings

_SAID_IN = b"x-forwarded-for"
# Proxies behind one another; no honest chain is longer, and each hop costs time.
_MOST_HOPS = 20


class Forwarders:
    """`trusted`: addresses and networks of the proxies in front of us."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Raises BadSettings."""
        try:
            self._networks = tuple(ipaddress.ip_network(one) for one in trusted)
        except ValueError as error:
            raise BadSettings(
                f"server.trusted_proxies: {error}.", hint="Write 127.0.0.1 or 10.1.0.0/24."
            ) from error

    def caller(self, headers: Sequence[tuple[bytes, bytes]], peer: str) -> str:
        """The nearest address in X-Forwarded-For that is none of our proxies': only they have written that.

        `headers`: as they came, names in lower case. `peer`, the other end of the connection, where that is
        no proxy of ours, or where what it says is no address.
        """
        if not self._networks or not self._has(_address(peer)):
            return peer
        said = b",".join(value for name, value in headers if name == _SAID_IN).decode("latin-1")
        for hop in reversed(said.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]):
            address = _address(hop)
            if address is None:
                # Whatever stands before it could be the caller's own.
                return peer
            if not self._has(address):
                return str(address)
        return peer

    def _has(self, address: "_Address | None") -> bool:
        return address is not None and any(address in network for network in self._networks)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> _Address | None:
    """With or without a port: 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1]:443; None: no address."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
