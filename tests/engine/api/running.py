"""A real server on a free port for the tests of the API and of the command line."""

import socket
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import uvicorn

from engine.api.app import create_app
from engine.api.server import server_config
from engine.api.stream_hub import StreamHub
from engine.service import Engine
from engine.settings import Settings
from engine.settings.content import ContentSettings
from engine.settings.server import ServerSettings, StoreSettings
from tests.left_behind.answers import keep_answer

PACK = {
    "pack.yaml": """
        ref: probe
        name: probe
        description: What the tests need
        version: 1.2.3
        author: Tests
        email: tests@example.com
    """,
    "config.schema.yaml": """
        region:
          type: string
          description: Where
    """,
    "actions/say.yaml": """
        name: say
        description: Says it
        runner_type: local-shell-script
        entry_point: say.sh
        enabled: true
        parameters:
          text:
            type: string
            description: What to say
            required: true
            position: 0
          times:
            type: integer
            default: 1
          password:
            type: string
            secret: true
    """,
    "actions/say.sh": """
        #!/bin/sh
        echo "$1"
    """,
    "actions/slow.yaml": """
        name: slow
        description: Prints a line, waits for its end
        runner_type: local-shell-cmd
        parameters:
          seconds:
            type: number
            default: 30
          cmd:
            default: "echo first; sleep {{ seconds }}; echo last"
            immutable: true
    """,
    "actions/fail.yaml": """
        name: fail
        runner_type: local-shell-cmd
        parameters:
          cmd:
            default: "echo wrong >&2; exit 3"
            immutable: true
    """,
    "actions/idle.yaml": """
        name: idle
        runner_type: noop
        enabled: false
    """,
    "actions/broken.yaml": """
        name: broken
        runner_type: no-such-runner
    """,
    "aliases/say.yaml": """
        name: say
        description: Says what you say
        action_ref: probe.say
        formats:
          - "say {{text}}"
        ack:
          format: "saying it"
    """,
    "aliases/group.yaml": """
        name: a_group
        action_ref: probe.say
        formats:
          - "speak (?P<text>.+)"
    """,
    "rules/on_file.yaml": """
        name: on_file
        description: When a file is written
        enabled: false
        trigger:
          type: core.st2.generic.actiontrigger
        action:
          ref: probe.say
          parameters:
            text: "{{ trigger.status }}"
    """,
}


@dataclass(frozen=True)
class Running:
    """A server, and its administrator's key."""

    engine: Engine
    url: str
    key: str
    folder: Path
    stream: StreamHub

    def ask(self, method: str, path: str, *, key: str | None = None, **more: Any) -> requests.Response:
        """With the admin key, unless another one (or an empty one, for none) is given."""
        used = self.key if key is None else key
        headers = {**({"St2-Api-Key": used} if used else {}), **more.pop("headers", {})}
        answer = requests.request(
            method, self.url + path, headers=headers, timeout=90, allow_redirects=False, **more
        )
        if not more.get("stream"):
            keep_answer(self.folder, answer)
        return answer

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.ask("POST", path, json=body, **more)

    def start(self, action: str, **parameters: Any) -> Any:
        answer = self.post("/executions", {"action": action, "parameters": parameters})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def run(self, action: str, **parameters: Any) -> Any:
        """The execution at its end."""
        return self.ended(self.start(action, **parameters))

    def ended(self, execution: Any) -> Any:
        return self.get(f"/executions/{execution['id']}?wait=60").json()


def write_pack(folder: Path) -> None:
    """The pack `probe` below `folder`."""
    for name, text in PACK.items():
        path = folder / "probe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        if name.endswith(".sh"):
            path.chmod(0o755)


@contextmanager
def running(
    folder: Path, *, port: int = 0, sections: Mapping[str, Any] | None = None, **server: Any
) -> Iterator[Running]:
    """A server whose data, packs and settings are below `folder`. `sections`: more of its settings."""
    write_pack(folder / "packs")
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    settings = Settings(
        root=folder,
        server=ServerSettings(port=port, shutdown_s=2, **server),
        **{
            "store": StoreSettings(data=folder / "data"),
            "content": ContentSettings(packs=["packs"]),
            **(sections or {}),
        },
    )
    engine = Engine(settings)
    http: uvicorn.Server | None = None
    thread: threading.Thread | None = None
    try:
        engine.start()
        app = create_app(engine)
        http = uvicorn.Server(server_config(app, settings))
        thread = threading.Thread(target=http.run, args=([listener],), daemon=True)
        thread.start()
        key = (settings.data_folder / "admin.key").read_text().strip()
        url = f"http://127.0.0.1:{port}"
        yield Running(engine=engine, url=url, key=key, folder=folder, stream=app.stream)
    finally:
        if http is not None and thread is not None:
            app.stream.stop()
            http.should_exit = True
            thread.join(10)
        engine.stop()
        listener.close()
