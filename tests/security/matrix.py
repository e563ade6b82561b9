"""Who has which right, written down by hand, and a house with two packs of the same kind to try it on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from engine.api.resource import Endpoint
from engine.settings import Settings
from engine.settings.content import ContentSettings, PackSettings
from engine.settings.server import ServerSettings, StoreSettings
from engine.settings.watching import MetricsSettings
from engine.specs.alias import AliasSpec
from tests.bot.conftest import House
from tests.durability.server import write_files
from tests.engine.world import wait_until

# Stands in everything of both packs that nobody without a right may read.
CANARY = "canary-of-the-matrix"
MINE, OTHER = "mine", "other"
# User -> what they have; nobody has no role at all.
USERS = ("nobody", "olga", "kim", "ada", "sue")
ROLES = {
    "rbac/roles/keeper.yaml": """
        name: keeper
        description: Everything in one pack
        permission_grants: [{resource_uid: "pack:mine", permission_types: [pack_all]}]
    """,
    # Of the action alone kim has the right, of the alias alone olga.
    "rbac/limits.yaml": "limits: [{aliases: ['*.guarded_*'], users: [olga, ada, sue]}]",
    "rbac/assignments/olga.yaml": "{username: olga, roles: [observer]}",
    "rbac/assignments/kim.yaml": "{username: kim, roles: [keeper]}",
    "rbac/assignments/ada.yaml": "{username: ada, roles: [admin]}",
    "rbac/assignments/sue.yaml": "{username: sue, roles: [system_admin]}",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Rights that only show something: of the observer, and of both administrators.
SEES = _words(
    """
    runner_type_list runner_type_view pack_list pack_view pack_search pack_views_index_health sensor_type_list
    sensor_type_view action_list action_view action_alias_list action_alias_view action_alias_match
    action_alias_help rule_list rule_view rule_enforcement_list rule_enforcement_view execution_list
    execution_view execution_views_filters_list key_value_pair_list key_value_pair_view webhook_list
    webhook_view timer_list timer_view api_key_list api_key_view trace_list trace_view trigger_list
    trigger_view policy_type_list policy_type_view policy_list policy_view stream_view inquiry_list
    inquiry_view alert_list alert_view role_list role_view service_list metrics_view history_list
    """
)
# Rights that change something, and those of the audit: of the administrators alone.
CHANGES = _words(
    """
    runner_type_modify runner_type_all pack_create pack_modify pack_delete pack_install pack_uninstall
    pack_register pack_config pack_all sensor_type_modify sensor_type_all action_create action_modify
    action_delete action_execute action_all action_alias_create action_alias_modify action_alias_delete
    action_alias_all rule_create rule_modify rule_delete rule_all execution_rerun execution_stop
    execution_all key_value_pair_set key_value_pair_delete key_value_pair_all webhook_create webhook_send
    webhook_delete webhook_all timer_all api_key_create api_key_modify api_key_delete api_key_all trace_all
    trigger_all policy_type_all policy_create policy_modify policy_delete policy_all inquiry_respond
    inquiry_all alert_modify audit_list audit_export history_delete
    """
)
# Of nobody by their role alone.
GIVEN_BY_NAME = frozenset({"impersonate"})
# What `pack_all` on a pack is on the things in it.
IN_A_PACK = ("pack", "action", "action_alias", "execution", "policy", "rule", "sensor_type", "trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`of_pack`: it is about a thing in a pack, and its right may be had on that alone."""

    method: str
    path: str
    body: Any = None
    of_pack: str = ""


def may(user: str, right: str, of_pack: str) -> bool:
    """By the words of the roles, not by what the server makes of them."""
    if user in ("sue", "ada"):
        return right in SEES | CHANGES
    if user == "olga":
        return right in SEES
    is_in_pack = any(right.startswith(f"{kind}_") for kind in IN_A_PACK) or right == "inquiry_respond"
    return user == "kim" and of_pack == MINE and is_in_pack


def may_say(user: str, alias: AliasSpec) -> bool:
    """Both count: the right to run the action, and what limits say of the alias."""
    pack = alias.action_ref.partition(".")[0]
    is_within = not alias.name.startswith("guarded_") or user in ("olga", "ada", "sue")
    return is_within and may(user, "action_execute", pack)


def pack_files(pack: str) -> Mapping[str, str]:
    return {
        f"packs/{pack}/{name}": text.replace("PACK", pack).replace("CANARY", f"{CANARY}-{pack}")
        for name, text in _FILES.items()
    }


