"""An engine that knows some people: one for a file, or one of each kind of database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.service import Engine
from engine.settings import Settings
from engine.settings.chats import ChatSettings
from engine.settings.people import PeopleSettings
from tests.engine import world

PEOPLE = PeopleSettings(
    groups={"sre": ["ann", "bob", "both"], "security": ["eve", "both"]},
    roles={"approver": ["ann", "cid"]},
    linked={"ann": ["~slack.T1.U7", "ann-ci"]},
)
CHAT = ChatSettings(routes={"oncall": "web#alerts", "rules": "none"})


def settings(folder: Path) -> Settings:
    return replace(world.settings(folder), people=PEOPLE, chat=CHAT)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(settings(tmp_path_factory.mktemp("inquiries")))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engine_of_each_kind(tmp_path: Path, database_url: str) -> Iterator[Engine]:
    plain = settings(tmp_path)
    url = "" if database_url.startswith("sqlite") else database_url
    made = Engine(replace(plain, store=replace(plain.store, url=url)))
    made.start()
    yield made
    made.stop()
