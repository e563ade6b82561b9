"""An answer that is open ends as soon as whoever asked for it may not hear it any more.

The beat, at which everybody is looked at in any case, is so far off here that it does not come.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import live, stream
from tests.engine.api.running import Running
from tests.engine.api.streaming import listening
from tests.engine.rights.site import write_rights
from tests.engine.world import wait_until

ROLES = {
    "roles/watcher.yaml": """
        name: watcher
        permission_grants:
          - {permission_types: [stream_view]}
          - {resource_uid: "pack:probe", permission_types: [execution_view]}
    """,
    "assignments/wes.yaml": "{username: wes, roles: [watcher]}",
}
NOBODY = {"assignments/wes.yaml": "{username: wes, roles: []}"}


@pytest.fixture(autouse=True)
def no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stream, live):
        monkeypatch.setattr(module, "HEARTBEAT_S", 3600.0)


@pytest.fixture
def roles(server: Running) -> Iterator[Path]:
    root = Path(server.engine.settings.root)
    write_rights(root, ROLES)
    server.engine.reload()
    yield root
    for path in (root / "rbac").rglob("*.yaml"):
        path.unlink()
    server.engine.reload()


def test_a_key_that_is_revoked_ends_the_stream(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    with listening(server, headers={"St2-Api-Key": made["key"]}) as listener:
        server.ask("DELETE", f"/apikeys/{made['id']}")
        listener.wait_for_end()


def test_a_key_that_is_disabled_ends_the_stream(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    with listening(server, headers={"St2-Api-Key": made["key"]}) as listener:
        server.ask("PUT", f"/apikeys/{made['id']}", json={"enabled": False})
        listener.wait_for_end()


def test_a_key_that_expires_ends_the_stream(server: Running) -> None:
    made = server.post("/apikeys", {"ttl": 1}).json()
    with listening(server, headers={"St2-Api-Key": made["key"]}) as listener:
        listener.wait_for_end()


def test_a_key_that_is_rotated_ends_the_stream_after_its_grace(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    with listening(server, headers={"St2-Api-Key": made["key"]}) as listener:
        server.post(f"/apikeys/{made['id']}/rotate", {"grace_s": 1})
        listener.wait_for_end()


def test_the_stream_of_another_key_goes_on(server: Running) -> None:
    made = server.post("/apikeys", {}).json()
    with listening(server) as listener:
        server.ask("DELETE", f"/apikeys/{made['id']}")
        execution = server.run("probe.say", text="still")
        listener.wait(lambda event: event.data.get("id") == execution["id"])


def test_a_busy_stream_ends_too(server: Running) -> None:
    """It never comes to the point where nothing happens and there is time to look."""
    made = server.post("/apikeys", {}).json()
    with listening(server, headers={"St2-Api-Key": made["key"]}) as listener:
        server.ask("DELETE", f"/apikeys/{made['id']}")
        late = server.run("probe.say", text="late")
        listener.wait_for_end()
        assert late["id"] not in {event.data.get("id") for event in listener.events}


def test_a_role_that_is_gone_ends_the_stream(server: Running, roles: Path) -> None:
    key, _ = server.engine.access.create_key(user="wes", metadata={})
    with listening(server, headers={"St2-Api-Key": key}) as listener:
        write_rights(roles, NOBODY)
        server.engine.reload()
        listener.wait_for_end()


def test_output_that_is_followed_ends_with_the_role(server: Running, roles: Path) -> None:
    execution = server.start("probe.slow", seconds=60)
    key, _ = server.engine.access.create_key(user="wes", metadata={})
    path = f"/stream/v1/executions/{execution['id']}/output"
    with listening(server, path=path, headers={"St2-Api-Key": key}) as listener:
        listener.wait(lambda event: "first" in str(event.data))
        write_rights(roles, NOBODY)
        server.engine.reload()
        listener.wait_for_end()
        assert not listener.named("EOF")
    server.ask("DELETE", f"/executions/{execution['id']}")


def test_the_token_of_a_run_ends_its_stream_with_the_run(server: Running) -> None:
    execution = server.start("probe.slow", seconds=60)
    wait_until(lambda: server.get(f"/executions/{execution['id']}").json()["status"] == "running")
    token = server.engine.access.run_token(execution["id"], 1)
    headers = {"X-Auth-Token": token, "St2-Api-Key": ""}
    with listening(server, headers=headers) as listener:
        server.ask("DELETE", f"/executions/{execution['id']}")
        listener.wait_for_end()
