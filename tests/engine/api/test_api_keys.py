"""API keys: their end, their addresses, their last use, their rotation, and StackStorm's."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from engine.access import Access
from engine.clock import utcnow
from engine.errors import Unauthenticated
from engine.records.access import KeyLimits
from engine.service import Engine
from engine.store import keys
from engine.user_file import UserFile
from tests.engine.api.running import Running


def test_a_key_tells_what_limits_it_and_never_itself(server: Running) -> None:
    limits = {
        "actions": ["deploy.*"],
        "webhooks": ["github"],
        "rights": ["read"],
        "addresses": ["10.0.0.0/8"],
        "ttl": 3600,
    }
    made = server.post("/apikeys", {**limits, "metadata": {"for": "ci"}}).json()
    listed = server.get(f"/apikeys/{made['id']}").json()
    assert "key" not in listed
    assert {name: listed[name] for name in limits if name != "ttl"} == {
        name: value for name, value in limits.items() if name != "ttl"
    }
    assert made["key"].startswith(listed["prefix"])
    assert len(listed["prefix"]) < len(made["key"]) / 3
    assert listed["expires_at"] > listed["created_at"]


@pytest.mark.parametrize(
    "limits",
    [
        {"actions": "deploy.*"},
        {"actions": ["a b"]},
        {"rights": ["everything"]},
        {"addresses": ["10.0.0.1/8"]},
        {"addresses": ["here"]},
        {"ttl": 0},
        {"ttl": True},
        {"enabled": "no"},
        {"enabled": None},
        {"metadata": ["build"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"ttl": 60, "expires_at": "2090-01-01T00:00:00Z"},
    ],
)
def test_limits_that_make_no_sense_are_refused(server: Running, limits: dict[str, Any]) -> None:
    assert server.post("/apikeys", limits).status_code == 400


def test_a_key_that_has_expired_opens_nothing(engine: Engine) -> None:
    over = KeyLimits(expires_at=utcnow() - timedelta(seconds=1))
    clear, _ = engine.access.create_key(user="ann", metadata={}, limits=over)
    with pytest.raises(Unauthenticated, match="expired"):
        engine.authenticate(api_key=clear)


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::7", True),
        ("11.1.2.3", False),
        ("2001:db9::7", False),
        ("", False),
        ("10.1.2", False),
    ],
)
def test_a_key_is_good_from_its_addresses_only(engine: Engine, address: str, is_good: bool) -> None:
    limits = KeyLimits(networks=("10.0.0.0/8", "2001:db8::/32"))
    clear, _ = engine.access.create_key(user="ann", metadata={}, limits=limits)
    if is_good:
        assert engine.authenticate(api_key=clear, address=address).user == "ann"
        return
    with pytest.raises(Unauthenticated, match="address"):
        engine.authenticate(api_key=clear, address=address)


def test_a_key_for_another_network_is_refused_over_http(server: Running) -> None:
    far, near = (server.post("/apikeys", {"addresses": [it]}).json() for it in ("10.0.0.0/8", "127.0.0.0/8"))
    assert server.get("/user", key=far["key"]).status_code == 401
    assert server.get("/user", key=near["key"]).status_code == 200
    session = server.ask(
        "GET", "/user", key="", headers={"X-Forwarded-For": "10.0.0.1", "St2-Api-Key": far["key"]}
    )
    assert session.status_code == 401


def test_the_last_use_is_told_with_its_address(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    assert "last_used_at" not in made
    server.get("/user", key=made["key"])
    told = server.get(f"/apikeys/{made['id']}").json()
    assert told["last_used_from"] == "127.0.0.1"
    assert told["last_used_at"] >= made["created_at"]


def test_the_last_use_is_written_once_a_minute_and_at_the_end(engine: Engine) -> None:
    clear, key = engine.access.create_key(user="ann", metadata={})
    engine.authenticate(api_key=clear, address="10.0.0.1")
    engine.database.write(lambda _connection: None)
    commits = engine.database.commits
    for _ in range(100):
        engine.authenticate(api_key=clear, address="10.0.0.2")
    engine.database.write(lambda _connection: None)
    # Other things may have been written meanwhile, but no hundred of them.
    assert engine.database.commits - commits < 50
    assert stored(engine, key.id).last_used_from == "10.0.0.1"
    engine.access.keys.write_uses()
    assert stored(engine, key.id).last_used_from == "10.0.0.2"


def stored(engine: Engine, key_id: str) -> Any:
    with engine.database.read() as connection:
        return keys.by_id(connection, key_id)


def test_a_key_revoked_by_another_server_opens_nothing_after_a_second(
    engine_of_each_kind: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of_each_kind
    clear, key = engine.access.create_key(user="ann", metadata={})
    engine.authenticate(api_key=clear)
    # As another server of the same database does it.
    other = Access(
        engine.database, engine.vault, UserFile(engine.folder / "users"), execution=lambda _id: None
    )
    other.keys.revoke(key.id)
    monkeypatch.setattr("engine.api_keys.FRESH_S", 0.0)
    with pytest.raises(Unauthenticated):
        engine.authenticate(api_key=clear)


def test_a_rotated_key_has_the_same_limits_and_the_old_one_ends(server: Running) -> None:
    old = server.post("/apikeys", {"actions": ["core.noop"], "ttl": 86_400, "metadata": {"for": "ci"}}).json()
    new = server.post(f"/apikeys/{old['id']}/rotate", {"grace_s": 60}).json()
    assert (new["replaces"], new["actions"], new["metadata"]) == (old["id"], ["core.noop"], {"for": "ci"})
    assert new["key"] != old["key"]
    for key in (old["key"], new["key"]):
        assert server.get("/user", key=key).status_code == 200
    assert server.get(f"/apikeys/{old['id']}").json()["expires_at"] < old["expires_at"]
    assert server.post(f"/apikeys/{old['id']}/rotate", {"grace_s": 0}).status_code == 201
    assert server.get("/user", key=old["key"]).status_code == 401
    assert server.post(f"/apikeys/{new['id']}/rotate", {"grace_s": -1}).status_code == 400


def test_nobody_gets_a_new_key_in_place_of_anothers(server: Running) -> None:
    ann, bob = (server.post("/apikeys", {"user": user}).json() for user in ("ann", "bob"))
    path = f"/apikeys/{bob['id']}"
    assert server.post(f"{path}/rotate", {}, key=ann["key"]).status_code == 404
    assert server.ask("PUT", path, key=ann["key"], json={"enabled": False}).status_code == 404
    assert server.ask("DELETE", path, key=ann["key"]).status_code == 404
    assert bob["id"] not in server.get("/apikeys?limit=-1", key=ann["key"]).text
    assert ann["id"] in server.get("/apikeys?limit=-1", key=ann["key"]).text


def test_a_key_may_be_named_by_itself(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    assert server.get(f"/apikeys/{made['key']}").json()["id"] == made["id"]
    wrong = server.get("/apikeys/canary-9d1")
    assert wrong.status_code == 404
    assert "canary-9d1" not in wrong.text


def test_a_key_of_stackstorm_opens_what_its_digest_says(server: Running) -> None:
    clear = "N2IxMzk0ZDc4YjZhMTQyMWQ5Y2E0NzY3"
    digest = hashlib.sha512(b"saltnpeper" + clear.encode()).hexdigest()
    body = {
        "user": "ann",
        "key_hash": digest,
        "metadata": {},
        "enabled": True,
        "id": "5f0000000000000000000000",
    }
    made = server.post("/apikeys", body)
    assert made.status_code == 201, made.text
    assert "key" not in made.json()
    assert server.get("/user", key=clear).json()["username"] == "ann"
    assert server.get("/user", key=digest).status_code == 401
    assert server.post("/apikeys", body).status_code == 409
    assert server.post("/apikeys", {**body, "key_hash": "********"}).status_code == 400
    ann = server.post("/apikeys", {"user": "ann"}).json()["key"]
    assert server.post("/apikeys", {**body, "user": "bob", "key_hash": "0" * 128}, key=ann).status_code == 403
