"""People in an LDAP directory: whether a password is right, and their groups.

Either an account of ours searches for the person, whose own password is then tried in a second
connection, or a person's own name is made from `user_dn`. Names are checked before LDAP hears of them,
and escaped in filters all the same. Referrals are never followed: they would take passwords elsewhere.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from engine.errors import BadSettings, Busy, DirectoryFailure
from engine.outside.names import Names
from engine.records.access import USER_NAME
from engine.records.outside import LDAP, OutsidePerson, folded
from engine.settings.logins import LdapSettings

if TYPE_CHECKING:
    from engine.outside.ldap_connection import Entry, LdapConnection

log = logging.getLogger(__name__)

# So many groups in one question about what they are in.
_AT_ONCE = 50


class Directory:
    """Safe to use from many threads: each question has connections of its own."""

    def __init__(self, settings: LdapSettings, names: Names, *, bind_password: str) -> None:
        """Raises BadSettings."""
        if find_spec("ldap3") is None:
            raise BadSettings(
                "ldap.host is set, and the package ldap3 is not installed.",
                hint="pip install 'stormcrow[ldap]'",
            )
        if "://" in settings.host:
            raise BadSettings(
                f"ldap.host is a name, not a URL: {settings.host}.",
                hint="Write ldap1.example.org; use_ssl and port say the rest.",
            )
        if not settings.user_dn and not settings.base_ou:
            raise BadSettings(
                "ldap.base_ou is missing.", hint="Name the entry below which people are, or set ldap.user_dn."
            )
        self._settings = settings
        self._names = names
        self._bind_password = bind_password
        self.hosts = [host for host in (one.strip() for one in settings.host.split(",")) if host]

    def person(self, name: str, password: str) -> OutsidePerson | None:
        """None: wrong name or password, or in none of the groups that may log in.

        Raises Busy when no server can be asked, Untrusted for a name that nobody from outside may have.
        """
        # An empty password would be an unauthenticated bind, which succeeds for everybody (RFC 4513, 5.1.2).
        if not password or not USER_NAME.fullmatch(name):
            return None
        for host in self.hosts:
            try:
                return self._person(host, name, password)
            except DirectoryFailure as error:
                log.error("the directory %s cannot be asked: %s", host, error)
        raise Busy("The directory cannot be asked now.", hint="stormcrow doctor says why.")

    def probe(self, host: str) -> str:
        """For the doctor: what worked, in words. Raises DirectoryFailure."""
        with self._connect(host) as connection:
            if self._settings.user_dn:
                return "answers; people bind with their own name"
            self._bind(connection)
            if not connection.search(self._settings.base_ou, "(objectClass=*)", scope="base"):
                raise DirectoryFailure("there is no entry ldap.base_ou, or the account may not see it")
            return f"answers, and {self._settings.bind_dn or 'anybody'} may search"

    def _person(self, host: str, name: str, password: str) -> OutsidePerson | None:
        with self._connect(host) as connection:
            if self._settings.user_dn:
                own = self._settings.user_dn.replace("{username}", name)
                entry = self._entry(connection, name, own) if connection.binds(own, password) else None
            else:
                self._bind(connection)
                entry = self._entry(connection, name, "")
                if entry is not None:
                    with self._connect(host) as own_connection:
                        entry = entry if own_connection.binds(entry.dn, password) else None
            if entry is None:
                return None
            groups = self._groups(connection, entry)
        if not self._may_log_in(groups):
            log.info("%s is in none of the groups of ldap.group_dns that it takes", entry.name)
            return None
        user = self._names.checked(entry.name, source=LDAP)
        return OutsidePerson(user=user, source=LDAP, groups=groups)

    # what is asked

    def _entry(self, connection: "LdapConnection", name: str, own: str) -> "Entry | None":
        """The entry of a person; `own`: as what they have bound. Raises DirectoryFailure for several."""
        settings = self._settings
        if settings.base_ou:
            pattern = settings.account_pattern or f"({settings.id_attr}={{username}})"
            base, wanted, scope = settings.base_ou, _filled(pattern, name), settings.scope
        else:
            base, wanted, scope = own, "(objectClass=*)", "base"
        found = connection.search(base, wanted, scope=scope, attribute=settings.id_attr)
        if len(found) > 1:
            raise DirectoryFailure(f"{len(found)} entries fit the name {name}; correct ldap.account_pattern")
        return found[0] if found else None

    def _groups(self, connection: "LdapConnection", entry: "Entry") -> tuple[str, ...]:
        """Their full names, sorted; () where the settings do not say where groups are."""
        base = self._settings.base_ou_group or self._settings.base_ou
        if not base:
            return ()
        pattern = _filled(self._settings.group_pattern, entry.name, entry.dn)
        fresh = {one.dn for one in connection.search(base, pattern, scope="subtree")}
        known = set(fresh)
        while fresh and self._settings.nested_groups:
            above: set[str] = set()
            for part in _parts(sorted(fresh)):
                wanted = "".join(f"(member={_escaped(dn)})(uniqueMember={_escaped(dn)})" for dn in part)
                above.update(one.dn for one in connection.search(base, f"(|{wanted})", scope="subtree"))
            fresh = above - known
            known |= fresh
        return tuple(sorted(known))

    def _connect(self, host: str) -> AbstractContextManager["LdapConnection"]:
        from engine.outside.ldap_connection import connect  # noqa: PLC0415 - an extra

        return connect(self._settings, host)

    def _bind(self, connection: "LdapConnection") -> None:
        """As the account that searches; without one, as nobody in particular. Raises DirectoryFailure."""
        dn = self._settings.bind_dn
        if dn and not connection.binds(dn, self._bind_password):
            why = connection.told if self._bind_password else "there is no password"
            raise DirectoryFailure(f"{dn} (ldap.bind_dn) may not log in: {why}")

    def _may_log_in(self, groups: Iterable[str]) -> bool:
        wanted = self._settings.group_dns
        if not wanted:
            return True
        names = {folded(LDAP, group) for group in groups}
        names |= {name.partition(",")[0] for name in names}
        fits = (folded(LDAP, one) in names for one in wanted)
        return all(fits) if self._settings.group_dns_check == "and" else any(fits)


def _filled(pattern: str, name: str, dn: str = "") -> str:
    return pattern.replace("{username}", _escaped(name)).replace("{user_dn}", _escaped(dn))


def _escaped(text: str) -> str:
    """For a filter (RFC 4515)."""
    plain = (chr(byte) if 31 < byte < 127 and chr(byte) not in "*()\\" else "" for byte in text.encode())
    return "".join(one or f"\\{byte:02x}" for one, byte in zip(plain, text.encode(), strict=True))


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
