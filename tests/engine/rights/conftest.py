"""One engine for the tests of a file; each writes the files of rights that it is about."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from engine.service import Engine
from engine.settings.people import PeopleSettings
from tests.engine import world
from tests.engine.rights.site import write_rights

PEOPLE = PeopleSettings(
    roles={"medic": ["mia"]},
    groups={"sre": ["sam", "~sid"], "chat": ["slack:@oncall"]},
    linked={"ann": ["slack.T1.U7", "ann-ci", "~ann"]},
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(replace(world.settings(tmp_path_factory.mktemp("rights")), people=PEOPLE))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def rights(running: Engine) -> Callable[[Mapping[str, str]], Engine]:
    """The engine with these files of rights; those of earlier tests are gone."""

    shutil.rmtree(running.settings.root / "rbac", ignore_errors=True)

    def write(files: Mapping[str, str]) -> Engine:
        write_rights(running.settings.root, files)
        running.reload()
        return running

    return write
