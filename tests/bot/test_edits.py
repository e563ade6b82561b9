"""A message that is edited runs only after a question."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.chat import Author, Message, Reply
from engine.records.execution import ExecutionFilter
from tests.bot.elsewhere import Desk, Elsewhere


class Talk:
    """Ann in a channel elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.adapter = Elsewhere()
        self.desk = Desk(folder, self.adapter)

    def says(self, text: str, *, id: str = "m1", edit: str = "") -> Message:
        message = Message(
            adapter="elsewhere",
            id=id,
            channel="C",
            author=Author(id="U1", name="ann", team="T", is_vouched=True),
            text=text,
            is_edited=bool(edit),
            delivery_key=f"{id}:{edit}" if edit else id,
        )
        self.adapter.receive(message)
        return message

    def answer(self, message: Message) -> Reply:
        wanted = f"answer:{message.key}:0"
        with self.adapter.changed:
            assert self.adapter.changed.wait_for(lambda: wanted in self.adapter.ids, timeout=30)
            return next(one.reply for one in self.adapter.letters if one.key == wanted)

    @property
    def runs(self) -> int:
        return self.desk.engine.executions(ExecutionFilter())[1]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    made = Talk(tmp_path)
    try:
        yield made
    finally:
        made.desk.stop()


def test_an_edited_command_is_asked_about_and_runs_on_a_yes_once(talk: Talk) -> None:
    talk.says("!echo echo first")
    talk.adapter.until(1, status="succeeded")
    edited = talk.says("!echo echo second", edit="2")
    question = talk.answer(edited)
    assert question.is_private
    assert "You edited your message. Run it now? echo echo second" in str(question.pieces)
    assert talk.runs == 1
    (button,) = question.buttons
    talk.says(f"!{button.command}", id="m2")
    talk.adapter.until(2, status="succeeded")
    talk.says(f"!{button.command}", id="m3")
    assert talk.runs == 2


def test_the_same_edit_delivered_again_is_one_question(talk: Talk) -> None:
    talk.says("!echo echo first")
    talk.adapter.until(1, status="succeeded")
    edited = talk.says("!echo echo second", edit="2")
    talk.answer(edited)
    talk.says("!echo echo second", edit="2")
    talk.says("!status", id="m4")
    talk.adapter.until(3)
    keys = [one.key for one in talk.adapter.letters]
    assert keys.count(f"answer:{edited.key}:0") == 1


def test_an_edit_that_leaves_the_words_is_none(talk: Talk) -> None:
    talk.says("!echo echo same")
    talk.adapter.until(1, status="succeeded")
    talk.says("!echo echo same", edit="2")
    talk.says("only talk now", edit="3")
    last = talk.says("!status", id="m4")
    talk.answer(last)
    assert all("You edited" not in str(one.reply.pieces) for one in talk.adapter.letters)
    assert talk.runs == 1


def test_talk_that_becomes_a_command_is_asked_about(talk: Talk) -> None:
    talk.says("echo echo without prefix")
    edited = talk.says("!echo echo with prefix", edit="2")
    assert "Run it now?" in str(talk.answer(edited).pieces)
    assert talk.runs == 0
