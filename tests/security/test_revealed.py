"""What is revealed during a run is hidden in all that comes of it: templates, configuration, keys, events."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.durability.server import Server, serving, wait_until

KEY = "canary-KEY-0a11ce"
READ = "canary-READ-77bd02"
URL_PASSWORD = "canary-URL-e91f3c"
API_KEY = "canary-API-3d8842"
PAYLOAD = "canary-PAYLOAD-b6c0"
CONFIG = "canary-CONFIG-41aa9e"
SECRETS = (KEY, READ, URL_PASSWORD, API_KEY, PAYLOAD, CONFIG)

FILES = {
    "packs/leaky/pack.yaml": "{ref: leaky, name: leaky, description: x, version: 1.0.0, author: x}",
    "packs/leaky/config.schema.yaml": """
        token: {type: string, secret: true}
        url: {type: string}
    """,
    "configs/leaky.yaml": """
        token: "{{ st2kv.system.config_token }}"
        url: "https://user:{{ st2kv.system.url_password | decrypt_kv }}@example.org"
        api_key: canary-API-3d8842
    """,
    # A default that is rendered when the execution is requested, and holds more than the secret.
    "packs/leaky/actions/early.yaml": """
        name: early
        runner_type: local-shell-cmd
        parameters:
          header: {type: string, default: "Bearer {{ st2kv.system.key | decrypt_kv }}"}
          cmd: {immutable: true, default: "echo '{{ header }}' | cut -d' ' -f2"}
    """,
    "packs/leaky/actions/configured.yaml": """
        name: configured
        runner_type: local-shell-cmd
        parameters:
          text: {type: string, default: "{{ config_context.token }} and {{ config_context.url }}"}
          cmd: {immutable: true, default: "echo '{{ text }}'"}
    """,
    "packs/leaky/actions/said.yaml": """
        name: said
        runner_type: local-shell-cmd
        parameters:
          text: {type: string, required: true}
          cmd: {immutable: true, default: "echo said {{ text }} | rev | rev"}
    """,
    "packs/leaky/actions/python.yaml": "{name: python, runner_type: python-script, entry_point: python.py}",
    "packs/leaky/actions/python.py": """
        from st2common.runners.base_action import Action


        class Python(Action):
            def run(self):
                print("before", self.config)
                value = self.action_service.get_value("read", local=False, decrypt=True)
                print("read", value, flush=True)
                return {"value": value, "config": self.config}
    """,
    "packs/leaky/actions/broken.yaml": """
        name: broken
        runner_type: noop
        parameters:
          key: {type: string, default: "{{ st2kv.system.key | decrypt_kv }}"}
          number: {type: integer, default: "{{ key | from_json_string }}"}
    """,
    "packs/leaky/triggers/login.yaml": """
        name: login
        payload_schema:
          type: object
          properties:
            user: {type: string}
            password: {type: string, secret: true}
            note: {type: string}
    """,
    "packs/leaky/rules/on_login.yaml": """
        name: on_login
        enabled: true
        trigger: {type: leaky.login}
        criteria: {trigger.password: {type: contains, pattern: canary}}
        action: {ref: leaky.said, parameters: {text: "{{ trigger.user }}={{ trigger.password }}"}}
    """,
    "packs/leaky/rules/with_key.yaml": """
        name: with_key
        enabled: true
        trigger: {type: leaky.login}
        action: {ref: leaky.said, parameters: {text: "key {{ st2kv.system.key | decrypt_kv }}"}}
    """,
    "aliases/tell.yaml": """
        name: tell
        description: Says it
        action_ref: leaky.said
        formats: ["tell it"]
        immutable_parameters: {text: "alias {{ st2kv.system.key | decrypt_kv }}"}
    """,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("revealed")
    with serving(folder, files=FILES, settings={"log": {"level": "debug"}}) as made:
        made.make_environment("leaky")
        for name, value in (
            ("key", KEY),
            ("read", READ),
            ("url_password", URL_PASSWORD),
            ("config_token", CONFIG),
        ):
            body = {"name": name, "value": value, "secret": True}
            assert made.ask("PUT", f"/keys/{name}", json=body).ok
        yield made


def told(server: Server, execution: dict[str, Any]) -> str:
    """Everything that the API tells of an execution."""
    answer = server.ask("GET", f"/executions/{execution['id']}").text
    return answer + server.ask("GET", f"/executions/{execution['id']}/output").text


def assert_hidden(text: str) -> None:
    assert "********" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_a_part_of_a_default_that_was_decrypted_is_hidden(server: Server) -> None:
    execution = server.run("leaky.early")
    assert execution["status"] == "succeeded", execution["result"]
    assert execution["result"]["stdout"] == "********"
    assert_hidden(told(server, execution))
    again = server.ask("POST", f"/executions/{execution['id']}/re_run", json={}).json()
    assert_hidden(told(server, server.ended(again["id"])))


def test_secrets_of_the_configuration_are_hidden_in_parameters_and_output(server: Server) -> None:
    execution = server.run("leaky.configured")
    assert execution["result"]["stdout"] == "******** and https://user:********@example.org"
    assert execution["parameters"]["text"] == "******** and https://user:********@example.org"
    assert_hidden(told(server, execution))


def test_what_an_action_reads_in_clear_is_hidden_from_then_on(server: Server) -> None:
    execution = server.run("leaky.python")
    assert execution["status"] == "succeeded", execution["result"]
    assert execution["result"]["result"]["value"] == "********"
    assert execution["result"]["stdout"].splitlines()[-1] == "read ********"
    assert_hidden(told(server, execution))


def test_an_error_does_not_repeat_what_was_decrypted(server: Server) -> None:
    answer = server.ask("POST", "/executions", json={"action": "leaky.broken", "parameters": {}})
    assert answer.status_code in (201, 400)
    assert KEY not in answer.text
    for one in server.get("/executions?action=leaky.broken"):
        assert KEY not in told(server, server.ended(one["id"]))


def test_a_command_of_the_chat_hides_what_its_alias_decrypts(server: Server) -> None:
    body = server.answer("tell it")
    assert body["status"] == "succeeded"
    assert_hidden(str(body))


def test_a_secret_of_a_payload_is_hidden_in_the_event_and_in_what_follows(server: Server) -> None:
    payload = {"user": "ann", "password": PAYLOAD, "note": f"typed {PAYLOAD}"}
    answer = server.ask("POST", "/webhooks/st2", json={"trigger": "leaky.login", "payload": payload})
    assert answer.status_code == 202, answer.text
    found: list[dict[str, Any]] = []

    def has_followed() -> bool:
        found[:] = [
            one
            for one in server.get("/executions?action=leaky.said")
            if one["context"].get("trigger_instance") and one["status"] == "succeeded"
        ]
        return len(found) == 2

    wait_until(has_followed, timeout_s=60)
    said = {one["context"]["rule"]["name"]: server.ended(one["id"]) for one in found}
    assert said["on_login"]["result"]["stdout"] == "said ann=********"
    assert said["with_key"]["result"]["stdout"] == "said key ********"
    for one in said.values():
        assert_hidden(told(server, one))
    instance_id = said["on_login"]["context"]["trigger_instance"]["id"]
    explained = server.ask("GET", f"/triggerinstances/{instance_id}/explain")
    assert explained.ok, explained.text
    assert_hidden(explained.text)
    wrong = {"trigger": "leaky.login", "payload": {"password": [PAYLOAD]}}
    refused = server.ask("POST", "/webhooks/st2", json=wrong)
    assert PAYLOAD not in refused.text


def test_at_the_end_no_file_and_no_log_line_holds_any_of_it(server: Server) -> None:
    # Whatever order the tests ran in.
    server.run("leaky.python")
    files = [path for path in server.data.rglob("*") if path.is_file() and "virtualenvs" not in path.parts]
    found = {
        (path.name, secret)
        for path in [*files, server.log_file]
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    }
    assert found == set()


def test_the_log_hides_what_was_in_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bot.logs import set_up_logging
    from engine.expressions.live_secrets import KEPT, LiveSecrets
    from engine.settings.server import LogSettings

    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    live = LiveSecrets()
    try:
        for kind in ("text", "json"):
            set_up_logging(LogSettings(format=kind))(live.hide)
            live.note(["canary-first", 'canary "quoted"'])
            log = logging.getLogger("probe")
            log.error("said %s and %s", "canary-first", 'canary "quoted"')
            try:
                raise ValueError("broke on canary-first")
            except ValueError:
                log.exception("a fault")
        written = capsys.readouterr().err
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert "canary" not in written
    assert written.count("********") >= 6
    live.note(f"other secret {number}" for number in range(KEPT))
    assert live.hide("canary-first") == "canary-first"
