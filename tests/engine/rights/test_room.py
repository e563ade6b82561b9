"""Roles grant, limits bind, and what nobody granted is refused."""

from collections.abc import Callable, Mapping

import pytest

from engine.errors import Denied
from engine.rights.place import Where
from engine.service import Engine, ExecutionRequest
from tests.engine.rights.site import API, OPS, RANDOM, ROLES, may
from tests.engine.workflow_runs.flows import children, run_flow, write_flow

WithRights = Callable[[Mapping[str, str]], Engine]


# roles


def test_without_files_everybody_may_run_everything(rights: WithRights) -> None:
    engine = rights({})
    assert all(may(engine, user, "core.echo") for user in ("ann", "slack.T9.U9", "~nobody"))


@pytest.mark.parametrize(
    ("user", "action", "expected"),
    [
        ("ann", "probe.sh", True),
        ("ann", "core.echo", False),
        ("bob", "core.echo", True),
        ("bob", "core.local", False),
        ("olga", "core.echo", False),
        ("ada", "core.local", True),
        ("admin", "core.local", True),
        ("stormcrow", "core.local", True),
        ("nobody", "core.echo", False),
        ("slack.T9.U9", "core.echo", False),
    ],
)
def test_with_files_only_what_a_role_grants(
    rights: WithRights, user: str, action: str, expected: bool
) -> None:
    assert may(rights(ROLES), user, action) is expected


@pytest.mark.parametrize("account", ["slack.T1.U7", "ann-ci", "ann"])
def test_linked_accounts_have_the_rights_of_their_person(rights: WithRights, account: str) -> None:
    assert may(rights(ROLES), account, "probe.sh")


@pytest.mark.parametrize("account", ["~ann", "~slack.T1.U7", "Ann", "ANN", "admin ", "~admin", "~ada"])
def test_a_name_that_only_looks_alike_has_none(rights: WithRights, account: str) -> None:
    assert not may(rights(ROLES), account, "probe.sh")


def test_somebody_whom_nothing_vouches_for_has_what_the_files_give_that_very_name(rights: WithRights) -> None:
    given = {**ROLES, "assignments/tilde.yaml": "{username: '~ann', roles: [echoer]}"}
    engine = rights(given)
    assert may(engine, "~ann", "core.echo")
    assert not may(engine, "~ann", "probe.sh")


def test_a_role_that_is_off_grants_nothing(rights: WithRights) -> None:
    off = ROLES["roles/deployer.yaml"].replace("name: deployer", "name: deployer\n        enabled: false")
    assert not may(rights({**ROLES, "roles/deployer.yaml": off}), "ann", "probe.sh")


def test_an_assignment_that_is_off_gives_nothing(rights: WithRights) -> None:
    off = "{username: ann, enabled: false, roles: [deployer]}"
    assert not may(rights({**ROLES, "assignments/ann.yaml": off}), "ann", "probe.sh")


def test_a_group_has_the_roles_that_are_mapped_to_it(rights: WithRights) -> None:
    mapped = {**ROLES, "mappings/sre.yaml": "{group: sre, roles: [deployer]}"}
    engine = rights(mapped)
    assert may(engine, "sam", "probe.sh")
    assert not may(engine, "sue", "probe.sh")
    assert engine.people.has_role("sam", "deployer")


def test_so_has_a_group_of_a_chat_and_only_while_the_chat_says_so(rights: WithRights) -> None:
    engine = rights({**ROLES, "mappings/oncall.yaml": "{group: 'slack:@oncall', roles: [echoer]}"})
    members = {"slack.T1.U5"}
    engine.people.join("slack", lambda name: members if name == "@oncall" else None)
    assert may(engine, "slack.T1.U5", "core.echo")
    members.clear()
    assert not may(engine, "slack.T1.U5", "core.echo")


def test_a_role_of_the_settings_may_be_described_by_a_file(rights: WithRights) -> None:
    medic = (
        "{name: medic, permission_grants: [{resource_uid: 'action:core:*', permission_types: [action_all]}]}"
    )
    engine = rights({"roles/medic.yaml": medic})
    assert may(engine, "mia", "core.local")
    assert not may(engine, "mia", "probe.sh")


def test_roles_of_the_files_count_for_questions_too(rights: WithRights) -> None:
    assert rights(ROLES).people.roles_of("slack.T1.U7") == ("deployer",)


# limits


def limited(**more: list[str]) -> dict[str, str]:
    return {"limits.yaml": str({"limits": [{"actions": ["probe.*"], **more}]})}


def test_a_limit_to_channels_holds_for_everybody(rights: WithRights) -> None:
    engine = rights(limited(channels=["#ops"]))
    assert may(engine, "ann", "probe.sh", OPS)
    assert not may(engine, "ann", "probe.sh", RANDOM)
    assert not may(engine, "ann", "probe.sh", API)
    assert may(engine, "ann", "core.echo", RANDOM)


@pytest.mark.parametrize(
    ("channel", "fits"),
    [
        ("ops", True),
        ("web:ops", True),
        ("web:#o*", True),
        ("slack:ops", False),
        ("api", False),
        ("op", False),
    ],
)
def test_channels_are_named_with_or_without_their_chat(rights: WithRights, channel: str, fits: bool) -> None:
    assert may(rights(limited(channels=[channel])), "ann", "probe.sh", OPS) is fits


