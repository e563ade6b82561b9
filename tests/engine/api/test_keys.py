"""The datastore over REST."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.running import Running
from tests.engine.rights.site import write_rights


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
    assert server.get("/keys/mine?scope=user&user=bob").status_code == 404
    server.ask("DELETE", "/keys/mine?scope=user")


def key_of(server: Running, user: str) -> str:
    return str(server.post("/apikeys", {"user": user}).json()["key"])


def test_only_the_administrator_may_name_another_user(server: Running) -> None:
    found = put(server, "hers", "1", scope="user", user="bob").json()
    assert (found["user"], found["uid"]) == ("bob", "key_value_pair:st2kv.user:bob:hers")
    assert server.get("/keys/hers?scope=user&user=bob").json()["value"] == "1"
    bob, eve = key_of(server, "bob"), key_of(server, "eve")
    assert server.get("/keys/hers?scope=user", key=bob).json()["value"] == "1"
    assert server.get("/keys/hers?scope=user", key=eve).status_code == 404
    body = {"name": "hers", "value": "2", "scope": "user", "user": "bob"}
    for refused in (
        server.get("/keys/hers?scope=user&user=bob", key=eve),
        server.get("/keys?scope=all&user=bob&decrypt=true", key=eve),
        server.get("/keys?scope=all&user=admin", key=eve),
        server.ask("PUT", "/keys/hers", key=eve, json=body),
        server.ask("DELETE", "/keys/hers?scope=user&user=bob", key=eve),
        server.post("/secret_key/rotate", {}, key=eve),
    ):
        assert refused.status_code == 403
    assert server.ask("DELETE", "/keys/hers?scope=user&user=bob").status_code == 204


def test_a_secret_is_sealed_unless_it_is_decrypted(server: Running) -> None:
    put(server, "pass", "canary-3e8", secret=True)
    sealed = server.get("/keys/pass").json()
    assert sealed["secret"] is sealed["encrypted"] is True
    assert "canary" not in sealed["value"]
    assert server.get("/keys/pass?decrypt=true").json()["value"] == "canary-3e8"
    assert "canary" not in server.get("/keys/?scope=all&limit=50").text


def test_without_roles_only_the_administrator_reads_secrets_of_the_system(server: Running) -> None:
    server.ask("PUT", "/keys/treasure", json={"name": "treasure", "value": "canary-7d", "secret": True})
    key, _ = server.engine.access.create_key(user="eve", metadata={})
    for path in ("/keys/treasure?decrypt=true", "/keys?decrypt=true", "/keys?decrypt=true&scope=all"):
        answer = server.get(path, key=key)
        assert answer.status_code == 403, path
        assert "Decrypt option requires administrator access" in answer.json()["faultstring"]
    assert "canary" not in server.get("/keys/treasure", key=key).text
    own = {"name": "mine", "value": "canary-7e", "secret": True, "scope": "user"}
    assert server.ask("PUT", "/keys/mine", json=own, key=key).status_code == 200
    assert server.get("/keys/mine?scope=user&decrypt=true", key=key).json()["value"] == "canary-7e"


def test_with_roles_it_takes_all_on_the_key_to_read_a_secret(server: Running) -> None:
    server.ask("PUT", "/keys/treasure", json={"name": "treasure", "value": "canary-7d", "secret": True})
    root = Path(server.engine.settings.root)
    uid = "key_value_pair:st2kv.system:treasure"
    write_rights(
        root,
        {
            "roles/keeper.yaml": f"""
                name: keeper
                permission_grants: [{{resource_uid: "{uid}", permission_types: [key_value_pair_all]}}]
            """,
            "assignments/kim.yaml": "{username: kim, roles: [keeper]}",
            "assignments/ada.yaml": "{username: ada, roles: [admin]}",
            "assignments/olga.yaml": "{username: olga, roles: [observer]}",
        },
    )
    server.engine.reload()
    try:
        made = {
            name: server.engine.access.create_key(user=name, metadata={})[0]
            for name in ("kim", "ada", "olga")
        }
        path = "/keys/treasure?decrypt=true"
        assert server.get(path, key=made["kim"]).json()["value"] == "canary-7d"
        assert server.get(path, key=made["ada"]).json()["value"] == "canary-7d"
        assert server.get("/keys/treasure", key=made["olga"]).status_code == 200
        for refused in (path, "/keys?decrypt=true"):
            assert server.get(refused, key=made["olga"]).status_code == 403
        assert server.get("/keys?decrypt=true", key=made["kim"]).status_code == 403
    finally:
        for file in (root / "rbac").rglob("*.yaml"):
            file.unlink()
        server.engine.reload()


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
    [
        {"value": 5},
        {"secret": "yes"},
        {"description": 1},
        {"if_value": 1},
        {"user": 5, "scope": "user"},
        {"ttl": 0},
        {"ttl": "1"},
        {"scope": "galaxy"},
        {"encrypted": True},
        {"name": "else"},
    ],
)
def test_a_wrong_key_is_refused(server: Running, more: dict[str, Any]) -> None:
    assert server.ask("PUT", "/keys/k", json={"name": "k", "value": "x", **more}).status_code == 400


def test_filters_order_and_pages_work_together(server: Running) -> None:
    made = {name: put(server, f"sorted.{name}", name).json()["id"] for name in "abcd"}

    def names(query: str) -> list[str]:
        return [one["name"][-1] for one in server.get(f"/keys?prefix=sorted.&{query}").json()]

    assert names("sort=-name") == ["d", "c", "b", "a"]
    assert names("sort=-name&limit=2&offset=1") == ["c", "b"]
    assert names(f"id={made['a']},{made['c']}") == ["a", "c"]
    assert server.get("/keys?limit=0").status_code == 400
    assert server.get("/keys?scope=galaxy").status_code == 400


def test_all_scopes_are_the_systems_and_then_the_callers(server: Running) -> None:
    put(server, "both.x", "1")
    put(server, "both.x", "2", scope="user")
    found = server.get("/keys?scope=all&prefix=both.").json()
    assert [(one["scope"], one["value"]) for one in found] == [("st2kv.system", "1"), ("st2kv.user", "2")]
    assert "user" not in found[0]
    server.ask("DELETE", "/keys/both.x?scope=user")


def test_a_value_is_set_only_where_it_is_as_expected(server: Running) -> None:
    assert put(server, "cas", "1", if_value=None).status_code == 200
    refused = put(server, "cas", "1", if_value=None)
    assert refused.status_code == 409
    assert "is there already" in refused.json()["faultstring"]
    assert put(server, "cas", "2", if_value="1").status_code == 200
    assert put(server, "cas", "3", if_value="1").status_code == 409
    assert server.ask("DELETE", "/keys/cas", json={"if_value": "1"}).status_code == 409
    assert server.ask("DELETE", "/keys/cas", json={"if_value": "2"}).status_code == 204


def test_a_list_can_be_written_back_with_its_sealed_values(server: Running) -> None:
    put(server, "dumped", "canary-5f", secret=True, description="what it is")
    dumped = server.get("/keys/dumped").json()
    assert dumped["description"] == "what it is"
    server.ask("DELETE", "/keys/dumped")
    assert server.ask("PUT", "/keys/dumped", json=dumped).status_code == 200
    assert server.get("/keys/dumped?decrypt=true").json()["value"] == "canary-5f"
    moved = server.ask("PUT", "/keys/elsewhere", json={**dumped, "name": "elsewhere"})
    assert moved.status_code == 400
    assert "another key" in moved.json()["faultstring"]


def test_after_a_rotation_everything_opens(server: Running) -> None:
    put(server, "turned", "canary-6a", secret=True)
    before = server.get("/keys/turned").json()["value"]
    outcome = server.post("/secret_key/rotate", {}).json()
    assert outcome["failed"] == 0
    assert outcome["resealed"] >= 1
    assert server.get("/keys/turned?decrypt=true").json()["value"] == "canary-6a"
    assert server.get("/keys/turned").json()["value"] != before
    run = server.run("probe.say", text="x", password="canary-7b")
    assert run["status"] == "succeeded"


def test_keys_that_are_about_to_rotate_are_names_like_others(server: Running) -> None:
    assert put(server, "rotate", "x").status_code == 200
    assert server.get("/keys/rotate").json()["value"] == "x"
