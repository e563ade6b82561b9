"""A limited key opens what it names, and nothing else: every route is closed unless it says otherwise."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.api.app import ENDPOINTS
from tests.engine.api.running import Running

Making = Callable[..., dict[str, Any]]


@pytest.fixture
def make(server: Running) -> Making:
    """A key with these limits: its whole document, `key` in clear."""

    def made(**limits: Any) -> dict[str, Any]:
        answer = server.post("/apikeys", limits)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    return made


@pytest.fixture
def deploy(make: Making) -> str:
    """It may run what begins with probe.s."""
    return str(make(actions=["probe.s*"])["key"])


# Of a key that names only an action these open, cut to that action or harmless; all else is closed.
OPEN = {
    "GET /actionalias",
    "GET /actions",
    "GET /actions/views/overview",
    "GET /actions/views/runnable",
    "GET /executions",
    "GET /runnertypes",
    "GET /runnertypes/{ref_or_id}",
    "GET /stream",
    "GET /user",
}


def test_a_route_is_closed_unless_it_says_what_it_has_for_limited_keys(server: Running, make: Making) -> None:
    key = make(actions=["nothing.there"])["key"]
    opened = set()
    for endpoint in ENDPOINTS:
        if endpoint.is_open or endpoint.path == "/stream":
            continue
        path = re.sub(r"\{[^}]*\}", "x", endpoint.path)
        body = {"action": "core.noop", "command": "say x", "name": "say", "format": "say {{text}}"}
        if server.ask(endpoint.method, path, key=key, json=body).status_code not in (403, 400, 404):
            opened.add(f"{endpoint.method} {endpoint.path}")
    assert opened <= OPEN


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/executions", {"action": "core.noop"}),
        ("POST", "/executions", {"action": ["probe.say"]}),
        ("GET", "/actions/core.noop", None),
        ("GET", "/executions/views/filters", None),
        ("GET", "/apikeys", None),
        ("POST", "/apikeys", {}),
        ("GET", "/keys?scope=all", None),
        ("GET", "/rules", None),
        ("POST", "/packs/register", None),
        ("POST", "/webhooks/st2", {"trigger": "core.noop"}),
        ("POST", "/accounts/codes", {}),
        ("GET", "/inquiries", None),
    ],
)
def test_a_key_for_an_action_opens_nothing_else(
    server: Running, deploy: str, method: str, path: str, body: Any
) -> None:
    answer = server.ask(method, path, key=deploy, json=body)
    assert answer.status_code == 403, answer.text
    assert "limited" in answer.json()["faultstring"]


def test_it_runs_its_actions_and_sees_their_executions(server: Running, deploy: str) -> None:
    made = server.post("/executions", {"action": "probe.say", "parameters": {"text": "hi"}}, key=deploy)
    assert made.status_code == 201, made.text
    path = f"/executions/{made.json()['id']}"
    assert server.get(f"{path}?wait=20", key=deploy).json()["status"] == "succeeded"
    assert server.get(f"{path}/output", key=deploy).status_code == 200
    assert server.get("/actions/probe.say", key=deploy).status_code == 200
    assert server.get("/runnertypes/?name=local-shell-script", key=deploy).status_code == 200


def test_it_does_not_see_the_executions_of_others(server: Running, deploy: str) -> None:
    other, own = server.run("core.noop")["id"], server.run("probe.say", text="own")["id"]
    for path in ("", "/output", "/result", "/children", "/attribute/status", "/tasks", "/result_text"):
        assert server.get(f"/executions/{other}{path}", key=deploy).status_code == 403, path
    assert server.ask("DELETE", f"/executions/{other}", key=deploy).status_code == 403
    assert server.post(f"/executions/{other}/re_run", {}, key=deploy).status_code == 403
    listed = server.get("/executions?limit=-1", key=deploy)
    assert own in listed.text
    assert {one["action"]["ref"] for one in listed.json()} <= {"probe.say", "probe.slow", "probe.secret"}
    assert server.get("/executions?action=core.noop", key=deploy).json() == []


def test_aliases_and_reruns_run_its_actions_only(server: Running, make: Making) -> None:
    say, noop = make(actions=["probe.say"])["key"], make(actions=["core.noop"])["key"]
    command = {"command": "say hello", "source_channel": "ops"}
    chosen = {**command, "name": "say", "format": "say {{text}}"}
    assert server.post("/aliasexecution/match_and_execute", command, key=say).status_code == 201
    for path, body in (
        ("/aliasexecution/match_and_execute", command),
        ("/aliasexecution", chosen),
        ("/actionalias/match", command),
    ):
        assert server.post(path, body, key=noop).status_code == 403, path
    said = server.run("probe.say", text="x")["id"]
    assert server.post(f"/executions/{said}/re_run", {}, key=say).status_code == 201
    assert server.post(f"/executions/{said}/re_run", {}, key=noop).status_code == 403


def test_lists_of_content_are_cut_to_its_actions(server: Running, make: Making) -> None:
    say = make(actions=["probe.say"])["key"]
    for path in ("/actions?limit=-1", "/actions/views/overview?limit=-1"):
        assert [one["ref"] for one in server.get(path, key=say).json()] == ["probe.say"]
    assert server.get("/actionalias/probe.say", key=say).status_code == 200
    assert server.get("/actionalias/probe.say", key=make(actions=["core.*"])["key"]).status_code == 403
    aliases = server.get("/actionalias?limit=-1", key=say).json()
    assert {one["action_ref"] for one in aliases} == {"probe.say"}


def rule(action: str) -> dict[str, Any]:
    trigger = {"type": "core.st2.webhook", "parameters": {"url": "scoped"}}
    return {"name": "scoped", "pack": "default", "trigger": trigger, "action": {"ref": action}}


def test_a_rule_that_it_writes_runs_its_actions_only(server: Running, make: Making) -> None:
    key = make(actions=["core.noop"], rights=["rule_all"])["key"]
    assert server.post("/rules", rule("core.local"), key=key).status_code == 403
    assert server.post("/rules", rule("core.noop"), key=make(actions=["core.noop"])["key"]).status_code == 403
    made = server.post("/rules", rule("core.noop"), key=key)
    assert made.status_code == 201, made.text
    path = f"/rules/{made.json()['id']}"
    hidden = {**rule("core.noop"), "x-actions": [{"ref": "core.local"}]}
    assert server.ask("PUT", path, key=key, json=hidden).status_code == 403
    schedule = {"when": "in 3 hours", "command": "say hello"}
    assert server.post("/schedules", schedule, key=key).status_code == 403
    other = make(actions=["core.noop"], rights=["rule_all"])["key"]
    assert server.ask("DELETE", path, key=other).status_code == 204


def test_a_key_for_a_webhook_posts_there_only(server: Running, make: Making) -> None:
    made = server.post("/rules", {**rule("core.noop"), "name": "hooked"}).json()
    key = make(webhooks=["scoped"])["key"]
    assert server.post("/webhooks/scoped", {}, key=key).status_code == 202
    assert server.post("/webhooks/st2", {"trigger": "core.noop"}, key=key).status_code == 403
    assert server.post("/webhooks/other", {}, key=key).status_code == 403
    assert server.get("/webhooks", key=key).status_code == 403
    assert server.post("/executions", {"action": "core.noop"}, key=key).status_code == 403
    assert server.get("/user", key=key).status_code == 200
    server.ask("DELETE", f"/rules/{made['id']}")


def test_a_key_that_reads_changes_nothing_and_decrypts_nothing(server: Running, make: Making) -> None:
    secret = {"name": "scoped", "value": "canary-1", "secret": True}
    assert server.ask("PUT", "/keys/scoped", json=secret).status_code == 200
    key = make(rights=["read"])["key"]
    for path in ("/executions", "/rules", "/actions", "/keys", "/keys/scoped"):
        assert server.get(path, key=key).status_code == 200, path
    assert server.get("/keys/scoped?decrypt=true", key=key).status_code == 403
    assert server.post("/executions", {"action": "core.noop"}, key=key).status_code == 403
    assert server.ask("PUT", "/keys/scoped", key=key, json=secret).status_code == 403
    named = make(rights=["key_value_pair_view"])["key"]
    assert server.get("/keys/scoped?decrypt=true", key=named).json()["value"] == "canary-1"


def test_what_makes_more_keys_is_closed_to_every_limited_key(server: Running, make: Making) -> None:
    key = make(rights=["api_key_all", "action_create", "pack_all"])["key"]
    assert server.post("/apikeys", {}, key=key).status_code == 403
    assert server.get("/apikeys", key=key).status_code == 403
    assert server.post("/actions", {"name": "mine", "runner_type": "noop"}, key=key).status_code == 403
    assert server.post("/accounts/codes", {}, key=key).status_code == 403


def test_its_stream_shows_its_executions_only(server: Running, make: Making) -> None:
    key = make(actions=["probe.say"])["key"]
    answer = server.get("/stream", key=key, stream=True)
    lines = answer.iter_lines()
    assert next(lines) == b""
    hidden, shown = server.run("core.noop")["id"], server.run("probe.say", text="seen")["id"]
    seen: list[str] = []
    for line in lines:
        if line.startswith(b"data: "):
            seen.append(json.loads(line[6:])["id"])
        if shown in seen:
            break
    answer.close()
    assert hidden not in seen
    refused = server.get(f"/stream?end_execution_id={hidden}", key=key)
    assert refused.status_code == 403


@pytest.fixture
def chain(server: Running) -> Iterator[str]:
    """The ref of a chain with one task, core.noop."""
    folder = server.folder / "packs" / "probe" / "actions"
    texts = {
        "scoped.chain": {"chain": [{"name": "only", "ref": "core.noop"}]},
        "scoped.yaml": {"name": "scoped", "runner_type": "action-chain", "entry_point": "scoped.chain"},
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    server.engine.reload()
    yield "probe.scoped"
    for name in texts:
        (folder / name).unlink()
    server.engine.reload()


def test_a_task_of_its_workflow_is_its_own(server: Running, make: Making, chain: str) -> None:
    key = make(actions=[chain])["key"]
    made = server.post("/executions", {"action": chain}, key=key)
    path = f"/executions/{made.json()['id']}"
    server.get(f"{path}?wait=30", key=key)
    children = server.get(f"{path}/children", key=key).json()
    assert children
    assert server.get(f"/executions/{children[0]['id']}", key=key).status_code == 200
    stream = f"/stream?end_execution_id={made.json()['id']}"
    assert children[0]["id"] in server.get(stream, key=key).text
    assert server.post(f"/executions/{children[0]['id']}/re_run", {}, key=key).status_code == 403
