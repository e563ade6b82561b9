"""Secrets go to the action that needs them, and are nowhere else."""

import base64
import contextlib
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.server import Server, text_of, wait_until
from tests.security.hostile import CONFIG_SECRET, PASSWORD, SERVER_SECRET, hostile_server

ACTIONS = (
    ("hostile.shell_secret", {}),
    ("hostile.shell_secret", {"code": 3}),
    ("hostile.environment_secret", {}),
    ("hostile.python_secret", {}),
    ("hostile.python_secret", {"fails": True}),
)


def forms(secret: str) -> list[bytes]:
    """What the value may look like; of base64 the middle, which does not depend on what is around."""
    encoded = base64.b64encode(secret.encode()).decode()
    return [one.encode() for one in (secret, urllib.parse.quote(secret), encoded[4:-4])]


class Watch:
    """Looks at the command lines of all processes until it is left, and keeps those with a secret."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    line = path.read_bytes()
                    if any(one in line for one in (PASSWORD.encode(), CONFIG_SECRET.encode())):
                        self.seen.add(line)


@pytest.fixture(scope="module")
def after_use(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Watch, list[str]]]:
    """A server that has run everything with secrets: with what was seen of the processes, and what
    the API and the chat answered."""
    server = hostile_server(tmp_path_factory.mktemp("secrets"))
    try:
        server.start()
        with Watch() as watch:
            ids = [server.request(action, password=PASSWORD, **more) for action, more in ACTIONS]
            message_id = server.say(f"login with {PASSWORD}")
            for one in ids:
                server.ended(one)
            wait_until(
                lambda: any(one.get("status") == "succeeded" for one in server.answers(message_id)),
                timeout_s=60,
            )
        told = [started_over_the_api(server)]
        first = ids[0]
        server.answer(f"status {first}")
        server.answer(f"output {first}")
        server.answer(f"rerun {first}")
        told += [server.ask("GET", f"/executions/{one}").text for one in ids]
        told += [server.ask("GET", f"/executions/{one}/output").text for one in ids]
        told += [server.ask("GET", f"/chat/executions/{one}").text for one in ids]
        told += [server.ask("GET", path).text for path in ("/executions", "/packs/hostile", "/apikeys")]
        told += [server.ask("GET", "/chat/channels/ops/messages?limit=200").text]
        told += [server.ask("GET", "/configs/hostile").text]
        yield server, watch, told
    finally:
        server.close()


def started_over_the_api(server: Server) -> str:
    """The answer to a command as Hubot sends it, with its text told twice; its execution has ended."""
    text = f"login with {PASSWORD}"
    body = {
        "name": "login",
        "format": "login with {{password}}",
        "command": text,
        "user": "Shell",
        "source_channel": "Shell",
        "source_context": {"user": {"id": "1", "name": "Shell"}, "room": "Shell", "text": text},
        "notification_route": "hubot",
    }
    response = server.ask("POST", "/aliasexecution", json=body)
    assert response.status_code == 201, response.text
    server.ended(response.json()["execution"]["id"])
    return response.text


Used = tuple[Server, Watch, list[str]]


def test_the_secrets_reached_the_actions(after_use: Used) -> None:
    server, _, _ = after_use
    # Without those that tell a bot of an end.
    found = [one for one in server.executions() if one["action"]["pack"] != "chatops"]
    assert len(found) == len(ACTIONS) + 3
    statuses = [one["status"] for one in found]
    assert statuses.count("failed") == 2
    assert statuses.count("succeeded") == len(ACTIONS) + 1
    outputs = [server.ask("GET", f"/executions/{one['id']}/output").text for one in found]
    assert all("****" in one for one in outputs), outputs


def test_no_command_line_holds_a_secret(after_use: Used) -> None:
    _, watch, _ = after_use
    assert watch.looks > 10
    assert watch.seen == set()


def test_no_answer_of_the_api_holds_a_secret(after_use: Used) -> None:
    _, _, told = after_use
    assert [one for one in told if any(form.decode() in one for form in forms(CONFIG_SECRET))] == []
    without_typed = [one for one in told if any(form.decode() in one for form in forms(PASSWORD))]
    assert without_typed == []


def test_no_chat_message_of_the_bot_holds_a_secret(after_use: Used) -> None:
    server, _, _ = after_use
    said = [one["body"] for one in server.messages() if one["is_bot"]]
    assert len(said) >= 4
    assert [text_of(one) for one in said if PASSWORD in str(one) or CONFIG_SECRET in str(one)] == []


def test_no_file_of_the_data_folder_and_no_log_line_holds_a_secret(after_use: Used) -> None:
    server, _, _ = after_use
    files = [path for path in server.data.rglob("*") if path.is_file() and "virtualenvs" not in path.parts]
    files.append(server.log_file)
    assert any(path.name.endswith("-wal") for path in files)
    secrets = [form for one in (PASSWORD, CONFIG_SECRET, SERVER_SECRET) for form in forms(one)]
    found = {
        str(path.relative_to(server.folder)): form
        for path in files
        for form in secrets
        if form in path.read_bytes()
    }
    assert found == {}


def test_the_api_key_stands_in_its_own_file_only(after_use: Used) -> None:
    server, _, told = after_use
    key = server.key.encode()
    holding = [path.name for path in server.data.rglob("*") if path.is_file() and key in path.read_bytes()]
    assert holding == ["admin.key"]
    assert not any(server.key in one for one in told)
    # Its log tells where it is, and not what it is.
    assert str(server.data / "admin.key") in server.log_text
    assert server.key not in server.log_text


def test_the_files_of_the_server_are_its_own(after_use: Used) -> None:
    server, _, _ = after_use
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert (server.data / "admin.key").stat().st_mode & 0o777 == 0o600
    assert (server.data / "secret.key").stat().st_mode & 0o777 == 0o600


def test_actions_see_nothing_of_the_servers_environment(server: Server) -> None:
    for action in ("hostile.environment", "hostile.python_environment"):
        execution = server.run(action)
        assert execution["status"] == "succeeded", execution["result"]
        told = str(execution["result"])
        assert "ST2_ACTION_PACK_NAME" in told
        assert SERVER_SECRET not in told
        assert "SLACK_BOT_TOKEN" not in told
        assert "STORMCROW_" not in told


def test_the_token_of_a_run_is_refused_after_its_end(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "token"
    execution_id = server.request("hostile.sh", cmd=f"printenv ST2_ACTION_AUTH_TOKEN > {kept}; sleep 1")
    wait_until(lambda: kept.exists() and kept.stat().st_size > 0)
    token = {"X-Auth-Token": kept.read_text().strip(), "St2-Api-Key": ""}
    assert server.ask("GET", f"/executions/{execution_id}", headers=token).status_code == 200
    server.ended(execution_id)
    refused = server.ask("GET", f"/executions/{execution_id}", headers=token)
    assert refused.status_code == 401
    assert "faultstring" in refused.json()
