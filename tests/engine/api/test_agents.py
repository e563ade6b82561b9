"""What a program that decides by itself may ask: what it may run, and nothing that takes a person."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.running import Running
from tests.engine.rights.site import ROLES, write_rights
from tests.engine.world import wait_until

AGENT = {"Stormcrow-Origin": "mcp"}


@pytest.fixture
def roles(server: Running) -> Iterator[Path]:
    root = Path(server.engine.settings.root)
    write_rights(root, ROLES)
    server.engine.reload()
    yield root
    for path in (root / "rbac").rglob("*.yaml"):
        path.unlink()
    server.engine.reload()


def key_of(server: Running, user: str) -> str:
    clear, _key = server.engine.access.create_key(user=user, metadata={})
    return clear


def runnable(server: Running, key: str) -> dict[str, Any]:
    found: dict[str, Any] = server.get("/actions/views/runnable", key=key).json()
    return found


def refs(listed: dict[str, Any]) -> list[str]:
    return [one["ref"] for one in listed["actions"]]


def asked(server: Running, **more: Any) -> str:
    answer = server.post("/executions", {"action": "core.ask", "parameters": more}, headers=AGENT)
    execution_id = str(answer.json()["id"])
    wait_until(lambda: server.engine.execution(execution_id).status == "pending")
    return execution_id


def test_who_has_a_role_is_told_what_it_lets_them_run(server: Running, roles: Path) -> None:
    assert refs(runnable(server, key_of(server, "ann"))) == ["probe.fail", "probe.say", "probe.slow"]
    assert refs(runnable(server, key_of(server, "bob"))) == ["core.echo"]
    assert refs(runnable(server, key_of(server, "olga"))) == []


def test_an_action_tells_what_it_declares_and_not_the_rest_of_its_runners(server: Running) -> None:
    (say,) = (one for one in runnable(server, server.key)["actions"] if one["ref"] == "probe.say")
    assert say["description"] == "Says it"
    assert say["parameters"]["text"]["required"] is True
    assert set(say["parameters"]) == {"text", "times", "password"}
    assert say["is_idempotent"] is False


def test_who_waits_is_told_as_soon_as_the_list_changes(server: Running, roles: Path) -> None:
    key = key_of(server, "bob")
    seen = runnable(server, key)["digest"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.get, f"/actions/views/runnable?wait=50&seen={seen}", key=key)
        write_rights(roles, {"assignments/bob.yaml": "{username: bob, roles: [deployer]}"})
        server.engine.reload()
        listed = waiting.result(60).json()
    assert refs(listed) == ["probe.fail", "probe.say", "probe.slow"]
    assert listed["digest"] != seen


def test_who_waits_too_long_is_told_the_same_again(server: Running) -> None:
    seen = runnable(server, server.key)
    again = server.get(f"/actions/views/runnable?wait=1&seen={seen['digest']}").json()
    assert again["digest"] == seen["digest"]


def test_a_wait_ends_with_the_next_status(server: Running) -> None:
    execution_id = server.start("probe.slow", seconds=60)["id"]
    wait_until(lambda: server.engine.execution(execution_id).status == "running")
    threading.Timer(0.2, server.engine.cancel, (execution_id,), {"user": "admin"}).start()
    found = server.get(f"/executions/{execution_id}?wait=30&seen=running").json()
    assert found["status"] in ("canceling", "canceled")


def test_what_an_agent_began_says_so(server: Running) -> None:
    body = {"action": "core.noop", "parameters": {}}
    begun = server.post("/executions", body, headers=AGENT).json()
    assert begun["context"]["origin"] == "mcp"
    again = server.post(f"/executions/{begun['id']}/re_run", {}, headers=AGENT).json()
    assert again["context"]["origin"] == "mcp"
    assert "origin" not in server.post("/executions", body).json()["context"]


def test_nobody_else_may_call_themselves_an_agent_in_the_body(server: Running) -> None:
    body = {"action": "core.noop", "context": {"origin": "mcp", "chat": {"adapter": "web"}}}
    assert "origin" not in server.post("/executions", body).json()["context"]


@pytest.mark.parametrize("body", [{"response": {"continue": True}}, {"decision": "approve"}])
def test_an_agent_answers_no_question(server: Running, body: dict[str, Any]) -> None:
    inquiry_id = asked(server)
    refused = server.ask("PUT", f"/inquiries/{inquiry_id}", json=body, headers=AGENT)
    assert (refused.status_code, "a person must answer" in refused.text) == (403, True)
    assert server.engine.execution(inquiry_id).status == "pending"


def test_nor_does_an_action_that_it_began(server: Running) -> None:
    inquiry_id = asked(server)
    begun = server.post("/executions", {"action": "probe.slow", "parameters": {}}, headers=AGENT).json()
    wait_until(lambda: server.engine.execution(begun["id"]).status == "running")
    token = server.engine.access.run_token(begun["id"], server.engine.execution(begun["id"]).attempt)
    with_token = {"key": "", "headers": {"X-Auth-Token": token}}
    refused = server.ask(
        "PUT", f"/inquiries/{inquiry_id}", json={"response": {"continue": True}}, **with_token
    )
    inner = server.post("/executions", {"action": "core.noop"}, **with_token).json()
    server.engine.cancel(begun["id"], user="admin")
    assert refused.status_code == 403
    assert inner["context"]["origin"] == "mcp"


def test_a_person_sees_that_an_agent_asks(server: Running) -> None:
    inquiry_id = asked(server)
    detail = server.get(f"/inquiries/views/detail/{inquiry_id}").json()
    assert (detail["requested_by"]["name"], detail["requested_by"]["by_agent"]) == ("admin", True)
    assert server.ask("PUT", f"/inquiries/{inquiry_id}", json={"response": {"continue": True}}).ok


def test_the_audit_and_the_trace_say_that_an_agent_began_it(server: Running) -> None:
    begun = server.post("/executions", {"action": "core.noop"}, headers=AGENT).json()
    listed = server.get("/audit?limit=200").json()
    (act,) = (one for one in listed if one["execution_id"] == begun["id"])
    assert act["details"]["origin"] == "mcp"
    story = server.get(f"/stories/{begun['id']}").text
    assert "through an agent" in story
