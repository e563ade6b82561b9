"""An IRC server for each file of tests, and what is started in a test and must not outlive it."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest

from tests.bot.adapters.errbot.servers import SERVICES, Ngircd


class Closable(Protocol):
    def close(self) -> None: ...


_T = TypeVar("_T", bound=Closable)


class Opened:
    """Everything that a test opens, closed after it in the opposite order."""

    def __init__(self) -> None:
        self._things: list[Closable] = []

    def __call__(self, thing: _T) -> _T:
        self._things.append(thing)
        return thing

    def close(self) -> None:
        while self._things:
            self._things.pop().close()


@pytest.fixture
def opened() -> Iterator[Opened]:
    made = Opened()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def ngircd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ngircd]:
    made = Ngircd(tmp_path_factory.mktemp("ngircd"), more=SERVICES)
    try:
        yield made
    finally:
        made.kill()
