"""Acting for others: a Hubot does it for its people, nobody else does, and who acts is never lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.user_file import UserFile
from tests.engine.api.running import Running
from tests.engine.rights.site import write_rights
from tests.engine.world import wait_until

FILES = {
    "roles/bots.yaml": """
        name: bots
        permission_grants:
          - {resource_uid: "role:chatter", permission_types: [impersonate]}
          - {resource_uid: "user:*", permission_types: [impersonate]}
          - {permission_types: [api_key_create]}
    """,
    "roles/narrow.yaml": """
        name: narrow
        permission_grants: [{resource_uid: "role:chatter", permission_types: [impersonate]}]
    """,
    "roles/chatter.yaml": """
        name: chatter
        permission_grants:
          - {resource_uid: "pack:probe", permission_types: [action_execute]}
          - {resource_uid: "pack:core", permission_types: [action_execute]}
          - {permission_types: [rule_list, stream_view, execution_list]}
    """,
    "assignments/hubot.yaml": "{username: hubot, roles: [bots]}",
    "assignments/parrot.yaml": "{username: parrot, roles: [narrow]}",
    "assignments/ann.yaml": "{username: chat.ann, roles: [chatter]}",
    "assignments/ada.yaml": "{username: ada, roles: [admin]}",
    "assignments/eve.yaml": "{username: eve, roles: [chatter]}",
}
PASSWORD = "correct horse"


class People:
    """Asks as a user, by key or by token."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self._keys: dict[str, str] = {}

    def key(self, user: str) -> str:
        if user not in self._keys:
            self._keys[user], _ = self.server.engine.access.create_key(user=user, metadata={})
        return self._keys[user]

    def ask(self, user: str, method: str, path: str, body: Any = None) -> requests.Response:
        return self.server.ask(method, path, json=body, key=self.key(user))

    def login(self, act_as: str, *, user: str = "hubot") -> requests.Response:
        body = {"user": act_as}
        return self.server.ask("POST", "/tokens", key="", json=body, auth=(user, PASSWORD))


@pytest.fixture
def people(server: Running) -> Iterator[People]:
    root = Path(server.engine.settings.root)
    write_rights(root, FILES)
    server.engine.reload()
    users = UserFile(server.engine.folder / "users")
    for name in ("hubot", "eve"):
        users.put(name, PASSWORD)
    yield People(server)
    users.path.unlink()
    for path in (root / "rbac").rglob("*.yaml"):
        path.unlink()
    server.engine.reload()


def acts(people: People, token: str, method: str, path: str, body: Any = None) -> requests.Response:
    return people.server.ask(method, path, key="", json=body, headers={"X-Auth-Token": token})


def test_a_bot_runs_for_whoever_has_a_role_and_for_nobody_else(people: People) -> None:
    body = {"action": "core.noop", "user": "chat.ann"}
    made = people.ask("parrot", "POST", "/executions", body)
    assert made.status_code == 201, made.text
    context = made.json()["context"]
    assert (context["user"], context["impersonated_by"]) == ("chat.ann", "parrot")
    story = people.server.get(f"/stories/{made.json()['id']}")
    assert "through parrot" in story.text, story.text
    for other in ("chat.bob", "ada", "admin", "hubot"):
        answer = people.ask("parrot", "POST", "/executions", {**body, "user": other})
        assert answer.status_code == 403, other
        assert "may not act as" in answer.json()["faultstring"]


@pytest.mark.parametrize("other", ["ada", "admin"])
def test_nobody_acts_for_an_administrator_whatever_a_role_says(people: People, other: str) -> None:
    assert (
        people.ask("hubot", "POST", "/executions", {"action": "core.noop", "user": other}).status_code == 403
    )
    assert people.ask("hubot", "POST", "/apikeys", {"user": other}).status_code == 403
    assert people.login(other).status_code == 403


def test_a_token_for_another_user_tells_who_acts(people: People) -> None:
    made = people.login("chat.ann")
    assert made.status_code == 201, made.text
    token = made.json()["token"]
    assert made.json()["user"] == "chat.ann"
    assert acts(people, token, "GET", "/user").json()["username"] == "chat.ann"
    run = acts(people, token, "POST", "/executions", {"action": "core.noop"}).json()
    assert (run["context"]["user"], run["context"]["impersonated_by"]) == ("chat.ann", "hubot")
    again = acts(people, token, "POST", f"/executions/{run['id']}/re_run", {}).json()
    assert again["context"]["impersonated_by"] == "hubot"


