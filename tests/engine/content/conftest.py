"""Fixtures of the content tests."""

from pathlib import Path

import pytest

from tests.engine.content.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path.resolve())
