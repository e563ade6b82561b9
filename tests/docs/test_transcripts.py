"""Conversations in the docs, held with a real server: blocks ```chat are transcripts, as users play them.

Files that the page has shown above, in blocks like ```yaml action packs/lesson/actions/try.yaml, are there.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sim.player import Player
from bot.sim.transcript import transcript_of
from bot.sim.web import WebChat
from tests.bot.conftest import House, make_settings
from tests.docs.pages import Block, blocks, files_above


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("transcripts")


@pytest.fixture(scope="module")
def house(site: Path) -> Iterator[House]:
    made = House(make_settings(site))
    try:
        yield made
    finally:
        made.stop()


def write_files(house: House, site: Path, block: Block) -> None:
    files = files_above(block)
    for path, text in files.items():
        file = site / path
        assert file.resolve().is_relative_to(site.resolve())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if files:
        packs = {Path(path).parts[1] for path in files}
        assert [one for one in house.engine.reload().unavailable if one.pack in packs] == []


CONVERSATIONS = [pytest.param(block, id=block.where) for block in blocks("chat")]


@pytest.mark.parametrize("block", CONVERSATIONS)
def test_a_conversation_goes_as_it_is_written(house: House, site: Path, block: Block) -> None:
    write_files(house, site, block)
    transcript = transcript_of(block.text, name=block.where.rpartition(":")[0], first=block.line + 1)
    # A channel for each, so that what is said in the others is not found here.
    chat = WebChat(house.url, house.key, home=f"docs-{block.page.stem}-{block.line}")
    try:
        failure = Player(transcript, chat, patience_s=90).play()
    finally:
        chat.close()
    if failure is not None:
        pytest.fail(failure.told(transcript))


def test_the_examples_of_workflows_are_told() -> None:
    told = "\n".join(block.text for block in blocks("chat"))
    assert [name for name in ("release", "survey", "migrate", "move") if f"examples {name}" not in told] == []
