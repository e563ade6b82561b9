"""A site with files of rights, and an engine that has read them."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from engine.rights.place import Where
from engine.service import Engine

OPS = Where(platform="web", channel="ops")
RANDOM = Where(platform="web", channel="random")
API = Where()
ROLES = {
    "roles/deployer.yaml": """
        name: deployer
        description: May run what is in the pack probe
        permission_grants:
          - resource_uid: "pack:probe"
            permission_types: [action_execute]
    """,
    "roles/echoer.yaml": """
        name: echoer
        permission_grants:
          - resource_uid: "action:core:echo"
            permission_types: [action_execute]
    """,
    "assignments/ann.yaml": "{username: ann, roles: [deployer]}",
    "assignments/bob.yaml": "{username: bob, roles: [echoer]}",
    "assignments/olga.yaml": "{username: olga, roles: [observer]}",
    "assignments/ada.yaml": "{username: ada, roles: [admin]}",
}


def write_rights(folder: Path, files: Mapping[str, str]) -> None:
    """Below the folder `rbac` of a site."""
    for name, text in files.items():
        path = folder / "rbac" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def may(engine: Engine, user: str, action: str, where: Where = API, *, alias: str = "") -> bool:
    return engine.rights.may_run(user, action, alias=alias, where=where)


def reload_with(engine: Engine, files: Mapping[str, str]) -> None:
    write_rights(engine.settings.root, files)
    engine.reload()
