"""Passwords and groups of a real LDAP server."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadSettings, Busy, DirectoryFailure, Untrusted
from engine.outside.ldap import Directory
from engine.outside.names import Names
from engine.records.outside import OutsidePerson
from engine.settings.logins import LdapSettings
from tests.engine.outside.slapd import (
    BASE,
    GROUPS,
    PASSWORD,
    PEOPLE,
    READER,
    READER_PASSWORD,
    Slapd,
)
from tests.ports import free_port

NAMES = Names(acting="stormcrow", chats=["libera"])


class Listener:
    """Takes connections, keeps what comes, and says nothing."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard = b""
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(one)
            # Whoever connects says something at once, or goes away again.
            one.settimeout(10)
            try:
                self.heard += one.recv(4096)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        for one in self.connections:
            one.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Listener]:
    """Where a referral of the directory leads."""
    made = Listener()
    yield made
    made.close()


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory, elsewhere: Listener) -> Iterator[Slapd]:
    made = Slapd(tmp_path_factory.mktemp("slapd"), referral=f"ldap://127.0.0.1:{elsewhere.port}/{BASE}")
    yield made
    made.stop()


@pytest.fixture
def silent() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def directory(slapd: Slapd, *, password: str = READER_PASSWORD, **more: Any) -> Directory:
    settings = LdapSettings(
        host="localhost",
        port=slapd.port,
        cacert=str(slapd.cacert),
        bind_dn=READER,
        base_ou=BASE,
        network_timeout=5,
    )
    return Directory(replace(settings, **more), NAMES, bind_password=password)


def direct(slapd: Slapd, **more: Any) -> Directory:
    given = {"bind_dn": "", "user_dn": f"uid={{username}},{PEOPLE}", "base_ou": "", **more}
    return directory(slapd, password="", **given)


def group(name: str) -> str:
    return f"cn={name},{GROUPS}"


# who gets in


def test_the_right_password_gives_name_and_groups(slapd: Slapd) -> None:
    found = directory(slapd).person("ann", PASSWORD)
    assert found == OutsidePerson(user="ann", source="ldap", groups=(group("ops"), group("unix")))


def test_nested_groups_count_when_they_shall_also_in_a_circle(slapd: Slapd) -> None:
    found = directory(slapd, nested_groups=True).person("ann", PASSWORD)
    assert found is not None
    assert set(found.groups or ()) == {group(name) for name in ("ops", "unix", "oncall", "everybody")}


def test_the_name_is_spelled_as_the_directory_does(slapd: Slapd) -> None:
    found = directory(slapd).person("cAT", PASSWORD)
    assert found is not None
    assert found.user == "Cat"


def test_people_may_bind_with_their_own_name(slapd: Slapd) -> None:
    assert direct(slapd).person("bob", PASSWORD) == OutsidePerson(user="bob", source="ldap", groups=())
    found = direct(slapd, base_ou=BASE).person("bob", PASSWORD)
    assert found is not None
    assert found.groups == (group("everybody"),)


@pytest.mark.parametrize("port", ["port", "tls_port"])
def test_a_server_may_be_asked_over_either_kind_of_tls(slapd: Slapd, port: str) -> None:
    asked = directory(slapd, port=getattr(slapd, port), use_ssl=port == "tls_port")
    assert asked.person("ann", PASSWORD) is not None
    assert READER in asked.probe("localhost")


# who does not


@pytest.mark.parametrize("kind", [directory, direct])
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong"),
        ("ann", ""),
        ("nobody", PASSWORD),
        ("nobody", ""),
        ("nopass", ""),
        ("nopass", PASSWORD),
        ("", ""),
        ("", PASSWORD),
        ("*", PASSWORD),
        ("a*", PASSWORD),
        ("ann)(uid=*", PASSWORD),
        ("ann,ou=people", PASSWORD),
        ("ann\0", PASSWORD),
        ("ann ", PASSWORD),
        ("~tilde", PASSWORD),
        ("ann", f"{PASSWORD}\0"),
        ("ann", "\u00ad"),
    ],
)
def test_a_wrong_name_or_password_is_refused(slapd: Slapd, kind: Any, name: str, password: str) -> None:
    assert kind(slapd).person(name, password) is None


def test_an_empty_password_never_reaches_the_directory(silent: Listener, slapd: Slapd) -> None:
    assert direct(slapd, port=silent.port, use_tls=False).person("ann", "") is None
    assert silent.connections == []


