"""A proxy of ours says where a request comes from, and nobody else does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import BadSettings
from engine.outside.forwarders import Forwarders
from engine.settings.limits import LimitSettings
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until

HERE, NEAR, FAR = "127.0.0.1", "192.0.2.1", "198.51.100.9"
PROXIES = [HERE, "10.1.0.0/24", "2001:db8:1::/64"]


def caller(peer: str, *said: str, proxies: list[str] | None = None) -> str:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", one.encode("latin-1")) for one in said)]
    return Forwarders(PROXIES if proxies is None else proxies).caller(headers, peer)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ([NEAR], NEAR),
        ([f"{FAR}, {NEAR}"], NEAR),
        ([FAR, NEAR], NEAR),
        ([f"{NEAR}, 10.1.0.7, {HERE}"], NEAR),
        ([f"{NEAR}:4711"], NEAR),
        (["[2001:db8:2::7]:443"], "2001:db8:2::7"),
        ([f"::ffff:{NEAR}"], NEAR),
    ],
)
@pytest.mark.parametrize("peer", [HERE, "10.1.0.9", "::ffff:10.1.0.9", "2001:db8:1::5"])
def test_the_nearest_that_is_no_proxy_of_ours_is_the_caller(peer: str, said: list[str], where: str) -> None:
    assert caller(peer, *said) == where


@pytest.mark.parametrize("peer", [NEAR, "10.2.0.9", "127.0.0.2", "2001:db8:2::5", "", "testclient"])
def test_nobody_else_is_believed(peer: str) -> None:
    assert caller(peer, FAR) == peer


def test_without_any_proxy_nothing_is_read() -> None:
    assert caller(HERE, FAR, proxies=[]) == HERE


@pytest.mark.parametrize(
    "said",
    [
        [],
        [""],
        ["unknown"],
        # What stands before it could be the caller's own.
        [f"{FAR}, unknown"],
        [f"{FAR}, "],
        [FAR, "_hidden"],
        [f"{HERE}, 10.1.0.7"],
        [",".join([FAR, *["10.1.0.7"] * 50])],
    ],
)
def test_where_the_proxy_names_no_address_it_is_the_proxys(said: list[str]) -> None:
    assert caller(HERE, *said) == HERE


@pytest.mark.parametrize("networks", [["ten"], ["10.0.0.1/8"], [""]])
def test_a_wrong_network_is_refused_at_the_start(networks: list[str]) -> None:
    with pytest.raises(BadSettings, match=r"server\.trusted_proxies"):
        Forwarders(networks)


@pytest.fixture(scope="module", params=["trusted", "stranger"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Asked from 127.0.0.1, which is a proxy of ours, or is not."""
    trusted = [HERE] if request.param == "trusted" else ["10.1.0.0/24"]
    with running(tmp_path_factory.mktemp("forwarded"), trusted_proxies=trusted) as made:
        yield made


def is_trusted(server: Running) -> bool:
    return server.engine.settings.server.trusted_proxies == [HERE]


def test_a_key_for_a_network_is_good_from_there(server: Running) -> None:
    key = server.post("/apikeys", {"user": "ann", "addresses": [f"{NEAR}/32"]}).json()["key"]

    def asked(said: str) -> int:
        return server.get("/user", key=key, headers={"X-Forwarded-For": said}).status_code

    assert asked(f"{FAR}, {NEAR}") == (200 if is_trusted(server) else 401)
    assert asked(f"{NEAR}, {FAR}") == 401


def test_the_audit_says_where_an_act_came_from(server: Running) -> None:
    server.post("/apikeys", {"user": "bob"}, headers={"X-Forwarded-For": NEAR})
    found = server.get("/audit", params={"kind": "api_key.made"}).json()
    assert found[0]["address"] == (NEAR if is_trusted(server) else HERE)


def test_wrong_passwords_of_one_make_nobody_else_behind_the_proxy_wait(server: Running) -> None:
    def login(said: str) -> int:
        headers = {"X-Forwarded-For": said}
        return server.ask("POST", "/tokens", key="", auth=("ann", "wrong"), headers=headers).status_code

    wait_until(lambda: login(NEAR) == 429, timeout_s=60)
    assert login(FAR) == (401 if is_trusted(server) else 429)


def test_who_comes_through_a_proxy_is_not_on_this_machine(server: Running) -> None:
    assert server.get("/metrics", key="").status_code == 200
    for said in (NEAR, HERE, "unknown"):
        assert server.get("/metrics", key="", headers={"X-Forwarded-For": said}).status_code == 401


def test_strangers_are_counted_by_where_they_are(tmp_path: Path) -> None:
    sections = {"limits": LimitSettings(strangers_per_s=0.001, strangers_burst=3)}
    with running(tmp_path, sections=sections, trusted_proxies=[HERE]) as site:

        def asked(said: str) -> int:
            return site.get("/user", key="wrong", headers={"X-Forwarded-For": said}).status_code

        wait_until(lambda: asked(NEAR) == 429, timeout_s=60)
        assert asked(FAR) == 401
