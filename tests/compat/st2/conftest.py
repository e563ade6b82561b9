"""One server, and st2client 3.9.0 from PyPI in an environment of its own."""

import fcntl
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.user_file import UserFile
from tests.compat.st2.content import write_content
from tests.conftest import missing
from tests.engine.api.running import Running, running

RELEASE = "st2client==3.9.0"
INSTALL_LIMIT_S = 240
COMMAND_LIMIT_S = 60
PASSWORD = "correct horse"


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class St2:
    """`st2("run", "core.local", "date")` as somebody types it; all in one process of the client."""

    process: "subprocess.Popen[str]"
    folder: Path
    server: Running
    lines: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def __call__(self, *words: str, **variables: str) -> Done:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"words": words, "variables": variables}) + "\n")
        self.process.stdin.flush()
        try:
            done = Done(**json.loads(self.lines.get(timeout=COMMAND_LIMIT_S)))
        except queue.Empty:
            self.process.kill()
            raise AssertionError(f"st2 {' '.join(words)} did not end") from None
        return done

    def ok(self, *words: str, **variables: str) -> Done:
        """It must succeed."""
        done = self(*words, **variables)
        assert done.code == 0, (words, done.out, done.err)
        assert "ERROR" not in done.out, (words, done.out)
        return done

    def file(self, name: str, content: Any) -> str:
        """A file with JSON, which is YAML too; its path."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


@pytest.fixture(scope="session")
def client_python(request: pytest.FixtureRequest) -> Path:
    """An interpreter that has st2client; kept for the next session."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("st2client") / RELEASE.partition("==")[2]
    python, mark = folder / "bin" / "python", folder / "complete"
    # Of several processes that run tests one installs it, and the others wait.
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            try:
                _install(folder, python)
            except (subprocess.SubprocessError, OSError) as error:
                missing(f"{RELEASE} (PyPI: {error})")
            mark.touch()
    return python


def _install(folder: Path, python: Path) -> None:
    """With the pip that is here: one of its own would take longer than the client."""
    create = [sys.executable, "-m", "venv", "--without-pip", "--clear", folder]
    subprocess.run(create, check=True, timeout=INSTALL_LIMIT_S)
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", RELEASE]
    subprocess.run(install, check=True, timeout=INSTALL_LIMIT_S, capture_output=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("st2")
    write_content(folder)
    with running(folder, answer_wait_ms=1000) as made:
        UserFile(made.engine.folder / "users").put("st2admin", PASSWORD)
        yield made


def environment(server: Running, home: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "ST2_API_URL": f"{server.url}/api/v1",
        "ST2_AUTH_URL": f"{server.url}/auth/v1",
        "ST2_STREAM_URL": f"{server.url}/stream/v1",
        "ST2_API_KEY": server.key,
        "PYTHONWARNINGS": "ignore",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="module")
def st2(server: Running, client_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[St2]:
    """With the administrator's API key."""
    home = tmp_path_factory.mktemp("home")
    with subprocess.Popen(
        [client_python, Path(__file__).with_name("commands.py")],
        env=environment(server, home),
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        made = St2(process, home, server)
        assert process.stdout is not None

        def read(stdout: Any = process.stdout) -> None:
            for line in stdout:
                made.lines.put(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        yield made
        process.kill()
        reader.join(10)