@pytest.mark.parametrize("name", ["admin", "ADMIN", "web.eve"])
def test_nobody_outside_is_the_administrator_or_an_account_of_a_chat(slapd: Slapd, name: str) -> None:
    with pytest.raises(Untrusted):
        directory(slapd).person(name, PASSWORD)


def test_a_password_of_nothing_that_shows_never_reaches_the_directory(slapd: Slapd, silent: Listener) -> None:
    """What does not show is taken out of it, and an empty one would be left."""
    assert direct(slapd, port=silent.port, use_tls=False).person("ann", "\u00ad") is None
    assert b"ann" not in silent.heard


def test_a_name_that_two_entries_have_is_refused(slapd: Slapd) -> None:
    with pytest.raises(Busy):
        directory(slapd).person("twin", PASSWORD)


@pytest.mark.parametrize(
    ("check", "wanted", "may"),
    [
        ("and", ["CN=ops"], True),
        ("and", [f"cn=ops, {GROUPS}"], True),
        ("and", ["cn=ops", "cn=everybody"], False),
        ("or", ["cn=ops", "cn=everybody"], True),
        ("or", ["cn=everybody", "ops"], False),
    ],
)
def test_a_group_may_be_needed_to_log_in(slapd: Slapd, check: str, wanted: list[str], may: bool) -> None:
    found = directory(slapd, group_dns=wanted, group_dns_check=check).person("ann", PASSWORD)
    assert (found is not None) is may


# the way there


def test_a_referral_is_never_followed(slapd: Slapd, elsewhere: Listener) -> None:
    assert directory(slapd).person("nobody", PASSWORD) is None
    assert elsewhere.connections == []


@pytest.mark.parametrize("use_ssl", [True, False])
@pytest.mark.parametrize("change", [{"cacert": ""}, {"host": "127.0.0.1"}])
def test_a_certificate_that_is_not_right_for_the_host_is_refused(
    slapd: Slapd, use_ssl: bool, change: dict[str, str]
) -> None:
    asked = directory(slapd, use_ssl=use_ssl, port=slapd.tls_port if use_ssl else slapd.port, **change)
    with pytest.raises(Busy):
        asked.person("ann", PASSWORD)
    with pytest.raises(DirectoryFailure, match=r"certificate|CERTIFICATE"):
        asked.probe(asked.hosts[0])


def test_a_wrong_certificate_may_be_accepted_in_so_many_words(slapd: Slapd) -> None:
    asked = directory(slapd, host="127.0.0.1", cacert="", verify=False)
    assert asked.person("ann", PASSWORD) is not None


def test_a_server_without_tls_hears_no_password(silent: Listener, slapd: Slapd) -> None:
    with pytest.raises(Busy):
        directory(slapd, port=silent.port, network_timeout=1).person("ann", PASSWORD)
    assert READER_PASSWORD.encode() not in silent.heard


def test_a_silent_server_is_given_up_in_time(silent: Listener, slapd: Slapd) -> None:
    with pytest.raises(Busy):
        directory(slapd, port=silent.port, use_tls=False, network_timeout=1).person("ann", PASSWORD)


def test_the_next_server_is_asked_when_one_does_not_answer(slapd: Slapd) -> None:
    # Nobody listens on port 1 of another loopback address.
    asked = directory(slapd, host="127.0.0.9, localhost")
    assert asked.hosts == ["127.0.0.9", "localhost"]
    assert asked.person("ann", PASSWORD) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bind_dn": f"cn=nobody,{BASE}"}, "may not log in"),
        ({"base_ou": f"ou=nothing,{BASE}"}, "noSuchObject|no entry"),
        ({"port": free_port()}, "refused|socket"),
    ],
)
def test_the_doctor_is_told_what_is_wrong(slapd: Slapd, change: dict[str, Any], said: str) -> None:
    with pytest.raises(DirectoryFailure, match=said):
        directory(slapd, **change).probe("localhost")


@pytest.mark.parametrize(
    "settings", [{"host": "localhost"}, {"host": "ldap://localhost", "base_ou": BASE}], ids=["base", "url"]
)
def test_settings_that_say_too_little_or_too_much_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(BadSettings):
        Directory(LdapSettings(**settings), NAMES, bind_password="")


def test_a_filter_is_escaped(tmp_path: Path) -> None:
    from engine.outside.ldap import _filled

    assert _filled("(cn={username})", "a*(b)\\\0é") == "(cn=a\\2a\\28b\\29\\5c\\00\\c3\\a9)"
