"""Every shipped command times four roles: who may run it is offered it, and nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.content.registry import Registry
from engine.errors import Denied
from engine.rights.place import Where
from engine.service import Engine, ExecutionRequest
from tests.engine import world
from tests.engine.rights.site import write_rights

ROLES = {
    "roles/linux.yaml": """
        name: linux
        permission_grants: [{resource_uid: "pack:linux", permission_types: [action_execute]}]
    """,
    "assignments/lin.yaml": "{username: lin, roles: [linux]}",
    "assignments/olga.yaml": "{username: olga, roles: [observer]}",
    "assignments/ada.yaml": "{username: ada, roles: [admin]}",
}
OPS = Where(platform="web", channel="ops")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("rights")
    write_rights(folder, ROLES)
    made = Engine(world.settings(folder))
    made.start()
    yield made
    made.stop()


def expected(registry: Registry, user: str) -> set[str]:
    """The commands that the role of this user grants."""
    enabled = [alias for alias in registry.aliases.values() if alias.enabled]
    if user == "ada":
        return {alias.ref for alias in enabled}
    if user == "lin":
        return {alias.ref for alias in enabled if alias.action_ref.startswith("linux.")}
    return set()


@pytest.mark.parametrize("user", ["ada", "lin", "olga", "nobody"])
def test_each_role_is_offered_its_commands(engine: Engine, user: str) -> None:
    wanted = expected(engine.registry, user)
    assert {alias.ref for alias in engine.rights.runnable(user, OPS)} == wanted
    assert len(engine.registry.aliases) > len(wanted) or user == "ada"


@pytest.mark.parametrize("user", ["ada", "lin", "olga", "nobody"])
def test_what_is_not_offered_is_refused_as_command_and_as_action(engine: Engine, user: str) -> None:
    allowed = expected(engine.registry, user)
    for ref, alias in engine.registry.aliases.items():
        if ref in allowed or not alias.enabled:
            continue
        with pytest.raises(Denied):
            engine.rights.check_run(user, alias.action_ref, alias=ref, where=OPS)
        with pytest.raises(Denied):
            engine.request(ExecutionRequest(action=alias.action_ref, user=user))


def test_a_name_that_looks_like_one_with_rights_gets_nothing(engine: Engine) -> None:
    for user in ("~ada", "~lin", "ADA", "web.ada", "slack.T1.ada"):
        assert engine.rights.runnable(user, OPS) == ()


def test_a_site_without_files_offers_everybody_everything(tmp_path: Path) -> None:
    made = Engine(world.settings(tmp_path))
    made.start()
    try:
        every = {alias.ref for alias in made.registry.aliases.values() if alias.enabled}
        assert {alias.ref for alias in made.rights.runnable("slack.T9.U9", OPS)} == every
    finally:
        made.stop()
