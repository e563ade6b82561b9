"""StackStorm's three ports: an `st2` that nobody has told where the server is finds it there."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from bot.app import App
from bot.cli.administration import AUTH_PORT, STREAM_PORT
from engine.settings import ChatSettings, ServerSettings, Settings
from engine.user_file import UserFile
from tests.compat.st2.conftest import COMMAND_LIMIT_S, PASSWORD
from tests.ports import free_port


@dataclass(frozen=True)
class Ports:
    api: str
    auth: str
    stream: str
    key: str
    home: Path


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("ports")
    auth, stream = free_port(), free_port()
    server = ServerSettings(port=0, auth_port=auth, stream_port=stream, shutdown_s=2)
    app = App(Settings(root=folder, server=server, chat=ChatSettings(web=True)))
    is_open = threading.Event()
    door = threading.Thread(target=app.serve, kwargs={"announce": lambda _app: is_open.set()})
    try:
        app.start()
        door.start()
        assert is_open.wait(30)
        UserFile(app.engine.folder / "users").put("st2admin", PASSWORD)
        yield Ports(
            api=f"http://127.0.0.1:{app.settings.server.port}",
            auth=f"http://127.0.0.1:{auth}",
            stream=f"http://127.0.0.1:{stream}",
            key=(app.engine.folder / "admin.key").read_text().strip(),
            home=folder,
        )
    finally:
        app.stop()
        door.join(30)


def ask(ports: Ports, method: str, url: str) -> requests.Response:
    headers = {"St2-Api-Key": ports.key}
    return requests.request(
        method, url, headers=headers, timeout=30, allow_redirects=False, auth=("st2admin", PASSWORD)
    )


def st2(ports: Ports, python: Path, *words: str, **variables: str) -> str:
    """As it is when nothing says where the server is, but for the numbers of the ports."""
    environment: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "HOME": str(ports.home),
        "ST2_API_URL": f"{ports.api}/v1",
        "ST2_AUTH_URL": ports.auth,
        "ST2_STREAM_URL": f"{ports.stream}/v1",
        "PYTHONWARNINGS": "ignore",
        **variables,
    }
    done = subprocess.run(
        [python.with_name("st2"), *words],
        env=environment,
        cwd=ports.home,
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("path", ["/tokens", "/v1/tokens", "/auth/v1/tokens"])
def test_the_port_of_logins_gives_tokens(ports: Ports, path: str) -> None:
    assert ask(ports, "POST", ports.auth + path).status_code == 201


@pytest.mark.parametrize("path", ["/stream", "/v1/stream", "/stream/v1/stream"])
def test_the_port_of_the_stream_streams(ports: Ports, path: str) -> None:
    with requests.get(
        ports.stream + path, params={"st2-api-key": ports.key}, stream=True, timeout=30
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_output_comes_as_events_on_the_port_of_the_stream(ports: Ports) -> None:
    body = {"action": "core.local", "parameters": {"cmd": "echo heard"}}
    made = requests.post(
        f"{ports.api}/v1/executions?wait=30", json=body, headers={"St2-Api-Key": ports.key}, timeout=60
    ).json()
    answer = ask(ports, "GET", f"{ports.stream}/v1/executions/{made['id']}/output")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "heard" in answer.text
    plain = ask(ports, "GET", f"{ports.api}/v1/executions/{made['id']}/output")
    assert plain.text == "heard\n"


@pytest.mark.parametrize("path", ["/executions", "/v1/keys", "/stream", "/chat", "/docs"])
def test_the_port_of_logins_does_nothing_else(ports: Ports, path: str) -> None:
    assert ask(ports, "GET", ports.auth + path).status_code == 404


@pytest.mark.parametrize("path", ["/tokens", "/v1/keys", "/chat", "/docs"])
def test_the_port_of_the_stream_does_nothing_else(ports: Ports, path: str) -> None:
    assert ask(ports, "GET", ports.stream + path).status_code == 404


def test_an_unconfigured_client_logs_in_and_runs_and_follows(ports: Ports, client_python: Path) -> None:
    token = st2(ports, client_python, "auth", "st2admin", "-p", PASSWORD, "-t").strip()
    said = st2(ports, client_python, "run", "--tail", "core.local", "echo followed", ST2_AUTH_TOKEN=token)
    assert "followed" in said


def test_the_numbers_are_stackstorms() -> None:
    assert (AUTH_PORT, ServerSettings().port, STREAM_PORT) == (9100, 9101, 9102)
