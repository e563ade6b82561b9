"""One environment of the pack for all tests, and an engine around what a test has written."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.service import Engine
from tests.engine.sensors import world

StartEngine = Callable[..., Engine]


@pytest.fixture(scope="session")
def virtualenvs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty environment of the pack `probe`."""
    folder = tmp_path_factory.mktemp("virtualenvs")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder / "probe")], check=True, timeout=120
    )
    return folder


@pytest.fixture
def start(tmp_path: Path, virtualenvs: Path) -> Iterator[StartEngine]:
    """start(SETTING=...) gives an engine that runs the sensors below tmp_path."""
    with ExitStack() as stack:

        def begin(**sensors: Any) -> Engine:
            made = world.settings(tmp_path, virtualenvs, **sensors)
            return stack.enter_context(world.engine_with_sensors(made))

        yield begin
