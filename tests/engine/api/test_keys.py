"""The datastore over REST."""

from typing import Any

import pytest

from tests.engine.api.running import Running


def put(server: Running, name: str, value: Any, **more: Any) -> Any:
    return server.ask("PUT", f"/keys/{name}", json={"name": name, "value": value, **more})


def test_a_key_is_written_read_and_removed(server: Running) -> None:
    assert put(server, "a.b", "1").status_code == 200
    found = server.get("/keys/a.b?scope=system&decrypt=false").json()
    assert (found["name"], found["value"], found["scope"]) == ("a.b", "1", "st2kv.system")
    assert found["uid"] == "key_value_pair:st2kv.system:a.b"
    assert server.ask("DELETE", "/keys/a.b?scope=system").status_code == 204
    assert server.get("/keys/a.b").status_code == 404
    assert server.ask("DELETE", "/keys/a.b").status_code == 404


def test_a_name_may_hold_slashes_and_colons(server: Running) -> None:
    put(server, "path/to:it", "x")
    assert server.get("/keys/path%2Fto:it").json()["name"] == "path/to:it"
    server.ask("DELETE", "/keys/path%2Fto:it")


def test_a_user_has_keys_of_their_own(server: Running) -> None:
    found = put(server, "mine", "1", scope="user", user=None).json()
    assert (found["user"], found["uid"]) == ("admin", "key_value_pair:st2kv.user:admin:mine")
    assert server.get("/keys/mine").status_code == 404
    assert server.get("/keys/mine?scope=st2kv.user").status_code == 200
    assert server.get("/keys/mine?scope=user&user=bob").status_code == 403
    assert put(server, "mine", "1", scope="user", user="bob").status_code == 403


def test_a_secret_is_sealed_unless_it_is_decrypted(server: Running) -> None:
    put(server, "pass", "canary-3e8", secret=True)
    sealed = server.get("/keys/pass").json()
    assert sealed["secret"] is sealed["encrypted"] is True
    assert "canary" not in sealed["value"]
    assert server.get("/keys/pass?decrypt=true").json()["value"] == "canary-3e8"
    assert "canary" not in server.get("/keys/?scope=all&limit=50").text


def test_the_list_is_plain_and_takes_a_prefix(server: Running) -> None:
    for name in ("list.1", "list.2", "other"):
        put(server, name, "x")
    answer = server.get("/keys?prefix=list.")
    assert [one["name"] for one in answer.json()] == ["list.1", "list.2"]
    assert "X-Total-Count" not in answer.headers
    assert [one["name"] for one in server.get("/keys?prefix=list.&limit=1&offset=1").json()] == ["list.2"]
    assert [one["name"] for one in server.get("/keys?name=other").json()] == ["other"]


def test_a_time_to_live_gives_a_time_to_die(server: Running) -> None:
    assert "expire_timestamp" in put(server, "short", "x", ttl=60).json()


@pytest.mark.parametrize(
    "more",
    [{"value": 5}, {"ttl": 0}, {"ttl": "1"}, {"scope": "galaxy"}, {"encrypted": True}, {"name": "else"}],
)
def test_a_wrong_key_is_refused(server: Running, more: dict[str, Any]) -> None:
    assert server.ask("PUT", "/keys/k", json={"name": "k", "value": "x", **more}).status_code == 400
