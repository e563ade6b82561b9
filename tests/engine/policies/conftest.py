"""A place with policies, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.policies.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def place_of_each_kind(tmp_path: Path, database_url: str) -> Iterator[Place]:
    made = Place(tmp_path, "" if database_url.startswith("sqlite") else database_url)
    yield made
    made.stop()
