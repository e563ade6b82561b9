"""The server of a transcript: the site's content and settings on an empty data folder."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bot.sim.ports import free_port
from engine.configuration import PREFIX
from engine.errors import StoreFailure
from engine.settings import Settings

START_S = 120.0
STOP_S = 30.0
COMMAND_S = 120.0
_PAUSE_S = 0.02
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command did."""

    code: int
    text: str
    """Standard output and standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What a server is started with."""

    config: Path | None
    """The site's config.yaml."""
    settings: Settings
    """What the site's own settings are."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Settings over those, as STORMCROW_ variables: of the chat that the transcript is played in."""


class Site:
    """Nothing that it writes reaches the site's own data, and it is in no chat that the settings name."""

    def __init__(self, folder: Path, play: Play) -> None:
        """`folder`: empty; everything is kept there."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._play = play
        self._process: subprocess.Popen[bytes] | None = None
        self._webhooks = folder / "webhooks"
        own = play.settings.path(play.settings.content.webhooks)
        if own.is_dir():
            shutil.copytree(own, self._webhooks)
        self.environment = {**os.environ, **self._overrides(), **play.environment}
        bin_ = folder / "bin"
        bin_.mkdir()
        command = bin_ / "stormcrow"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot.cli "$@"\n', encoding="utf-8")
        command.chmod(0o755)

    def _overrides(self) -> dict[str, str]:
        settings = self._play.settings
        values = {
            "SERVER__HOST": "127.0.0.1",
            "SERVER__PORT": str(self.port),
            "SERVER__PUBLIC_URL": self.url,
            "STORE__DATA": str(self.folder / "data"),
            "STORE__URL": "",
            "CONTENT__WEBHOOKS": str(self._webhooks),
            "CONTENT__VIRTUALENVS": str(settings.virtualenvs_folder),
            "CHAT__WEB": "true",
            "CHAT__FIRST": "",
            "SLACK__BOT_TOKEN": "",
            "SLACK__WORKSPACES": "{}",
            "ERRBOT__NETWORKS": "{}",
        }
        return {f"{PREFIX}{name}": value for name, value in values.items()}

    # the process

    def start(self) -> None:
        """Returns when it answers. Raises StoreFailure with the end of its log."""
        command = [sys.executable, "-m", "bot.cli", "up"]
        if self._play.config is not None:
            command += ["--config", str(self._play.config)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise StoreFailure("The server does not start.", hint=self.log_text()[-3000:])
            time.sleep(_PAUSE_S)

    def kill(self) -> None:
        """kill -9 of the server alone; what it started goes on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)

    def close(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_S)
        _end_what_is_left(self.folder)

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def key(self) -> str:
        return (self.folder / "data" / "admin.key").read_text(encoding="utf-8").strip()

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    def log_text(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def run(self, command: str, *, folder: Path) -> Printed:
        """A line of the shell, in `folder`; `stormcrow` in it talks to this server."""
        environment = {
            **self.environment,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{self.environment.get('PATH', os.defpath)}",
            "STORMCROW_URL": self.url,
            "STORMCROW_API_KEY": self.key,
        }
        if self._play.config is not None:
            environment["STORMCROW_CONFIG"] = str(self._play.config.absolute())
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            printed = (error.stdout or b"").decode("utf-8", "replace")
            return Printed(code=124, text=f"{printed}\nIt did not end within {COMMAND_S:.0f} s.")
        return Printed(code=done.returncode, text=done.stdout.decode("utf-8", "replace"))

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=_TIMEOUT_S).ok
        except requests.RequestException:
            return False


def _end_what_is_left(folder: Path) -> None:
    """Shims and the actions in them outlive a killed server; their folder goes away now."""
    word = f"{folder}{os.sep}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)
