"""With roles on file every route asks for its right, on the object that its path names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.engine.api.running import Running, running

ROLES = {
    "sayer": [{"resource_uid": "action:probe:say", "permission_types": ["action_execute"]}],
    "writer": [
        {"resource_uid": "key_value_pair:st2kv.system:shared", "permission_types": ["key_value_pair_set"]},
        {"permission_types": ["api_key_list"]},
    ],
    "ruler": [
        {"resource_uid": "pack:default", "permission_types": ["rule_all"]},
        {"resource_uid": "action:probe:say", "permission_types": ["action_execute"]},
    ],
}
USERS = {"sam": ["sayer"], "wes": ["writer"], "olga": ["observer"], "root": ["admin"], "rex": ["ruler"]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("rights")
    for name, grants in ROLES.items():
        write(folder / "rbac" / "roles" / f"{name}.yaml", {"name": name, "permission_grants": grants})
    for user, roles in USERS.items():
        write(folder / "rbac" / "assignments" / f"{user}.yaml", {"username": user, "roles": roles})
    with running(folder) as made:
        yield made


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def keys(house: Running) -> dict[str, str]:
    names = (*USERS, "nobody")
    return {user: house.post("/apikeys", {"user": user}).json()["key"] for user in names}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/actions", {"olga", "root"}),
        ("GET", "/actions/probe.say", {"sam", "rex", "olga", "root"}),
        ("GET", "/actions/probe.fail", {"olga", "root"}),
        ("GET", "/actions/views/entry_point/probe.say", {"sam", "rex", "olga", "root"}),
        ("GET", "/apikeys", {"wes", "olga", "root"}),
        ("GET", "/rbac/roles", {"olga", "root"}),
        ("GET", "/keys?scope=all", {"olga", "root"}),
        ("GET", "/stream?end_execution_id=none", {"olga", "root"}),
        ("GET", "/user", {"sam", "wes", "olga", "root", "rex", "nobody"}),
        ("POST", "/packs/register", {"root"}),
        ("PUT", "/configs/probe", {"root"}),
    ],
)
def test_a_route_opens_to_whom_a_role_grants_it(
    house: Running, keys: dict[str, str], method: str, path: str, allowed: set[str]
) -> None:
    opened = {
        user
        for user, key in keys.items()
        if house.ask(method, path, key=key, json={} if method != "GET" else None).status_code != 403
    }
    assert opened == allowed


def test_an_execution_is_seen_by_who_may_run_its_action(house: Running, keys: dict[str, str]) -> None:
    said, failed = house.run("probe.say", text="x")["id"], house.run("probe.fail")["id"]
    assert house.get(f"/executions/{said}", key=keys["sam"]).status_code == 200
    assert house.get(f"/executions/{failed}", key=keys["sam"]).status_code == 403
    assert house.get(f"/executions/{failed}/output", key=keys["sam"]).status_code == 403
    assert house.get(f"/executions/{said}", key=keys["nobody"]).status_code == 403


def test_ones_own_keys_are_free(house: Running, keys: dict[str, str]) -> None:
    own = {"name": "mine", "value": "x", "scope": "user"}
    assert house.ask("PUT", "/keys/mine?scope=user", key=keys["nobody"], json=own).status_code == 200
    assert house.get("/keys/mine?scope=user", key=keys["nobody"]).json()["value"] == "x"
    others = house.get("/keys/mine?scope=user&user=root", key=keys["nobody"])
    assert others.status_code == 403
    system = {"name": "shared", "value": "x"}
    assert house.ask("PUT", "/keys/shared", key=keys["nobody"], json=system).status_code == 403
    assert house.ask("PUT", "/keys/shared", key=keys["wes"], json=system).status_code == 200
    # What the body says counts, whatever the query claims.
    claimed = house.ask(
        "PUT", "/keys/shared?scope=user", key=keys["nobody"], json={**system, "scope": "system"}
    )
    assert claimed.status_code == 403


def test_the_user_is_told_their_roles(house: Running, keys: dict[str, str]) -> None:
    told = house.get("/user", key=keys["sam"]).json()["rbac"]
    assert told == {"enabled": True, "roles": ["sayer"], "is_admin": False}
    assert house.get("/user", key=keys["root"]).json()["rbac"]["is_admin"] is True


def test_roles_and_who_has_them_are_listed(house: Running) -> None:
    roles = {role["name"]: role for role in house.get("/rbac/roles").json()}
    assert {"system_admin", "admin", "observer", "ruler", "sayer", "writer"} == set(roles)
    assert roles["sayer"]["permission_grants"][0]["resource_uid"] == "action:probe:say"
    assert [one["name"] for one in house.get("/rbac/roles?system=false").json()] == [
        "ruler",
        "sayer",
        "writer",
    ]
    given = house.get("/rbac/role_assignments?user=sam").json()
    assert [one["role"] for one in given] == ["sayer"]
    assert house.get(f"/rbac/role_assignments/{given[0]['id']}").json() == given[0]
    assert house.get("/rbac/roles/nothing").status_code == 404
    assert "action_execute" in house.get("/rbac/permission_types/action").json()
    assert "trigger" in house.get("/rbac/permission_types").json()


def rule(action: str, **more: str) -> dict[str, object]:
    trigger = {"type": "core.st2.webhook", "parameters": {"url": "gate"}}
    return {"name": "mine", "trigger": trigger, "action": {"ref": action}, **more}


def test_a_rule_may_only_run_what_its_author_may(house: Running, keys: dict[str, str]) -> None:
    assert house.post("/rules", rule("probe.fail"), key=keys["rex"]).status_code == 403
    assert house.post("/rules", rule("probe.say", pack="probe"), key=keys["rex"]).status_code == 403
    assert house.post("/rules", rule("probe.say"), key=keys["sam"]).status_code == 403
    made = house.post("/rules", rule("probe.say"), key=keys["rex"])
    assert made.status_code == 201, made.text
    path = f"/rules/{made.json()['id']}"
    assert house.ask("PUT", path, key=keys["rex"], json=rule("probe.fail")).status_code == 403
    assert house.ask("DELETE", path, key=keys["rex"]).status_code == 204


def test_who_may_create_actions_does_with_roles_on_file(house: Running, keys: dict[str, str]) -> None:
    body = {"name": "mine", "runner_type": "noop"}
    assert house.post("/actions", body, key=keys["olga"]).status_code == 403
    assert house.post("/actions", body, key=keys["root"]).status_code == 201


HISTORIES = [
    "/executions",
    "/triggerinstances",
    "/ruleenforcements",
    "/ruleenforcements/views",
    "/traces",
    "/webhookdeliveries",
]


@pytest.mark.parametrize("path", HISTORIES)
def test_who_is_no_administrator_gets_a_hundred_of_a_history_at_once(
    house: Running, keys: dict[str, str], path: str
) -> None:
    for limit, said in ((101, 'Limit "101" specified, maximum value is "100"'), (-1, "limit=-1")):
        answer = house.get(f"{path}?limit={limit}", key=keys["olga"])
        assert answer.status_code == 403
        assert said in answer.json()["faultstring"]
        assert house.get(f"{path}?limit={limit}", key=keys["root"]).status_code == 200
    assert house.get(f"{path}?limit=100", key=keys["olga"]).status_code == 200


def test_everybody_gets_the_whole_list_of_aliases(house: Running, keys: dict[str, str]) -> None:
    assert house.get("/actionalias?limit=-1&offset=0", key=keys["olga"]).status_code == 200
