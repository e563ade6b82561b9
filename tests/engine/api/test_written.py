"""Actions and aliases that the API made, and switches over those of files."""

import pytest

from tests.engine.api.running import Running

ACTION = {"name": "mine", "runner_type": "local-shell-cmd", "parameters": {"cmd": {"default": "echo mine"}}}
ALIAS = {"name": "mine", "action_ref": "core.local", "formats": ["mine {{cmd}}"]}


def gone(server: Running, path: str) -> None:
    server.ask("DELETE", path)


@pytest.mark.parametrize(("path", "body"), [("/actions", ACTION), ("/actionalias", ALIAS)])
def test_what_was_made_is_there_until_it_is_deleted(
    server: Running, path: str, body: dict[str, object]
) -> None:
    made = server.post(path, body)
    assert made.status_code == 201, made.text
    assert made.json()["ref"] == "default.mine"
    assert server.post(path, body).status_code == 409
    changed = server.ask("PUT", f"{path}/{made.json()['id']}", json={**made.json(), "description": "x"})
    assert changed.json()["description"] == "x"
    assert server.ask("DELETE", f"{path}/default.mine").status_code == 204
    assert server.get(f"{path}/default.mine").status_code == 404


def test_an_action_that_was_made_runs(server: Running) -> None:
    server.post("/actions", ACTION)
    assert server.run("default.mine")["result"]["stdout"] == "mine"
    gone(server, "/actions/default.mine")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "runner_type": "python-script", "entry_point": "x.py"},
        {"name": "x", "runner_type": "orquesta"},
        {"name": "x", "runner_type": "local-shell-cmd", "entry_point": "../../etc/passwd"},
        {"name": "x", "runner_type": "local-shell-cmd", "pack": "nowhere"},
        {"name": "x", "runner_type": "local-shell-cmd", "wrong": 1},
        {"name": "a/b.c d", "runner_type": "nothing"},
        {},
    ],
)
def test_an_action_that_needs_a_file_or_is_wrong_is_refused(server: Running, body: dict[str, object]) -> None:
    assert server.post("/actions", body).status_code == 400


def test_a_clone_is_the_same_under_another_name(server: Running) -> None:
    clone = {"dest_pack": "default", "dest_action": "copy"}
    made = server.post("/actions/core.local/clone", clone)
    assert (made.status_code, made.json()["ref"]) == (201, "default.copy")
    assert server.run("default.copy", cmd="echo copied")["result"]["stdout"] == "copied"
    assert server.post("/actions/core.local/clone", clone).status_code == 409
    assert server.post("/actions/core.local/clone", {**clone, "overwrite": True}).status_code == 201
    assert server.post("/actions/probe.say/clone", clone).status_code == 400
    gone(server, "/actions/default.copy")


@pytest.mark.parametrize("path", ["/actions/probe.say", "/actionalias/probe.say"])
def test_what_is_a_file_is_switched_and_nothing_else(server: Running, path: str) -> None:
    document = server.get(path).json()
    off = server.ask("PUT", path, json={**document, "enabled": False})
    assert off.json()["enabled"] is False
    assert server.ask("PUT", path, json=document).json()["enabled"] is True
    assert server.ask("PUT", path, json={**document, "description": "other"}).status_code == 409
    assert server.ask("DELETE", path).status_code == 409


def test_a_runner_that_is_off_starts_nothing(server: Running) -> None:
    document = server.get("/runnertypes/?name=http-request").json()[0]
    server.ask("PUT", f"/runnertypes/{document['id']}", json={**document, "enabled": False})
    assert server.get("/runnertypes/http-request").json()["enabled"] is False
    refused = server.post("/executions", {"action": "core.http", "parameters": {"url": "http://127.0.0.1:1"}})
    assert refused.status_code == 400
    assert "is disabled" in refused.json()["faultstring"]
    server.ask("PUT", f"/runnertypes/{document['id']}", json=document)
    assert server.get("/runnertypes/http-request").json()["enabled"] is True


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/actions", ACTION),
        ("PUT", "/actions/probe.say", {"enabled": False}),
        ("DELETE", "/actions/probe.say", {}),
        ("POST", "/actions/core.local/clone", {"dest_pack": "default", "dest_action": "y"}),
        ("POST", "/actionalias", ALIAS),
        ("PUT", "/actionalias/probe.say", {"enabled": False}),
        ("DELETE", "/actionalias/probe.say", {}),
        ("PUT", "/runnertypes/noop", {"enabled": False}),
    ],
)
def test_without_roles_only_the_administrator_writes(
    server: Running, method: str, path: str, body: dict[str, object]
) -> None:
    ann = server.post("/apikeys", {"user": "ann"}).json()["key"]
    assert server.ask(method, path, key=ann, json=body).status_code == 403
