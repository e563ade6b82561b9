"""Who may ask: keys, tokens, and where they may stand."""

import logging
import re

import pytest
from starlette.routing import Route

from engine.api.app import ENDPOINTS, create_app
from tests.engine.api.running import Running

# What answers without a key: whether we live, how to log in, what the API is like; on loopback, numbers.
OPEN = {
    "/healthz": 200,
    "/readyz": 200,
    "/logins": 200,
    "/metrics": 200,
    "/openapi.json": 200,
    "/docs": 200,
    "/docs/{name}": 404,
    # It tells whoever has a token what it is worth; ours is missing.
    "/tokens/validate": 400,
}


def test_every_route_but_a_few_needs_a_key(server: Running) -> None:
    paths = {route.path for route in create_app(server.engine).routes if isinstance(route, Route)}
    assert paths == {endpoint.path for endpoint in ENDPOINTS}
    opened = {}
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{[^}]*\}", "x", endpoint.path)
        answer = server.ask(endpoint.method, path, key="", json={})
        if answer.status_code != 401:
            opened[endpoint.path] = answer.status_code
        elif endpoint.path != "/tokens":
            assert answer.json()["faultstring"] == "Unauthorized - One of Token or API key required."
    assert opened == OPEN


@pytest.mark.parametrize("name", ["St2-Api-Key", "Authorization"])
def test_a_key_is_accepted_in_a_header(server: Running, name: str) -> None:
    value = f"Bearer {server.key}" if name == "Authorization" else server.key
    answer = server.get("/user", key="", headers={name: value})
    assert answer.status_code == 200
    assert answer.json()["authentication"] == {
        "method": "API key",
        "location": "header",
        "token_expire": None,
    }


def test_a_key_is_accepted_in_the_query(server: Running) -> None:
    answer = server.get(f"/user?st2-api-key={server.key}", key="")
    assert answer.json()["authentication"]["location"] == "query string"


def test_a_key_is_not_a_token(server: Running) -> None:
    assert server.get("/user", key="", headers={"X-Auth-Token": server.key}).status_code == 401
    assert server.get(f"/user?x-auth-token={server.key}", key="").status_code == 401


def test_a_cookie_is_not_accepted(server: Running) -> None:
    assert server.get("/user", key="", headers={"Cookie": f"auth-token={server.key}"}).status_code == 401


def test_the_first_source_decides(server: Running) -> None:
    assert server.get("/user", headers={"X-Auth-Token": "wrong"}).status_code == 401


def test_a_wrong_key_is_told_apart_from_none(server: Running) -> None:
    text = server.get("/user", key="wrong").json()["faultstring"]
    assert text.startswith("Unauthorized - ")
    assert "required" not in text
    assert "wrong" not in text


def test_a_key_that_was_disabled_opens_nothing(server: Running) -> None:
    made = server.post("/apikeys", {"user": "ann", "metadata": {"for": "tests"}}).json()
    assert server.get("/user", key=made["key"]).json()["username"] == "ann"
    assert server.ask("PUT", f"/apikeys/{made['id']}", json={**made, "enabled": False}).status_code == 200
    answer = server.get("/user", key=made["key"])
    assert answer.json()["faultstring"] == "Unauthorized - API key is disabled."


def test_nobody_but_the_administrator_makes_keys_of_others(server: Running) -> None:
    ann = server.post("/apikeys", {"user": "ann"}).json()["key"]
    assert server.post("/apikeys", {"user": "bob"}, key=ann).status_code == 403
    assert server.post("/apikeys", {}, key=ann).json()["user"] == "ann"


def test_a_key_that_was_revoked_opens_nothing(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    assert server.ask("DELETE", f"/apikeys/{made['id']}").status_code == 204
    assert server.get("/user", key=made["key"]).status_code == 401


def test_a_key_is_shown_once(server: Running) -> None:
    made = server.post("/apikeys", {"metadata": {"for": "once"}})
    assert made.status_code == 201
    listed = server.get("/apikeys?limit=-1").text
    assert made.json()["id"] in listed
    assert made.json()["key"] not in listed


def test_the_token_of_a_running_action_is_accepted_and_manages_no_keys(server: Running) -> None:
    execution = server.start("probe.slow", seconds=20)
    deadline = 100
    while server.get(f"/executions/{execution['id']}").json()["status"] != "running" and deadline:
        deadline -= 1
    attempt = server.engine.execution(execution["id"]).attempt
    token = server.engine.access.run_token(execution["id"], attempt)
    as_action = {"key": "", "headers": {"X-Auth-Token": token}}
    user = server.get("/user", **as_action).json()
    assert user["authentication"]["method"] == "authentication token"
    assert server.post("/apikeys", {}, **as_action).status_code == 403
    server.ask("DELETE", f"/executions/{execution['id']}")
    server.get(f"/executions/{execution['id']}?wait=60")
    assert server.get("/user", **as_action).status_code == 401


def test_keys_in_the_query_never_reach_the_log(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        server.get(f"/user?st2-api-key={server.key}", key="")
        server.get("/nothing?st2-api-key=canary-7c2", key="")
    assert any(
        "/user" in record.getMessage() for record in caplog.records if record.name == "stormcrow.access"
    )
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    assert server.key not in "\n".join(ours)
    assert "canary-7c2" not in "\n".join(ours)


def test_another_users_name_is_refused(server: Running) -> None:
    answer = server.post("/executions", {"action": "core.noop", "user": "root"})
    assert answer.status_code == 403


@pytest.mark.parametrize("user", [None, "", "admin"])
def test_ones_own_name_is_accepted(server: Running, user: str | None) -> None:
    assert server.post("/executions", {"action": "core.noop", "user": user}).status_code == 201
