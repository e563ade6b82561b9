"""What lived only in StackStorm's database, and who had rights and passwords there."""

import json
from pathlib import Path
from typing import Any

from engine.migration.pieces import State
from engine.migration.survey import Survey
from engine.settings import Settings
from tests.engine.migration.old_box import (
    box,
    carried,
    exported,
    failure,
    item,
    server,
    site,
    states,
    survey,
)

RULE = {
    "id": "5e8d9a",
    "uid": "rule:default:nightly",
    "ref": "default.nightly",
    "name": "nightly",
    "pack": "default",
    "description": "",
    "enabled": True,
    "type": {"ref": "standard", "parameters": {}},
    "trigger": {
        "type": "core.st2.webhook",
        "parameters": {"url": "nightly"},
        "ref": "core.0f1e",
        "description": None,
    },
    "criteria": {},
    "action": {"ref": "shop.echo", "parameters": {}},
    "tags": [],
    "context": {"user": "st2admin"},
    "metadata_file": None,
}


def documents(tmp_path: Path, *entries: Any) -> tuple[Survey, Settings]:
    here = site(tmp_path / "new")
    path = exported(tmp_path / "rules.json", *entries)
    return survey(box(tmp_path / "old"), here, exports=(path,)), here


def test_a_rule_that_lives_only_in_the_database_is_in_force_here(tmp_path: Path) -> None:
    made, here = documents(tmp_path, RULE)
    carried(made, here)
    with server(here) as engine:
        rule = engine.registry.rules["default.nightly"]
        assert (rule.enabled, rule.action["ref"], rule.owner) == (True, "shop.echo", here.events.user)
    made, _ = documents(tmp_path, RULE)
    assert set(states(carried(made, here)).values()) == {State.SAME}


def test_documents_in_a_row_are_read_as_a_loop_prints_them(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    second = {**RULE, "name": "daily", "ref": "default.daily"}
    path.write_text(f"{json.dumps(RULE, indent=4)}\n{json.dumps(second, indent=4)}\n")
    made = survey(box(tmp_path / "old"), site(tmp_path / "new"), exports=(path,))
    assert [piece.name for piece in made.documents] == ["default.nightly", "default.daily"]


def test_a_list_that_shows_only_a_part_says_how_to_export_the_whole(tmp_path: Path) -> None:
    entry = {"ref": "default.nightly", "pack": "default", "trigger": "", "enabled": True, "name": "nightly"}
    made, _ = documents(tmp_path, entry)
    assert failure(made, "rule", "default.nightly").hint == "Export it: st2 rule get default.nightly -j"


def test_a_rule_of_a_pack_that_was_switched_off_there_is_off_here(tmp_path: Path) -> None:
    entry = {**RULE, "ref": "shop.hook", "name": "hook", "pack": "shop", "enabled": False}
    made, here = documents(tmp_path, entry)
    carried(made, here)
    with server(here) as engine:
        assert not engine.registry.rules["shop.hook"].enabled


def test_a_rule_of_a_pack_that_is_the_same_is_no_second_one(tmp_path: Path) -> None:
    made, _ = documents(tmp_path, {**RULE, "ref": "shop.hook", "name": "hook", "pack": "shop"})
    assert made.documents == []
    assert item(made, "rule", "shop.hook").where == "packs/shop/rules/hook.yaml"


def test_a_rule_with_an_unknown_operator_is_told(tmp_path: Path) -> None:
    bad = {**RULE, "criteria": {"trigger.body.n": {"type": "resembles", "pattern": 1}}}
    made, _ = documents(tmp_path, bad)
    assert "resembles" in failure(made, "rule", "default.nightly").text
    assert made.documents == []


def test_policies_and_trigger_types_come_too(tmp_path: Path) -> None:
    policy = {"ref": "shop.one", "name": "one", "pack": "shop", "resource_ref": "shop.echo", "enabled": True}
    policy |= {"policy_type": "action.concurrency", "parameters": {"threshold": 1, "action": "delay"}}
    trigger = {
        "ref": "shop.sold",
        "name": "sold",
        "pack": "shop",
        "payload_schema": {},
        "parameters_schema": {},
    }
    made, here = documents(tmp_path, policy, trigger)
    carried(made, here)
    with server(here) as engine:
        assert "shop.one" in engine.registry.policies
        assert "shop.sold" in engine.registry.trigger_types


def test_api_keys_are_told_and_not_taken(tmp_path: Path) -> None:
    key = {"id": "5e", "user": "ci", "metadata": {}}
    made, _ = documents(tmp_path, key)
    assert failure(made, "apikey", "ci: 5e").hint == "Make a new one: stormcrow apikey create --user ci"


ROLE = 'name: seller\npermission_grants: [{resource_uid: "pack:shop", permission_types: [pack_all]}]\n'
RIGHTS = {
    "rbac/roles/seller.yaml": ROLE,
    "rbac/assignments/ann.yaml": "username: ann\nroles: [seller]\n",
    "rbac/mappings/ops.yaml": "group: cn=ops\nroles: [seller]\n",
}


def test_roles_come_and_a_broken_file_stays_behind(tmp_path: Path) -> None:
    broken = {"rbac/roles/odd.yaml": ROLE.replace("pack_all", "pack_everything").replace("seller", "odd")}
    here = site(tmp_path / "new")
    made = survey(box(tmp_path / "old", {**RIGHTS, **broken}), here)
    assert failure(made, "role", "odd").where == "rbac/roles/odd.yaml:2"
    carried(made, here)
    assert not (tmp_path / "new/rbac/roles/odd.yaml").exists()
    with server(here) as engine:
        assert [role.name for role in engine.registry.rights.roles] == ["seller"]
        assert not engine.registry.rights.is_broken


def test_roles_that_were_not_in_force_stay_behind_unless_they_are_asked_for(tmp_path: Path) -> None:
    files = {**RIGHTS, "st2.conf": "[rbac]\nenable = False\n"}
    old, here = box(tmp_path / "old", files), site(tmp_path / "new")
    assert [piece.kind for piece in survey(old, here).files] == ["pack"]
    assert {piece.kind for piece in survey(old, here, only="rbac").files} == {"rights"}


def test_passwords_stay_behind_and_everybody_who_had_one_is_named(tmp_path: Path) -> None:
    files = {"htpasswd": "ann:$apr1$abc$defghi\nbob:$2y$05$abcdefgh\n"}
    made = survey(box(tmp_path / "old", files), site(tmp_path / "new"))
    assert failure(made, "user", "ann").hint == "Give a new one: stormcrow user add ann"
    assert "bcrypt" in failure(made, "user", "bob").text
    assert "abc" not in failure(made, "user", "ann").text
