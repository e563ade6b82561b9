"""What somebody with few rights tries with what they have: rules, keys and webhooks of their own."""

from collections.abc import Iterator

import pytest

from engine.settings.events import DatastoreSettings
from tests.durability.server import write_files
from tests.engine.api.running import Running, running
from tests.engine.store.test_keyczar import encoded, key_file
from tests.engine.world import wait_until

FILES = {
    "rbac/roles/low.yaml": """
        name: low
        permission_grants:
          - resource_uid: "pack:probe"
            permission_types: [action_execute, rule_create, rule_modify]
          - resource_uid: "pack:vault"
            permission_types: [action_execute]
    """,
    "packs/vault/pack.yaml": "{ref: vault, name: vault, description: Vault, version: 1.0.0, author: Tests}",
    "packs/vault/config.schema.yaml": "token: {type: string, secret: true}",
    "configs/vault.yaml": "{token: TREASURE}",
    "packs/vault/actions/say.yaml": """
        name: say
        runner_type: local-shell-cmd
        parameters: {text: {type: string}, cmd: {immutable: true, default: "echo {{ text }}"}}
    """,
    "rbac/assignments/eve.yaml": "{username: eve, roles: [low]}",
}
# What the engine writes of where an execution comes from, and for whom it is.
FORGED = {
    "parent": {"execution_id": "ID"},
    "re-run": {"ref": "ID", "tasks": ["any"]},
    "api_user": "ann",
    "impersonated_by": "ann",
    "released_by": "ann",
    "source_channel": "ops",
    "chat": {"adapter": "web", "channel": "ops", "user": "ann"},
    "notify": {"on_complete": {"routes": ["ops"]}},
    "orquesta": {"task_name": "deploy"},
    "policies": {"retry": {"retry_count": 9}},
    "user": "ann",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("insiders")
    write_files(folder, FILES)
    key_file(folder / "st2.json")
    sections = {"datastore": DatastoreSettings(st2_key_file="st2.json")}
    with running(folder, sections=sections) as made:
        yield made


@pytest.fixture(scope="module")
def eve(server: Running) -> str:
    return server.engine.access.create_key(user="eve", metadata={})[0]


def test_a_rule_does_not_say_whose_work_it_goes_on_with(server: Running, eve: str) -> None:
    theirs = server.run("probe.say", text="of the administrator")["id"]
    forged = {
        name: {key: theirs if inner == "ID" else inner for key, inner in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in FORGED.items()
    }
    rule = {
        "name": "forged",
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "forged"}},
        "action": {"ref": "probe.say", "parameters": {"text": "x"}},
        "context": forged,
    }
    assert server.post("/rules", rule, key=eve).status_code == 201
    instance = server.post("/webhooks/forged", {}).headers["X-Trigger-Instance"]
    found: list[str] = []

    def has_run() -> bool:
        found[:] = [one["id"] for one in server.get(f"/executions?trigger_instance={instance}").json()]
        return bool(found)

    wait_until(has_run)
    execution = server.get(f"/executions/{found[0]}").json()
    assert execution["context"]["user"] == "eve"
    assert set(execution["context"]) & set(FORGED) == {"user"}
    assert "parent" not in execution
    assert server.get(f"/executions/{theirs}/children").json() == []


def test_a_denial_at_a_webhook_says_who_it_was(server: Running, eve: str) -> None:
    assert server.post("/webhooks/secret/place", {}, key=eve).status_code == 403

    def is_noted() -> bool:
        found = server.get("/rights/denials?user=eve").json()
        return any("/webhooks/secret/place" in one["what"] for one in found)

    wait_until(is_noted)


def test_what_stackstorm_encrypted_is_opened_for_no_key_of_ones_own(server: Running, eve: str) -> None:
    """Everybody could list it there, and it opens under any name."""
    listed = {"name": "mine", "scope": "user", "value": encoded("canary-ST2-41bd"), "encrypted": True}
    refused = server.ask("PUT", "/keys/mine", json=listed, key=eve)
    assert refused.status_code == 403
    assert "canary" not in refused.text
    assert server.get("/keys/mine?scope=user&decrypt=true", key=eve).status_code == 404
    assert server.ask("PUT", "/keys/mine", json=listed).ok


STEALING = {
    "opened": "{{ (st2kv.system.treasure | decrypt_kv) | list | join('-') }}",
    "opened by its text": "{{ 'SEALED' | decrypt_kv | list | join('-') }}",
    "read": "{{ (st2kv.system.plain ~ '') | list | join('-') }}",
    "old spelling": "{{ (system.plain ~ '') | list | join('-') }}",
    "configuration": "{{ config_context.token | list | join('-') }}",
}


@pytest.mark.parametrize("way", STEALING)
def test_a_rule_reads_no_more_than_its_maker_may(server: Running, eve: str, way: str) -> None:
    """Whoever may write a rule chooses its templates, and sees what the action prints."""
    server.ask("PUT", "/keys/plain", json={"name": "plain", "value": "ORDINARY"})
    secret = {"name": "treasure", "value": "TREASURE", "secret": True}
    sealed = server.ask("PUT", "/keys/treasure", json=secret).json()["value"]
    template = STEALING[way].replace("SEALED", sealed)
    url = f"steal/{list(STEALING).index(way)}"
    rule = {
        "name": url.replace("/", "_"),
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": url}},
        "action": {"ref": "vault.say", "parameters": {"text": template}},
    }
    assert server.post("/rules", rule, key=eve).status_code == 201
    instance = server.post(f"/webhooks/{url}", {}).headers["X-Trigger-Instance"]
    query = f"trigger_instance={instance}"
    wait_until(lambda: bool(server.get(f"/ruleenforcements?{query}").json()))
    told = server.get(f"/ruleenforcements?{query}").text
    for execution in server.get(f"/executions?{query}").json():
        told += str(server.ended(execution))
    assert "T-R-E-A" not in told
    assert "O-R-D-I" not in told


def test_the_administrators_rule_reads_what_it_names(server: Running) -> None:
    server.ask("PUT", "/keys/treasure", json={"name": "treasure", "value": "TREASURE", "secret": True})
    rule = {
        "name": "reads",
        "pack": "probe",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "reads"}},
        "action": {"ref": "vault.say", "parameters": {"text": STEALING["opened"]}},
    }
    assert server.post("/rules", rule).status_code == 201
    instance = server.post("/webhooks/reads", {}).headers["X-Trigger-Instance"]
    wait_until(lambda: "T-R-E-A" in server.get(f"/executions?trigger_instance={instance}").text)


def test_the_sealed_text_of_another_key_is_no_value(server: Running, eve: str) -> None:
    """A template that opens keys of one's own would open it."""
    secret = {"name": "sealed", "value": "TREASURE", "secret": True}
    sealed = server.ask("PUT", "/keys/sealed", json=secret).json()["value"]
    for more in ({}, {"secret": True}, {"encrypted": True}):
        body = {"name": "mine", "scope": "user", "value": sealed, **more}
        assert server.ask("PUT", "/keys/mine", json=body, key=eve).status_code == 400
    named = {"name": "sealed", "value": sealed, "encrypted": True}
    assert server.ask("PUT", "/keys/sealed", json=named).ok
    assert server.get("/keys/sealed?decrypt=true").json()["value"] == "TREASURE"


@pytest.mark.parametrize(
    "path",
    ["/packs/views/file/probe/pack.yaml%00", "/executions/%00", "/actions?pack=%00", "/keys?%00=1", "/%00"],
)
def test_a_path_or_query_with_nul_is_refused(server: Running, path: str) -> None:
    assert server.get(path).status_code == 400