def test_it_runs_and_looks_and_does_nothing_else(people: People) -> None:
    token = people.login("chat.ann").json()["token"]
    command = {"command": "say hello", "source_channel": "ops"}
    assert acts(people, token, "POST", "/aliasexecution/match_and_execute", command).status_code == 201
    assert acts(people, token, "GET", "/executions").status_code == 200
    for method, path in (
        ("POST", "/apikeys"),
        ("GET", "/apikeys"),
        ("POST", "/accounts/codes"),
        ("POST", "/rules"),
        ("POST", "/webhooks/st2"),
        ("POST", "/packs/register"),
        ("PUT", "/inquiries/000000000000000000000000"),
    ):
        assert acts(people, token, method, path, {}).status_code == 403, path
    other = {"action": "core.noop", "user": "eve"}
    assert acts(people, token, "POST", "/executions", other).status_code == 403


def test_without_the_right_nobody_gets_a_token_of_another(people: People) -> None:
    assert people.login("chat.ann", user="eve").status_code == 403
    assert people.login("eve", user="eve").status_code == 201


def test_a_key_for_another_user_tells_who_acts_and_ends_with_the_right(people: People) -> None:
    made = people.ask("hubot", "POST", "/apikeys", {"user": "chat.ann"}).json()
    assert made["acting_user"] == "hubot"
    run = people.server.post("/executions", {"action": "core.noop"}, key=made["key"]).json()
    assert run["context"]["impersonated_by"] == "hubot"
    root = Path(people.server.engine.settings.root)
    write_rights(root, {"assignments/hubot.yaml": "{username: hubot, roles: [chatter]}"})
    people.server.engine.reload()
    refused = people.server.post("/executions", {"action": "core.noop"}, key=made["key"])
    assert refused.status_code == 401


def test_keys_of_another_users_scope_are_for_who_may_act_for_them(people: People) -> None:
    mine = {"name": "color", "value": "red", "scope": "user"}
    assert people.ask("chat.ann", "PUT", "/keys/color?scope=user", mine).status_code == 200
    path = "/keys/color?scope=user&user=chat.ann"
    assert people.ask("hubot", "GET", path).json()["value"] == "red"
    assert people.ask("eve", "GET", path).status_code == 403
    assert people.ask("eve", "PUT", "/keys/color?scope=user", {**mine, "user": "chat.ann"}).status_code == 403


def test_who_acts_and_for_whom_are_both_behind_what_is_asked(people: People) -> None:
    body = {"action": "core.ask", "user": "chat.ann", "parameters": {"x-separate": True}}
    execution = people.ask("hubot", "POST", "/executions", body).json()
    engine = people.server.engine
    wait_until(lambda: engine.execution(execution["id"]).status == "pending")
    inquiry = engine.inquiries.get(execution["id"])
    assert {"chat.ann", "hubot"} <= set(inquiry.asked.origin.people)


def test_a_limited_key_acts_for_others_only_when_it_says_so(people: People) -> None:
    server = people.server
    body = {"action": "core.noop", "user": "chat.ann"}
    hubot = people.key("hubot")
    plain = server.post("/apikeys", {"actions": ["core.*"]}, key=hubot).json()["key"]
    bold = server.post("/apikeys", {"actions": ["core.*"], "rights": ["impersonate"]}, key=hubot).json()[
        "key"
    ]
    assert server.post("/executions", body, key=plain).status_code == 403
    assert server.post("/executions", body, key=bold).status_code == 201


def test_a_running_action_of_a_bot_acts_for_nobody(people: People) -> None:
    server = people.server
    execution = people.ask(
        "hubot",
        "POST",
        "/executions",
        {"action": "probe.slow", "parameters": {"seconds": 30}, "user": "chat.ann"},
    ).json()
    wait_until(lambda: server.engine.execution(execution["id"]).status == "running")
    token = server.engine.access.run_token(execution["id"], 1)
    assert acts(people, token, "GET", "/user").json()["username"] == "chat.ann"
    for body in ({"action": "core.noop", "user": "eve"}, {"action": "core.noop", "user": "hubot"}):
        assert acts(people, token, "POST", "/executions", body).status_code == 403
    assert acts(people, token, "POST", "/apikeys", {}).status_code == 403
    server.ask("DELETE", f"/executions/{execution['id']}")
    server.ended(execution)
    assert acts(people, token, "GET", "/user").status_code == 401
