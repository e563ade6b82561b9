"""A real server as a process of its own, that tests kill and start again on the same folder."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.left_behind.answers import keep_answer
from tests.ports import free_port

START_S = 120.0
FINISHED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})


class Server:
    """`start`ed and ended as often as a test likes; the port stays, so that clients come back."""

    def __init__(
        self,
        folder: Path,
        *,
        files: Mapping[str, str],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`files`: content below the folder, executable when it ends in .sh. `settings`: over ours.
        `environment`: variables of the server over our own."""
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ, **(environment or {})}
        write_files(folder, files)
        config: dict[str, dict[str, Any]] = {
            "server": {"port": self.port, "shutdown_s": 3.0},
            "store": {"data": str(self.data)},
            "actions": {"kill_grace_s": 0.3},
        }
        for section, values in (settings or {}).items():
            config.setdefault(section, {}).update(values)
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(config), encoding="utf-8")

    def make_environment(self, pack: str) -> None:
        """An empty virtual environment for the pack, as StackStorm's own tools would have left it."""
        folder = self.data / "virtualenvs" / pack
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)

    # the process

    def spawn(self, *, under: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Start it without waiting. `under`: a program that runs it, such as strace."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*under, sys.executable, "-m", "bot.cli", "up", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        return self.process

    def start(self) -> None:
        process = self.spawn()

        def is_ready() -> bool:
            assert process.poll() is None, self.log_text[-3000:]
            return self.is_ready()

        wait_until(is_ready, timeout_s=START_S)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=30).ok
        except requests.RequestException:
            return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """kill -9 of the server alone; what it started goes on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def terminate(self, *, timeout_s: float = 60) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout_s)

    def is_process_alive(self) -> bool:
        """Whether the server runs, itself or as the child of a strace, which ends later, with the shim."""
        assert self.process is not None
        if self.process.poll() is not None:
            return False
        commands = [one.split() for one in processes_of(self.folder).values()]
        return any("bot.cli" in one and "strace" not in one[0] for one in commands)

    def kill_all(self) -> None:
        """kill -9 of a server and of the strace that runs it; a shim and its actions go on."""
        for pid, command in processes_of(self.folder).items():
            if "bot.cli" in command:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(60)

    def close(self) -> None:
        """Whatever state it is in: end it, and what it left."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
        for pid in processes_of(self.folder):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    @property
    def log_text(self) -> str:
        """All that it ever wrote to standard output and standard error."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    # talking to it

    @property
    def key(self) -> str:
        return (self.data / "admin.key").read_text(encoding="utf-8").strip()

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"St2-Api-Key": self.key, **more.pop("headers", {})}
        answer = requests.request(method, self.url + path, headers=headers, timeout=60, **more)
        if not more.get("stream"):
            keep_answer(self.folder, answer)
        return answer

    def get(self, path: str) -> Any:
        response = self.ask("GET", path)
        assert response.ok, response.text
        return response.json()

    def request(self, action: str, **parameters: Any) -> str:
        """The id of the execution."""
        response = self.ask("POST", "/executions", json={"action": action, "parameters": parameters})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def ended(self, execution_id: str, *, timeout_s: float = 60) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.get(f"/executions/{execution_id}?wait=5"))
            return found["status"] in FINISHED

        wait_until(has_ended, timeout_s=timeout_s)
        return found

    def run(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.ended(self.request(action, **parameters))

    def executions(self) -> list[dict[str, Any]]:
        return list(self.get("/executions?limit=-1&exclude_attributes=result"))

    # its chat

    def post_message(self, text: str, *, key: str = "", **more: Any) -> requests.Response:
        """One try. `key`: the delivery key, under which a repetition is the same message."""
        body = {
            "channel": "ops",
            "text": text,
            "direct": True,
            "delivery_key": key or secrets.token_hex(8),
            **more,
        }
        return self.ask("POST", "/chat/messages", json=body)

    def say(self, text: str, *, give_up_at: float | None = None, **more: Any) -> str:
        """As the page does it: the same delivery key until it is accepted. The message's id."""
        give_up_at = give_up_at or time.monotonic() + 60
        key = secrets.token_hex(8)
        while True:
            try:
                response = self.post_message(text, key=key, **more)
                if response.status_code < 500:
                    assert response.status_code == 201, response.text
                    return str(response.json()["id"])
            except (requests.RequestException, FileNotFoundError):
                pass
            assert time.monotonic() < give_up_at, f"{text!r} was never accepted"
            time.sleep(0.05)

    def messages(self, channel: str = "ops") -> list[dict[str, Any]]:
        """All of the channel, oldest first."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = self.get(f"/chat/channels/{channel}/messages?limit=200{before}")
            found = page["messages"] + found
            if not page["more"]:
                return found
            before = f"&before={page['messages'][0]['seq']}"

    def answers(self, message_id: str) -> list[dict[str, Any]]:
        """The bodies of what was answered to a message."""
        return [
            one["body"]
            for one in self.messages()
            if one["is_bot"] and one["body"].get("reply_to") == message_id
        ]

    def answer(self, text: str) -> dict[str, Any]:
        """Say it, and wait for its one final answer."""
        message_id = self.say(text)

        def is_answered() -> bool:
            found = self.answers(message_id)
            return bool(found) and all(not one.get("action") or one["status"] in FINISHED for one in found)

        wait_until(is_answered, timeout_s=60)
        (body,) = self.answers(message_id)
        return body


@contextlib.contextmanager
def serving(folder: Path, **more: Any) -> Iterator[Server]:
    """A started server, ended afterwards with all that it left."""
    server = Server(folder, **more)
    try:
        server.start()
        yield server
    finally:
        server.close()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        if name.endswith(".sh"):
            path.chmod(0o755)


def text_of(body: Mapping[str, Any]) -> str:
    """All words of an answer in the chat."""
    parts = [body.get("pretext", ""), body.get("title", "")]
    for piece in body.get("pieces", []):
        parts += [piece.get("title", ""), piece.get("text", "")]
        parts += [cell for row in piece.get("rows", []) for cell in row]
    return "\n".join(part for part in parts if part)


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 60) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come true in time"
        time.sleep(0.02)


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes (but us) with the folder in their command line, directory or environment."""
    word = str(folder).encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError, ValueError):
            command = (entry / "cmdline").read_bytes()
            told = command + bytes((entry / "cwd").readlink()) + (entry / "environ").read_bytes()
            if command and word in told:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def shims_of(folder: Path) -> list[int]:
    """The process ids of the shims whose spool is below the folder."""
    return [pid for pid, command in processes_of(folder).items() if "shim.py" in command]
