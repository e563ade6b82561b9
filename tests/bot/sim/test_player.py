"""Playing, against a chat whose answers are written down: what counts as said, and what a failure tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.sim.chats import Heard, Spot
from bot.sim.player import Player
from bot.sim.told import Failure
from bot.sim.transcript import transcript_of
from engine.errors import BadContent


@dataclass
class Echo:
    """Answers what it is told to answer, in the thread of what was said."""

    name: str = "echo"
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    said: list[tuple[str, str, Spot]] = field(default_factory=list)
    there: list[Heard] = field(default_factory=list)

    def join(self, who: str, standing: str = "member") -> None:
        """Everybody is there."""

    def say(self, who: str, words: str, spot: Spot) -> None:
        self.said.append((who, words, spot))
        for answer in self.answers.get(words, ()):
            self._add(answer, who, spot)

    def _add(self, answer: str, who: str, spot: Spot) -> None:
        number, is_edit, text = answer.partition("~")
        if is_edit:
            self.there[int(number)] = replace(self.there[int(number)], text=text)
            return
        is_private = answer.startswith("@")
        self.there.append(
            Heard(
                id=str(len(self.there)),
                text=answer.removeprefix("@"),
                channel="" if is_private else spot.channel,
                thread="" if is_private else "root",
                only_for=who if is_private else "",
                buttons=("Go",) if "[Go]" in answer else (),
            )
        )

    def press(self, who: str, heard: Heard, label: str, words: str) -> None:
        self.said.append((who, f"[{label}] on {heard.id} {words}".strip(), Spot(channel=heard.channel)))

    def fill(self, who: str, values: Mapping[str, str]) -> bool:
        return False

    def heard(self) -> Sequence[Heard]:
        return self.there

    def close(self) -> None:
        """Nothing is open."""


def play(text: str, **answers: Sequence[str]) -> tuple[Failure | None, Echo]:
    chat = Echo(answers=answers)
    return Player(transcript_of(text, name="a.chat"), chat, patience_s=0.05).play(), chat


def told(text: str, **answers: Sequence[str]) -> str:
    failure, _ = play(text, **answers)
    assert failure is not None
    return failure.told(transcript_of(text, name="a.chat"))


def test_words_are_found_whatever_stands_around_them() -> None:
    failure, chat = play("ann in #dev> go\none two\nthree", go=["zero one\n   two three"])
    assert failure is None
    assert chat.said == [("ann", "go", Spot(channel="#dev"))]


def test_an_id_that_was_answered_can_be_said() -> None:
    failure, chat = play("ann> go\ntask {id}\nbob> stop {id}", go=["task a1b2c3"])
    assert failure is None
    assert chat.said[-1][1] == "stop a1b2c3"


def test_the_same_line_twice_is_two_messages() -> None:
    assert play("ann> go\nCounted.\nbob> go\nCounted.", go=["Counted."])[0] is None
    text = told("ann> go\nCounted.\nCounted.", go=["Counted."])
    assert text.startswith("a.chat:3: Counted.\n")


def test_where_something_is_said_can_matter() -> None:
    lines = "(in #ops, in thread) loud\n(to ann) soft"
    assert play(f"ann> go\n{lines}", go=["loud", "@soft"])[0] is None
    assert "It counts only where the line says." in told(f"ann> go\n{lines}", go=["@loud", "@soft"])
    assert told("ann> go\n(to bob) soft", go=["@soft"]).startswith("a.chat:2: (to bob) soft")


def test_once_is_counted_at_its_line_and_at_the_end() -> None:
    assert play("ann> go\n(once) done", go=["done"])[0] is None
    assert "It is said in 2 messages" in told("ann> go\n(once) done", go=["done", "done"])
    text = told("ann> go\n(once) done\nbob> more\nother", go=["done"], more=["done", "other"])
    assert text.startswith("a.chat:2: (once) done")
    assert play("ann> go\n(once) done\nbob> more\nwaits", go=["done"], more=["0~waits"])[0] is None


def test_never_is_never_until_the_end() -> None:
    assert play("ann> go\n(never) secret\nfine", go=["fine"])[0] is None
    text = told("ann> go\n(never) secret\nbob> more\nfine", more=["fine", "secret"])
    assert text.startswith("a.chat:2: (never) secret")


def test_people_press_the_newest_button_and_speak_in_the_thread_of_what_was_found() -> None:
    failure, chat = play(
        "ann> go\nfirst\nann in thread> why\nbob presses [Go] now", go=["first [Go]", "second [Go]"]
    )
    assert failure is None
    assert chat.said[1][2] == Spot(channel="#ops", thread="root")
    assert chat.said[2][:2] == ("bob", "[Go] on 1 now")


def test_a_failure_tells_the_line_the_nearest_and_all_that_was_said() -> None:
    text = told("ann> go\napi is live in prod\n", go=["api is live in staging", "@for you"])
    assert text.splitlines()[:5] == [
        "a.chat:2: api is live in prod",
        "  Nobody has said it within 0 s.",
        "  The nearest stands in #ops, thread:",
        "    - api is live in prod",
        "    + api is live in staging",
    ]
    assert "Line 1 was the last thing done: ann> go" in text
    assert "to ann\n      for you" in text


def test_a_button_that_never_shows_and_a_form_that_never_opens_are_failures() -> None:
    assert "a.chat:1: ann presses [Go]" in told("ann presses [Go]")
    assert "There is no form" in told("ann fills in a=1")


def test_what_needs_a_server_of_ones_own_is_refused_without_one() -> None:
    with pytest.raises(BadContent, match="not the transcript's own"):
        play("kill -9")
    with pytest.raises(BadContent, match="whose thread"):
        play("ann in thread> why")