_FILES = {
    "pack.yaml": "{ref: PACK, name: PACK, description: CANARY, version: 1.0.0, author: Tests}",
    "config.schema.yaml": "place: {type: string, description: CANARY}",
    "actions/act.yaml": """
        name: act
        runner_type: noop
        description: CANARY
        parameters: {word: {type: string}}
    """,
    "actions/ask.yaml": "{name: ask, runner_type: inquirer, description: CANARY}",
    "aliases/go.yaml": """
        name: go_PACK
        description: CANARY
        action_ref: PACK.act
        formats: ["go PACK {{word}}"]
    """,
    "aliases/guarded.yaml": """
        name: guarded_PACK
        description: CANARY
        action_ref: PACK.act
        formats: ["guarded PACK {{word}}"]
    """,
    "policies/calm.yaml": """
        name: calm
        description: CANARY
        resource_ref: PACK.act
        policy_type: action.concurrency
        parameters: {threshold: 50}
    """,
    "rules/hook.yaml": """
        name: hook
        description: CANARY
        enabled: true
        trigger: {type: core.st2.webhook, parameters: {url: PACK}}
        action: {ref: PACK.act, parameters: {word: CANARY}}
    """,
    "triggers/event.yaml": "{name: event, description: CANARY, payload_schema: {type: object}}",
    "sensors/probe.yaml": """
        class_name: Probe
        entry_point: probe.py
        description: CANARY
        enabled: false
        trigger_types: []
    """,
    "sensors/probe.py": "class Probe:\n    pass\n",
}


