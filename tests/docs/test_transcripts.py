"""Conversations in the docs, held with a real server: what people say, and what the bot answers.

In a block ```chat a line `NAME> words` is said by that person; what follows, until the next one, are
lines of the bot, each of which must come to stand in a message. {word} in them stands for an id
and gives it a name, under which people say it later. Files that the page has shown above, in blocks like
```yaml action packs/lesson/actions/try.yaml, are there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot.asking import Person
from tests.bot.conftest import House, make_settings, text_of
from tests.docs.pages import Block, blocks, files_above

_SAID = re.compile(r"^(?P<who>[a-z]+)> (?P<words>.+)$")
_NAME = re.compile(r"\{(\w+)\}")
_ID = "[0-9a-f]{6}"


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


class Conversation:
    """One channel of its own, with everybody who speaks in it."""

    def __init__(self, house: House, channel: str) -> None:
        self._house = house
        self._channel = channel
        self._people: dict[str, Person] = {}
        self._ids: dict[str, str] = {}
        self._before = {one["id"] for one in house.messages("@admin")}
        """What was said in private in other conversations."""

    def close(self) -> None:
        for person in self._people.values():
            person.close()

    def hold(self, block: Block) -> None:
        for line in filter(None, map(str.strip, block.text.splitlines())):
            said = _SAID.match(line)
            if said:
                self._say(said["who"], said["words"])
            else:
                self._expect(line, block.where)

    def _say(self, who: str, words: str) -> None:
        text = _NAME.sub(lambda found: self._ids[found[1]], words)
        if who == "admin":
            self._house.say(text, channel=self._channel)
            return
        if who not in self._people:
            self._people[who] = Person(self._house, who)
            self._before |= {one["id"] for one in self._people[who].messages(f"@{who}")}
        self._people[who].say(text, channel=self._channel)

    def _expect(self, line: str, where: str) -> None:
        parts = _NAME.split(line)
        names = parts[1::2]
        wanted = [re.escape(part) for part in parts[::2]]
        known = [re.escape(self._ids[name]) if name in self._ids else f"({_ID})" for name in names]
        fresh = [name for name in names if name not in self._ids]
        pattern = re.compile("".join(a + b for a, b in zip(wanted, [*known, ""], strict=True)))
        try:
            self._house.wait_for(lambda: self._find(pattern) is not None, timeout_s=30)
        except AssertionError:
            pytest.fail(f"{where}: nobody said {line!r}; there is:\n" + "\n".join(self._texts()))
        found = self._find(pattern)
        assert found is not None
        self._ids.update(zip(fresh, found.groups(), strict=True))

    def _find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return next(filter(None, map(pattern.search, reversed(self._texts()))), None)

    def _texts(self) -> list[str]:
        """All that the bot has said here, and in private to those who speak."""
        found = [*self._house.messages(self._channel), *self._house.messages("@admin")]
        for name, person in self._people.items():
            found += person.messages(f"@{name}")
        return [as_words(one["body"]) for one in found if one["is_bot"] and one["id"] not in self._before]


def as_words(body: dict[str, Any]) -> str:
    """With the words that answer it, which stand there where a chat has no buttons, and its tasks."""
    with_words = (body.get("prompt") or {}).get("answer_with", "")
    tasks = [
        f"{branch['name']} {branch['status']} {branch['note']}"
        for piece in body.get("pieces", [])
        for branch in piece.get("branches", [])
    ]
    return " ".join(f"{text_of(body)} {with_words} {' '.join(tasks)}".split())


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
    conversation = Conversation(house, f"docs-{block.page.stem}-{block.line}")
    try:
        conversation.hold(block)
    finally:
        conversation.close()


def test_the_examples_of_workflows_are_told() -> None:
    told = "\n".join(block.text for block in blocks("chat"))
    assert [name for name in ("release", "survey", "migrate", "move") if f"examples {name}" not in told] == []
