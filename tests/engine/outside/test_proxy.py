"""The header of a proxy counts from its own addresses, and once."""

import pytest

from engine.errors import BadSettings, Untrusted
from engine.outside.names import Names
from engine.outside.proxy import Proxy
from engine.records.outside import OutsidePerson
from engine.settings.people import AuthSettings

NAMES = Names(acting="stormcrow", chats=[])


def proxy(*addresses: str, groups: str = "") -> Proxy:
    return Proxy(
        AuthSettings(
            proxy_user_header="Remote-User", proxy_groups_header=groups, proxy_addresses=list(addresses)
        ),
        NAMES,
    )


@pytest.mark.parametrize("address", ["10.1.0.7", "::ffff:10.1.0.7", "127.0.0.1"])
def test_the_proxy_is_believed(address: str) -> None:
    found = proxy("10.1.0.0/24", "127.0.0.1").person([(b"remote-user", b"ann")], address)
    assert found == OutsidePerson(user="ann", source="proxy", groups=None)


@pytest.mark.parametrize("address", ["10.2.0.7", "::1", "", "testclient", "127.0.0.2"])
def test_nobody_else_is(address: str) -> None:
    assert proxy("10.1.0.0/24", "127.0.0.1").person([(b"remote-user", b"ann")], address) is None


def test_a_header_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(Untrusted):
        proxy("127.0.0.1").person([(b"remote-user", b"ann"), (b"remote-user", b"eve")], "127.0.0.1")


def test_groups_stand_in_a_header_of_their_own() -> None:
    headers = [(b"remote-user", b"ann"), (b"remote-groups", b" sre,, ops ")]
    found = proxy("127.0.0.1", groups="Remote-Groups").person(headers, "127.0.0.1")
    assert found is not None
    assert found.groups == ("sre", "ops")


def test_it_is_off_by_default() -> None:
    assert Proxy(AuthSettings(), NAMES).person([(b"remote-user", b"ann"), (b"", b"ann")], "127.0.0.1") is None


@pytest.mark.parametrize("addresses", [[], ["ten"], ["10.0.0.1/8"]])
def test_a_header_that_everybody_could_set_is_refused_at_the_start(addresses: list[str]) -> None:
    with pytest.raises(BadSettings):
        proxy(*addresses)
