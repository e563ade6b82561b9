"""A site without a server: pack folders, local git repositories, and the installer as it really runs."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from engine.foundation import shipped_packs
from engine.installer.plan import Places, Plan
from engine.installer.switching import State

PROJECT = Path(__file__).resolve().parents[3]
_GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    lines: list[str]
    result: dict[str, Any]

    @property
    def output(self) -> dict[str, Any]:
        return dict(self.result.get("output", {}))

    @property
    def error(self) -> str:
        return str(self.result.get("error", ""))


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packs = folder / "packs"
        self.virtualenvs = folder / "virtualenvs"
        self.state = folder / "data" / "installer"
        self.index_urls: tuple[str, ...] = ()
        for path in (self.packs, self.virtualenvs, self.state):
            path.mkdir(parents=True)

    def plan(self, operation: str, *packs: str, **more: Any) -> Plan:
        places = Places(
            bases=(str(self.packs),),
            shipped=str(shipped_packs()),
            virtualenvs=str(self.virtualenvs),
            state=str(self.state),
        )
        return Plan(operation=operation, packs=packs, places=places, index_urls=self.index_urls, **more)

    def run(
        self, operation: str, *packs: str, under: Sequence[str] = (), kill_at: str = "", **more: Any
    ) -> Done:
        """The program itself. `under`: what runs it, such as strace. `kill_at`: kill -9 of its whole
        group when it says a line with these words."""
        result = self.folder / "result.json"
        # The plan on descriptor 3, the result on 4, as the shim gives them.
        argv = ["sh", "-c", 'exec "$@" 3<&0 4>"$0" </dev/null', str(result), *under]
        process = subprocess.Popen(
            [*argv, sys.executable, "-m", "engine.installer"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # No test asks a registry of packages.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INDEX": "1", "UV_OFFLINE": "1"},
            start_new_session=True,
        )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(self.plan(operation, *packs, **more).to_json())
        lines = []
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.append(line.rstrip())
                if kill_at and kill_at in line:
                    os.killpg(process.pid, 9)
        code = process.wait(120)
        text = result.read_text(encoding="utf-8")
        return Done(code=code, lines=lines, result=json.loads(text) if text else {})

    def recover(self) -> None:
        """What a server does at its start, and with every reload.

        What was killed holds its lock until the kernel has taken it away, a moment later.
        """
        give_up_at = time.monotonic() + 60
        state = State(self.state)
        state.recover()
        while state.refs() and time.monotonic() < give_up_at:
            time.sleep(0.05)
            state.recover()

    def version(self, ref: str) -> str:
        """The version that stands there, whole: manifest and action are of one version."""
        manifest = yaml.safe_load((self.packs / ref / "pack.yaml").read_text(encoding="utf-8"))
        action = yaml.safe_load((self.packs / ref / "actions" / "say.yaml").read_text(encoding="utf-8"))
        assert action["parameters"]["cmd"]["default"] == f"echo {manifest['version']}"
        return str(manifest["version"])

    def assert_tidy(self) -> None:
        """Nothing half done stands around: every hidden environment is in use."""
        assert [path.name for path in self.packs.iterdir() if path.name.startswith(".")] == []
        assert list(self.state.glob("*.note")) == []
        used = {path.resolve().name for path in self.virtualenvs.iterdir() if path.is_symlink()}
        hidden = {path.name for path in self.virtualenvs.iterdir() if path.name.startswith(".")}
        assert hidden == used


def write_pack(folder: Path, ref: str, version: str, **more: Any) -> None:
    """A pack of one shell action that says its version; `more` goes into pack.yaml."""
    (folder / "actions").mkdir(parents=True, exist_ok=True)
    manifest = {"name": ref, "ref": ref, "description": "d", "version": version, "author": "T", **more}
    (folder / "pack.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    action = {
        "name": "say",
        "runner_type": "local-shell-cmd",
        "parameters": {"cmd": {"default": f"echo {version}", "immutable": True}},
    }
    (folder / "actions" / "say.yaml").write_text(yaml.safe_dump(action), encoding="utf-8")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run([*_GIT, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path, ref: str, *versions: str, **more: Any) -> str:
    """The address of a repository in which every version is a tag."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for version in versions:
        write_pack(folder, ref, version, **more)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", version)
        git(folder, "tag", f"v{version}")
    return f"file://{folder}"


@contextmanager
def index_server(packs: dict[str, Any]) -> Iterator[str]:
    """The address of an index on this machine."""
    body = json.dumps({"packs": packs, "metadata": {}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/index.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
