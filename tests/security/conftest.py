"""One server with the hostile pack for all of these tests."""

from collections.abc import Iterator

import pytest

from tests.durability.server import Server
from tests.security.hostile import hostile_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = hostile_server(tmp_path_factory.mktemp("hostile"))
    try:
        made.start()
        yield made
    finally:
        made.close()
