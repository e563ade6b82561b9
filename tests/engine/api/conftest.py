"""A server for the tests of a file: what one file leaves there, no other one finds."""

from collections.abc import Iterator

import pytest

from tests.engine.api.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), answer_wait_ms=600) as made:
        yield made
