"""An engine that runs, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.service import Engine
from tests.engine import world


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(world.settings(tmp_path))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engine_of_each_kind(tmp_path: Path, database_url: str) -> Iterator[Engine]:
    settings = world.settings(tmp_path)
    url = "" if database_url.startswith("sqlite") else database_url
    made = Engine(replace(settings, store=replace(settings.store, url=url)))
    made.start()
    yield made
    made.stop()
