"""One server for all tests of this folder: they look at executions of their own."""

from collections.abc import Iterator

import pytest

from tests.engine.api.running import Running, running


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), answer_wait_ms=600) as made:
        yield made