class Site:
    """A running house with both packs, something that happened in each, and a key for every user."""

    def __init__(self, folder: Path) -> None:
        write_files(folder, {**pack_files(MINE), **pack_files(OTHER)})
        settings = Settings(
            root=folder,
            server=ServerSettings(port=0, shutdown_s=1.0, answer_wait_ms=0),
            store=StoreSettings(data=folder / "data"),
            content=ContentSettings(packs=["packs"]),
            packs=PackSettings(index_urls=[]),
            metrics=MetricsSettings(access="key"),
        )
        self.house = House(settings)
        self.engine = self.house.engine
        self.url = self.house.url
        self.keys = {user: self.engine.access.create_key(user=user, metadata={})[0] for user in USERS}
        self.keys["admin"] = self.house.key
        self.happened = {pack: self._happen(pack) for pack in (MINE, OTHER)}
        write_files(folder, ROLES)
        self.engine.reload()

    def close(self) -> None:
        self.house.stop()

    def _happen(self, pack: str) -> Mapping[str, str]:
        """The ids of what this pack's things have done."""
        word = f"{CANARY}-{pack}"
        body = {"action": f"{pack}.act", "parameters": {"word": word}}
        execution = self.ask("admin", "POST", "/executions", body).json()["id"]
        inquiry = self.ask("admin", "POST", "/executions", {"action": f"{pack}.ask"}).json()["id"]
        self.ask("admin", "PUT", f"/keys/{pack}.token", {"name": f"{pack}.token", "value": word})
        schedule = {"when": "every day at 9:00", "action": f"{pack}.act", "parameters": {"word": word}}
        number = self.ask("admin", "POST", "/schedules", schedule).json()["number"]
        posted = self.ask("admin", "POST", f"/webhooks/{pack}", {"word": word})
        instance = posted.headers["X-Trigger-Instance"]
        wait_until(lambda: self.engine.execution(inquiry).status == "pending")
        wait_until(lambda: bool(self.ask("admin", "GET", f"/ruleenforcements?rule_ref={pack}.hook").json()))
        (enforced,) = self.ask("admin", "GET", f"/ruleenforcements?rule_ref={pack}.hook").json()
        return {
            "execution": execution,
            "inquiry": inquiry,
            "schedule": str(number),
            "instance": instance,
            "enforcement": enforced["id"],
            "trace": self.ask("admin", "GET", "/traces?limit=1").json()[0]["id"],
        }

    def ask(self, user: str, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Without a user: without a key."""
        given = {"St2-Api-Key": self.keys[user], **headers} if user else headers
        with requests.request(
            method,
            self.url + path,
            json=body,
            headers=given,
            timeout=30,
            stream=path.startswith("/stream"),
            allow_redirects=False,
        ) as answer:
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                # It does not end by itself.
                return answer
            _ = answer.content
            return answer

    def request(self, endpoint: Endpoint, pack: str) -> Request:
        """One request to this route about a thing of the pack; fails for a route that nobody thought of."""
        happened = self.happened[pack]
        kind = endpoint.right.resource_type if endpoint.right is not None else ""
        things = {
            "action": f"{pack}.act",
            "action_alias": f"{pack}.go_{pack}",
            "rule": f"{pack}.hook",
            "policy": f"{pack}.calm",
            "sensor_type": f"{pack}.Probe",
            "trigger": f"{pack}.event",
            "pack": pack,
            "runner_type": "noop",
            "policy_type": "action.retry",
            "timer": f"{pack}.none",
            "rule_enforcement": happened["enforcement"],
            "trace": happened["trace"],
            "webhook": "5f0000000000000000000000",
            "alert": "5f0000000000000000000000",
            "api_key": "5f0000000000000000000000",
            "execution": happened["execution"],
            "history": "1",
        }
        noun = endpoint.path.split("/")[1]
        values = {
            "inquiry_id": happened["inquiry"],
            "number": happened["schedule"] if noun == "schedules" else "1",
            "kind": "executions",
            "ref": f"{pack}.Probe",
            "pack_ref": pack,
            "file_path": "pack.yaml",
            "attribute": "status",
            "url": pack,
            "account": "slack.T1.U1",
            "name_or_id": "keeper",
            "resource_type": "pack",
            "group_id": "sensor",
            "name": f"{pack}.token" if noun == "keys" else "docs.css",
            "id": happened["instance"] if noun == "triggerinstances" else things.get(kind, "standard"),
            "ref_or_id": things.get(kind, ""),
        }
        names = re.findall(r"\{(\w+)(?::path)?\}", endpoint.path)
        path = re.sub(r"\{(\w+)(?::path)?\}", lambda found: values[found[1]], endpoint.path)
        is_named = any(name in ("ref_or_id", "pack_ref", "ref", "inquiry_id") for name in names)
        is_of_pack = kind in IN_A_PACK and (is_named or (noun == "executions" and "id" in names))
        is_of_pack = is_of_pack or (endpoint.method, noun) == ("PUT", "inquiries")
        body = self._body(endpoint, pack)
        if (endpoint.method, endpoint.path) in _NAMED_BY_BODY:
            is_of_pack = True
        if noun in _OF_NO_PACK:
            is_of_pack = False
        return Request(method=endpoint.method, path=path, body=body, of_pack=pack if is_of_pack else "")

    @staticmethod
    def _body(endpoint: Endpoint, pack: str) -> Any:
        if endpoint.method in ("GET", "DELETE"):
            return None
        made = _BODIES.get((endpoint.method, endpoint.path), {})
        return {
            key: value.replace("PACK", pack) if isinstance(value, str) else value
            for key, value in made.items()
        }


# Routes whose body says which pack they are about.
_BODIES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("POST", "/executions"): {"action": "PACK.act"},
    ("POST", "/aliasexecution"): {
        "name": "go_PACK",
        "format": "go PACK {{word}}",
        "command": "go PACK x",
        "user": "",
        "source_channel": "ops",
    },
    ("POST", "/aliasexecution/match_and_execute"): {
        "command": "go PACK x",
        "user": "",
        "source_channel": "ops",
    },
    ("PUT", "/executions/{id}"): {"status": "canceling"},
    ("POST", "/rules"): {"pack": "PACK"},
    ("POST", "/policies"): {"pack": "PACK"},
    ("POST", "/actions"): {"pack": "PACK"},
    ("POST", "/actionalias"): {"pack": "PACK"},
    ("POST", "/actions/{ref_or_id}/clone"): {"dest_pack": "PACK", "dest_action": "copy"},
    ("PUT", "/inquiries/{inquiry_id}"): {"response": {"continue": "neither"}},
}
_NAMED_BY_BODY = frozenset(
    {
        ("POST", "/executions"),
        ("POST", "/aliasexecution"),
        ("POST", "/aliasexecution/match_and_execute"),
        ("POST", "/rules"),
        ("POST", "/policies"),
        ("POST", "/actions"),
        ("POST", "/actionalias"),
        ("POST", "/schedules/{number}/run"),
    }
)
# Their things are in no pack, or are named by what no role can name.
_OF_NO_PACK = frozenset({"triggerinstances"})
