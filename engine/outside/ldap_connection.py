"""One connection to an LDAP server, over the package ldap3: an extra, so it is imported when needed."""

import logging
import math
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ldap3 import BASE, LEVEL, NONE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException, LDAPSASLPrepError
from ldap3.protocol.sasl.sasl import sasl_prep

from engine.errors import DirectoryFailure
from engine.settings.logins import LdapSettings

log = logging.getLogger(__name__)

# Of a bind: wrong password or name, account without password, locked, or may not log in.
_REFUSALS = frozenset({16, 19, 32, 34, 48, 49, 50, 53})
_SCOPES = {"base": BASE, "onelevel": LEVEL, "subtree": SUBTREE}
# More entries than that are a mistake in the settings, or a trap.
MOST_ENTRIES = 2_000
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    dn: str
    name: str
    """Its first value of ldap.id_attr; empty: it has none."""


class LdapConnection:
    """Made by `connect`; whatever goes wrong is a DirectoryFailure."""

    def __init__(self, settings: LdapSettings, host: str) -> None:
        """Opens it, and encrypts it unless the settings say otherwise."""
        self._settings = settings
        server = Server(
            host,
            port=settings.port or None,
            use_ssl=settings.use_ssl,
            tls=_Tls(settings, host),
            get_info=NONE,
            connect_timeout=settings.network_timeout,
        )
        # Referrals are never followed: they would take passwords elsewhere.
        self._connection = Connection(
            server,
            auto_referrals=False,
            read_only=True,
            check_names=False,
            receive_timeout=math.ceil(settings.network_timeout),
        )
        try:
            self._connection.open(read_server_info=False)
            if settings.use_tls and not settings.use_ssl:
                self._connection.start_tls(read_server_info=False)
            self._check_open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        socket = self._connection.socket
        try:
            self._connection.unbind()
        except (LDAPException, OSError) as error:
            log.debug("closing a connection to LDAP failed: %s", error)
        if socket is not None:
            # The library forgets one whose opening failed halfway.
            socket.close()

    def binds(self, dn: str, password: str) -> bool:
        """Whether this password is the account's."""
        if not _sent(password):
            # It would succeed for everybody (RFC 4513, 5.1.2).
            return False
        self._check_open()
        if self._connection.rebind(
            user=dn, password=password, authentication="SIMPLE", read_server_info=False
        ):
            return True
        if self._result.get("result") in _REFUSALS:
            return False
        raise DirectoryFailure(f"the bind of {dn} failed: {self.told}")

    def search(self, base: str, wanted: str, *, scope: str, attribute: str = "") -> list[Entry]:
        """`wanted`: a filter, with or without its outer brackets; `attribute`: whose value is the name."""
        self._check_open()
        found = self._connection.extend.standard.paged_search(
            base,
            wanted if wanted.startswith("(") else f"({wanted})",
            search_scope=_SCOPES[scope],
            attributes=[attribute or "1.1"],
            paged_size=_PAGE,
            time_limit=math.ceil(self._settings.network_timeout),
            generator=True,
        )
        entries: list[Entry] = []
        for one in found:
            if one.get("type") == "searchResEntry":
                entries.append(Entry(one["dn"], _first(one.get("raw_attributes", {}), attribute)))
            if len(entries) > MOST_ENTRIES:
                raise DirectoryFailure(f"more than {MOST_ENTRIES} entries fit {wanted[:200]}")
        return entries

    @property
    def told(self) -> str:
        """What the server said last."""
        words = (str(self._result.get(key) or "") for key in ("description", "message"))
        return " ".join(words).strip()

    @property
    def _result(self) -> dict[str, Any]:
        return self._connection.result or {}

    def _check_open(self) -> None:
        """The library would open a closed connection again by itself, without StartTLS."""
        if self._connection.closed:
            raise DirectoryFailure("the server has closed the connection")
        wants_tls = self._settings.use_ssl or self._settings.use_tls
        if wants_tls and not isinstance(self._connection.socket, ssl.SSLSocket):
            raise DirectoryFailure("the connection is not encrypted")


@contextmanager
def connect(settings: LdapSettings, host: str) -> Iterator[LdapConnection]:
    """Raises DirectoryFailure, also for what goes wrong inside."""
    try:
        connection = LdapConnection(settings, host)
        try:
            yield connection
        finally:
            connection.close()
    except (LDAPException, OSError) as error:
        raise DirectoryFailure(str(error)) from error


class _Tls(Tls):  # type: ignore[misc]  # it has no types
    """Python's own checks of certificate and host in the place of the library's."""

    def __init__(self, settings: LdapSettings, host: str) -> None:
        super().__init__()
        self._host = host
        self._context = ssl.create_default_context(cafile=settings.cacert or None)
        if not settings.verify:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = self._context.wrap_socket(
            connection.socket, server_hostname=self._host, do_handshake_on_connect=do_handshake
        )


def _sent(password: str) -> str:
    """What is left of a password when the library has taken out what does not show (RFC 4013)."""
    try:
        return str(sasl_prep(password)) if password else ""
    except LDAPSASLPrepError:
        return ""


def _first(attributes: dict[str, Sequence[bytes]], name: str) -> str:
    """The first value of an attribute, whose name may be in another case; empty: none."""
    values = next((found for key, found in attributes.items() if key.lower() == name.lower()), ())
    return values[0].decode("utf-8", "replace") if values else ""
