"""The command line against a real server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from tests.engine.api.running import Running, running


@dataclass(frozen=True)
class Shell:
    """Runs commands in this process, with the variables of somebody who uses the server."""

    server: Running

    def __call__(self, *words: str, **variables: str | None) -> Any:
        environment = {"STORMCROW_URL": self.server.url, "STORMCROW_API_KEY": self.server.key, **variables}
        return CliRunner().invoke(app, words, env=environment)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("cli")) as made:
        yield made


@pytest.fixture
def shell(shared: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """In a folder without config.yaml."""
    monkeypatch.chdir(tmp_path)
    for name in ("STORMCROW_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return Shell(shared)
