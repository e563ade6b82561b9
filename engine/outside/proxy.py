"""A proxy in front of us that has logged people in, and names them in a header."""

import ipaddress
from collections.abc import Sequence

from engine.errors import BadSettings, Untrusted
from engine.outside.names import Names
from engine.records.outside import PROXY, OutsidePerson
from engine.settings.people import AuthSettings


class Proxy:
    """Off while auth.proxy_user_header is empty."""

    def __init__(self, settings: AuthSettings, names: Names) -> None:
        """Raises BadSettings."""
        self._user = settings.proxy_user_header.lower().encode()
        self._groups = settings.proxy_groups_header.lower().encode()
        self._names = names
        if self._user and not settings.proxy_addresses:
            raise BadSettings(
                "auth.proxy_user_header is set, and auth.proxy_addresses is empty.",
                hint="Name the addresses of the proxy; the header counts from nobody else.",
            )
        try:
            self._networks = [ipaddress.ip_network(one) for one in settings.proxy_addresses]
        except ValueError as error:
            raise BadSettings(
                f"auth.proxy_addresses: {error}.", hint="Write 127.0.0.1 or 10.1.0.0/24."
            ) from error

    def person(self, headers: Sequence[tuple[bytes, bytes]], address: str) -> OutsidePerson | None:
        """Who the proxy says it is; None: it says nothing, or it is not the proxy that speaks.

        `headers`: as they came, names in lower case; `address`: the other end of the connection.
        Raises Untrusted for a header that stands there twice, and for names that nobody outside may have.
        """
        if not self._user or not self._is_trusted(address):
            return None
        user = _only(headers, self._user)
        if not user:
            return None
        groups = None
        if self._groups:
            groups = tuple(one for part in _only(headers, self._groups).split(",") if (one := part.strip()))
        return OutsidePerson(user=self._names.checked(user, source=PROXY), source=PROXY, groups=groups)

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._networks)


def _only(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    """A proxy that adds its header to the caller's own would leave both."""
    found = [value.decode("utf-8", "replace").strip() for key, value in headers if key == name]
    if len(found) > 1:
        raise Untrusted(f"the header {name.decode()} stands there {len(found)} times")
    return found[0] if found else ""