def test_the_name_of_a_channel_is_looked_up_in_its_chat(rights: WithRights) -> None:
    engine = rights(limited(channels=["#ops"]))
    engine.rights.join("slack", {"ops": "C1"}.get)  # type: ignore[arg-type]
    assert may(engine, "ann", "probe.sh", Where(platform="slack", channel="C1"))
    assert not may(engine, "ann", "probe.sh", Where(platform="slack", channel="C2"))


def test_the_api_is_a_place_too(rights: WithRights) -> None:
    engine = rights(limited(channels=["api"]))
    assert [may(engine, "ann", "probe.sh", place) for place in (API, OPS)] == [True, False]


def test_a_limit_to_people_asks_for_one_of_its_lists(rights: WithRights) -> None:
    engine = rights(limited(users=["ann"], roles=["medic"], groups=["sre"]))
    users = ("ann", "slack.T1.U7", "mia", "sam", "sue", "~ann", "~sid")
    assert [may(engine, user, "probe.sh") for user in users] == [True, True, True, True, False, False, True]


def test_all_limits_about_something_hold_at_once(rights: WithRights) -> None:
    two = {
        "limits.yaml": """
            limits:
              - {actions: ["probe.*"], users: [ann]}
              - {actions: [probe.sh], channels: [ops]}
        """
    }
    engine = rights(two)
    assert may(engine, "ann", "probe.sh", OPS)
    assert not may(engine, "bob", "probe.sh", OPS)
    assert not may(engine, "ann", "probe.sh", RANDOM)
    assert may(engine, "ann", "probe.nothing", RANDOM)


def test_limits_bind_admins_and_not_the_administrator_of_the_system(rights: WithRights) -> None:
    engine = rights({**ROLES, **limited(users=["nobody-else"])})
    assert [may(engine, user, "probe.sh") for user in ("ada", "admin")] == [False, True]


def test_a_limit_on_an_alias_leaves_its_action_alone(rights: WithRights) -> None:
    engine = rights({"limits.yaml": "limits: [{aliases: [default.restart], users: [ann]}]"})
    aliases = engine.settings.root / "aliases"
    aliases.mkdir(exist_ok=True)
    (aliases / "restart.yaml").write_text("{name: restart, action_ref: core.noop, formats: [restart]}")
    engine.reload()
    assert may(engine, "bob", "core.noop", OPS)
    assert not may(engine, "bob", "core.noop", OPS, alias="default.restart")
    runnable = [[one.ref for one in engine.rights.runnable(user, OPS)] for user in ("ann", "bob")]
    assert ["default.restart" in refs for refs in runnable] == [True, False]
    (aliases / "restart.yaml").unlink()


def test_a_refusal_says_why_and_where_that_stands(rights: WithRights) -> None:
    engine = rights(
        {"limits.yaml": "limits: [{actions: [probe.sh], channels: ['#ops'], reason: 'Ask in #ops.'}]"}
    )
    with pytest.raises(Denied) as told:
        engine.rights.check_run("ann", "probe.sh", where=RANDOM)
    assert told.value.message == (
        "You may not run probe.sh: probe.sh runs only in #ops, not in web:random (rbac/limits.yaml, limit 1)."
    )
    assert told.value.hint == "Ask in #ops."


# the doors


def test_what_may_not_be_run_is_not_requested(rights: WithRights) -> None:
    engine = rights(ROLES)
    with pytest.raises(Denied, match="bob has the role echoer, which does not grant action_execute"):
        engine.request(ExecutionRequest(action="probe.nothing", user="bob"))


def test_nor_run_again(rights: WithRights) -> None:
    engine = rights(ROLES)
    first = engine.request(ExecutionRequest(action="probe.nothing", user="ann"))
    engine.wait(first.id, timeout_s=60)
    with pytest.raises(Denied):
        engine.rerun(first.id, user="bob", parameters={})
    assert engine.rerun(first.id, user="ann-ci", parameters={}).user == "ann-ci"


def test_nor_stopped_by_others(rights: WithRights) -> None:
    engine = rights(ROLES)
    first = engine.request(ExecutionRequest(action="probe.sh", user="ann", parameters={"cmd": "sleep 30"}))
    with pytest.raises(Denied, match="You may not stop probe"):
        engine.cancel(first.id, user="bob")
    engine.cancel(first.id, user="slack.T1.U7")


def test_children_of_a_workflow_run_as_its_user_and_are_its_authors_business(rights: WithRights) -> None:
    engine = rights(ROLES)
    flow = write_flow(engine, "wrapped", "version: 1.0\ntasks:\n  rest:\n    action: core.noop\n")
    write = {
        "roles/flows.yaml": """
            name: flows
            permission_grants: [{resource_uid: "pack:flow", permission_types: [pack_all]}]
        """,
        "assignments/fay.yaml": "{username: fay, roles: [flows]}",
    }
    engine = rights(write)
    assert not may(engine, "fay", "core.noop")
    done = run_flow(engine, flow, user="fay")
    assert done.status == "succeeded"
    assert [child.user for child in children(engine, done)] == ["fay"]
