"""Files of rights are read as StackStorm writes them; what is wrong in one is told with file and line."""

from collections.abc import Callable, Mapping

import pytest

from engine.service import Engine
from tests.engine.rights.site import ROLES, may

WithRights = Callable[[Mapping[str, str]], Engine]
GRANT = "name: x\npermission_grants:\n  -"


@pytest.mark.parametrize(
    ("name", "text", "where", "reason"),
    [
        ("roles/x.yaml", f"{GRANT} permission_types: [action_exec]\n", 3, "no permission"),
        ("roles/x.yaml", f"{GRANT} permission_types: [action_execute]\n", 3, "needs an object"),
        (
            "roles/x.yaml",
            f"{GRANT} resource_uid: acton:a:b\n    permission_types: [action_all]\n",
            3,
            "is no resource",
        ),
        (
            "roles/x.yaml",
            f"{GRANT} resource_uid: rule:a:b\n    permission_types:\n      - action_all\n",
            5,
            "nothing that can be done",
        ),
        ("roles/x.yaml", "description: nobody\n", 1, "'name' is a required property"),
        ("roles/x.yaml", "name: admin\n", 1, "always there"),
        ("assignments/x.yaml", "username: x\nroles: admin\n", 2, "is not of type 'array'"),
        ("assignments/x.yaml", "username: x\nroles: []\nrole: admin\n", 3, "'role' was unexpected"),
        ("mappings/x.yaml", "group: ''\nroles: [admin]\n", 1, "group is empty"),
        ("limits.yaml", "limits:\n  - actions: ['*']\n", 2, "needs users, roles, groups or channels"),
        ("limits.yaml", "limits:\n  - users: [ann]\n", 2, "needs aliases or actions"),
        ("limits.yaml", "limits:\n  - actions: [a.b]\n    users: []\n", 3, "the list is empty"),
        ("limits.yaml", "limits:\n  - actions: [a.b]\n    chanels: [ops]\n", 3, "'chanels' was unexpected"),
        ("limits.yaml", "limits: [\n", 2, "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    rights: WithRights, name: str, text: str, where: int, reason: str
) -> None:
    (broken,) = rights({name: text}).unavailable(kind="rights")
    assert broken.where == f"rbac/{name}:{where}"
    assert reason in broken.reason


def test_a_typing_error_brings_the_right_word(rights: WithRights) -> None:
    wrong = "name: x\npermission_grants:\n  - permission_types: [action_exekute]\n"
    (broken,) = rights({"roles/x.yaml": wrong}).unavailable(kind="rights")
    assert broken.hint == "Did you mean action_execute?"


def test_a_role_that_nobody_described_is_a_warning(rights: WithRights) -> None:
    engine = rights({**ROLES, "assignments/eve.yaml": "{username: eve, roles: [deplyer]}"})
    assert (
        "rbac/assignments/eve.yaml: there is no role deplyer. Did you mean deployer?"
        in engine.registry.warnings
    )
    assert not may(engine, "eve", "probe.sh")


def test_one_name_in_two_files_is_refused(rights: WithRights) -> None:
    (broken,) = rights({**ROLES, "assignments/z.yaml": "{username: ann, roles: [admin]}"}).unavailable()
    assert broken.where == "rbac/assignments/z.yaml:1"
    assert "ann is in rbac/assignments/ann.yaml too" in broken.reason


def test_a_broken_file_leaves_the_rights_as_they_were(rights: WithRights) -> None:
    rights({**ROLES, "limits.yaml": "limits: [{actions: [probe.sh], users: [bob]}]"})
    engine = rights({"limits.yaml": "limits: [{actions: [probe.sh], users: bob}]"})
    assert not may(engine, "ann", "probe.sh")
    assert may(engine, "ann", "probe.nothing")


def test_a_link_that_leads_out_of_the_folder_is_not_followed(rights: WithRights) -> None:
    engine = rights(ROLES)
    folder = engine.settings.root
    (folder / "elsewhere.yaml").write_text("{username: eve, roles: [admin]}", encoding="utf-8")
    (folder / "rbac" / "assignments" / "eve.yaml").symlink_to(folder / "elsewhere.yaml")
    engine.reload()
    assert not may(engine, "eve", "probe.sh")
