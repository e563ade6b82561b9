"""A real server as a process of its own, on a free port, with a pack for measuring."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Ten thousand rules take their time on a busy machine.
START_LIMIT_S = 120.0
FILES = {
    "packs/bench/pack.yaml": """
        {name: bench, ref: bench, description: For measuring, version: 1.0.0, author: Stormcrow}
    """,
    "packs/bench/actions/true.yaml": """
        name: quick
        runner_type: local-shell-cmd
        parameters:
          cmd: {default: /bin/true, immutable: true}
    """,
    "packs/bench/aliases/quick.yaml": """
        name: quick
        action_ref: bench.quick
        formats: [quick]
    """,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    process: "subprocess.Popen[str]"
    port: int
    key: str
    folder: Path
    ready_s: float
    """From the start of the command to the first good answer of /readyz."""

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> Any:
        headers = {"St2-Api-Key": self.key, "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content) if content else None


def write_site(folder: Path) -> Path:
    """config.yaml of a site with the pack `bench` below `folder`."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text("content: {packs: [packs]}\n", encoding="utf-8")
    return config


@contextmanager
def server(
    folder: Path | None = None, *, options: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Started, ready, and stopped at the end; `variables`: of its environment.

    A config.yaml that stands in `folder` is taken as it is.
    """
    with tempfile.TemporaryDirectory() as temporary:
        home = folder or Path(temporary)
        config = home / "config.yaml"
        if not config.exists():
            write_site(home)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMCROW_")}
        # Compiled once, as an installation is: else each start would compile the whole house.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment |= variables or {}
        command = [
            sys.executable,
            "-m",
            "bot.cli",
            "up",
            "--config",
            str(config),
            "--data",
            str(home / "data"),
        ]
        started = time.perf_counter()
        with (home / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
            )
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError(f"the server did not start:\n{(home / 'server.log').read_text()}")
            port = int(url.rpartition(":")[2])
            _await_ready(port, started)
            ready_s = time.perf_counter() - started
            key = (home / "data" / "admin.key").read_text().strip()
            yield Server(process=process, port=port, key=key, folder=home, ready_s=ready_s)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(port: int, started: float) -> None:
    while time.perf_counter() - started < START_LIMIT_S:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise RuntimeError("the server did not become ready")


def report(name: str, value: float, unit: str, goal: str) -> None:
    """One line of JSON; `goal` reads like `< 12`, or is empty for what is only told."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "goal": goal}), flush=True)


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
