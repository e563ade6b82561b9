"""Rights at the REST API: impersonation, rules, accounts, and who may ask about whom."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engine.api.running import Running
from tests.engine.rights.site import write_rights

FILES = {
    "roles/hubot.yaml": """
        name: bots
        permission_grants:
          - resource_uid: "user:chat.*"
            permission_types: [impersonate]
          - resource_uid: "action:core:noop"
            permission_types: [action_execute]
    """,
    "roles/chatter.yaml": """
        name: chatter
        permission_grants: [{resource_uid: "action:probe:say", permission_types: [action_execute]}]
    """,
    "assignments/hubot.yaml": "{username: hubot, roles: [bots]}",
    "assignments/ann.yaml": "{username: chat.ann, roles: [chatter]}",
    "assignments/ada.yaml": "{username: ada, roles: [admin]}",
}

Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(server: Running) -> Any:
    """Ask as a user: ask("bob", "POST", "/executions", {...}), with the files of rights above."""
    root = Path(server.engine.settings.root)
    write_rights(root, FILES)
    server.engine.reload()
    keys: dict[str, str] = {}

    def send(user: str, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        if user not in keys:
            keys[user], _ = server.engine.access.create_key(user=user, metadata={})
        headers = {"St2-Api-Key": keys[user]}
        return requests.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers, timeout=20)

    yield send
    for path in (root / "rbac").rglob("*.yaml"):
        path.unlink()
    server.engine.reload()


def said(user: str) -> dict[str, str]:
    return {"command": "say hello", "user": user, "source_channel": "ops"}


def test_a_bot_acts_for_the_users_that_its_role_names(ask: Ask) -> None:
    answer = ask("hubot", "POST", "/aliasexecution/match_and_execute", said("chat.ann"))
    assert answer.status_code == 201, answer.text
    context = answer.json()["results"][0]["execution"]["context"]
    assert (context["user"], context["impersonated_by"]) == ("chat.ann", "hubot")


@pytest.mark.parametrize("user", ["chat.bob", "ann", "admin", "stormcrow", ""])
def test_and_for_nobody_else(ask: Ask, user: str) -> None:
    answer = ask("hubot", "POST", "/aliasexecution/match_and_execute", said(user))
    assert answer.status_code == 403


@pytest.mark.parametrize("asking", ["hubot", "ada", "admin"])
def test_whoever_may_much_lends_it_to_nobody_whom_a_chat_names(ask: Ask, asking: str) -> None:
    """The bot may not act for them, so it does not run their commands as itself either."""
    for path, more in (
        ("/aliasexecution/match_and_execute", {}),
        ("/aliasexecution", {"name": "say", "format": "say {{text}}"}),
    ):
        answer = ask(asking, "POST", path, {**said("bob"), **more})
        assert answer.status_code == 403
        assert "impersonate on user:bob" in answer.json()["faultstring"]


def test_ones_own_name_in_a_command_is_oneself(ask: Ask) -> None:
    answer = ask("chat.ann", "POST", "/aliasexecution/match_and_execute", said("chat.ann"))
    assert answer.status_code == 201, answer.text


def test_a_bot_that_the_settings_name_runs_commands_of_everybody_as_itself(
    ask: Ask, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = replace(server.engine.settings.auth, shared_bots=["ada"])
    monkeypatch.setattr(server.engine, "settings", replace(server.engine.settings, auth=auth))
    answer = ask("ada", "POST", "/aliasexecution/match_and_execute", said("bob"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["results"][0]["execution"]["context"]["user"] == "ada"
    # Whom it may act for it still acts for, and others are not named in the settings.
    assert ask("hubot", "POST", "/aliasexecution/match_and_execute", said("bob")).status_code == 403


@pytest.mark.parametrize("requester", ["ada", "chat.ann", "admin"])
def test_no_role_may_impersonate_by_itself(ask: Ask, requester: str) -> None:
    body = {"action": "core.noop", "user": "chat.bob"}
    assert ask(requester, "POST", "/executions", body).status_code == 403


def test_acting_for_another_is_bounded_by_the_others_rights(ask: Ask) -> None:
    body = {"action": "core.noop", "user": "chat.ann"}
    answer = ask("hubot", "POST", "/executions", body)
    assert (answer.status_code, "chat.ann has the role chatter" in answer.text) == (403, True)


def test_nobody_writes_a_rule_whose_action_they_may_not_run(ask: Ask) -> None:
    rule = {
        "name": "sneaky",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "sneaky"}},
        "action": {"ref": "core.local", "parameters": {"cmd": "id"}},
    }
    assert ask("chat.ann", "POST", "/rules", rule).status_code == 403
    hidden = {**rule, "action": {"ref": "probe.say"}, "x-actions": [{"ref": "core.local"}]}
    assert ask("chat.ann", "POST", "/rules", hidden).status_code == 403
    assert ask("ada", "POST", "/rules", rule).status_code == 201


def test_a_rule_stops_when_its_writer_loses_the_right(ask: Ask, server: Running) -> None:
    rule = {
        "name": "lasting",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "lasting"}},
        "action": {"ref": "core.noop", "parameters": {}},
    }
    assert ask("ada", "POST", "/rules", rule).status_code == 201
    hook = "/webhooks/lasting"
    assert ask("ada", "POST", hook, {}).status_code == 202
    write_rights(Path(server.engine.settings.root), {"assignments/ada.yaml": "{username: ada, roles: []}"})
    server.engine.reload()
    assert ask("admin", "POST", hook, {}).status_code == 202
    found = ask("admin", "GET", "/ruleenforcements?rule_ref=default.lasting").json()
    assert [bool(one.get("execution_id")) for one in found] == [False, True]
    assert "ada has no role" in found[0]["failure_reason"]


def test_whether_somebody_may_is_told_with_the_reasons(ask: Ask) -> None:
    found = ask("admin", "GET", "/rights/check?user=chat.ann&what=probe.say").json()
    assert (found["may"], found["roles"]) == (True, ["chatter"])
    assert found["reasons"][0]["reason"] == "The role chatter grants action_execute on action:probe:say."
    refused = ask("admin", "GET", "/rights/check?user=chat.bob&what=say").json()
    assert (refused["may"], refused["alias"]) == (False, "probe.say")


def test_nobody_asks_about_others_without_the_right(ask: Ask) -> None:
    assert ask("chat.ann", "GET", "/rights/check?what=probe.say").json()["may"] is True
    assert ask("chat.ann", "GET", "/rights/check?user=hubot&what=probe.say").status_code == 403
    assert ask("chat.ann", "GET", "/rights/denials").status_code == 403
    assert ask("ada", "GET", "/rights/denials").status_code == 200


def test_codes_are_for_whoever_asks(ask: Ask) -> None:
    made = ask("chat.ann", "POST", "/accounts/codes", {"user": "ada"}).json()
    assert made["user"] == "chat.ann"


def test_only_the_administrator_links_by_hand(ask: Ask) -> None:
    body = {"account": "slack.T1.U7", "user": "ada"}
    assert ask("ada", "POST", "/accounts", body).status_code == 403
    assert ask("admin", "POST", "/accounts", body).status_code == 201
    assert [one["account"] for one in ask("ada", "GET", "/accounts").json()] == ["slack.T1.U7"]
    assert ask("chat.ann", "GET", "/accounts").json() == []
    assert ask("chat.ann", "DELETE", "/accounts/slack.T1.U7").status_code == 404
    assert ask("ada", "DELETE", "/accounts/slack.T1.U7").status_code == 204


def test_a_running_action_links_nothing(ask: Ask, server: Running) -> None:
    token, end = server.engine.access.lend_token("ada")
    url = f"{server.url}/api/v1/accounts/codes"
    answer = requests.post(url, json={}, headers={"X-Auth-Token": token}, timeout=20)
    end()
    assert answer.status_code == 403
