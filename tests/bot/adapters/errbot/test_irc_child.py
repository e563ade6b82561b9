"""The child on a real IRC server: what it hears, what it says, and what becomes of both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.errbot.protocol import Ack, Heard, Outcome, Send, State
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.raw_child import RawChild
from tests.bot.adapters.errbot.servers import IrcPerson, Ngircd, until


class Scene:
    """A child in #ops, and ann there."""

    def __init__(self, ngircd: Ngircd, folder: Path, opened: Opened, **start: Any) -> None:
        self.ann = opened(IrcPerson(ngircd, "ann", "#ops"))
        self.child = opened(
            RawChild(folder, server="127.0.0.1", port=ngircd.port, tls=False, channels=("#ops",), **start)
        )
        self.child.is_in("#ops")


@pytest.fixture(scope="module")
def shared(ngircd: Ngircd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    opened = Opened()
    try:
        yield Scene(ngircd, tmp_path_factory.mktemp("child"), opened, repeat_after_s=1.0)
    finally:
        opened.close()


@pytest.fixture
def scene(shared: Scene) -> Scene:
    """As if nobody had said anything yet."""
    for heard in shared.child.all(Heard):
        shared.child.say(Ack(key=heard.key))
    # Done at once: there is nothing to send. What it said before has arrived by then.
    shared.child.say(Send(id=0, to="#ops", lines=()))
    shared.child.done(0)
    shared.child.said[:] = [one for one in shared.child.said if isinstance(one, State)]
    shared.ann.lines.clear()
    return shared


def test_what_is_said_to_us_is_heard_and_nothing_else(scene: Scene) -> None:
    ann = scene.ann
    ann.say("#ops", "good morning")
    ann.raw("NOTICE #ops :!notice")
    ann.say("#ops", "\x01ACTION !waves\x01")
    ann.say("#ops", "!status")
    ann.say("#OPS", "crow: why 1a2b3c")
    ann.say("crow", "help me")
    scene.child.heard("help me")
    heard = [(one.channel, one.text, one.is_called) for one in scene.child.all(Heard)]
    assert heard == [("#ops", "!status", False), ("#ops", "why 1a2b3c", True), ("", "help me", False)]


def test_without_services_nobody_is_vouched_for(scene: Scene) -> None:
    scene.ann.say("#ops", "!status")
    heard = scene.child.heard("!status")
    assert (heard.person, heard.name, heard.is_vouched) == ("ann!~ann@127.0.0.1", "ann", False)


def test_a_message_is_repeated_until_it_is_acknowledged(scene: Scene) -> None:
    scene.ann.say("#ops", "!one")
    scene.ann.say("#ops", "!two")
    acknowledged = scene.child.heard("!one")
    scene.child.say(Ack(key=acknowledged.key))
    until(lambda: len([one for one in scene.child.all(Heard) if one.text == "!two"]) == 2, timeout_s=60)
    assert [one for one in scene.child.all(Heard) if one.text == "!one"] == [acknowledged]
    assert len({one.key for one in scene.child.all(Heard)}) == 2


def test_lines_are_confirmed_by_the_server(scene: Scene) -> None:
    scene.child.say(Send(id=1, to="#ops", lines=("first", "second")))
    assert scene.child.done(1).outcome is Outcome.SENT
    until(lambda: scene.ann.messages("#ops") == ["first", "second"])


def test_a_long_result_arrives_whole_in_lines_that_the_server_takes(scene: Scene) -> None:
    words = " ".join(f"größe-{number:04}→😀" for number in range(300))
    assert len(words.encode()) > 5_000
    scene.child.say(Send(id=1, to="#ops", lines=(words,)))
    assert scene.child.done(1).outcome is Outcome.SENT
    until(lambda: " ".join(scene.ann.messages("#ops")) == words)


def test_nothing_in_data_acts_on_the_connection(scene: Scene) -> None:
    scene.child.say(Send(id=1, to="#ops", lines=("a\r\nQUIT :b", "\x01DCC SEND x\x01\x00\x02\x0304red")))
    assert scene.child.done(1).outcome is Outcome.SENT
    expected = ["a", "QUIT :b", "␁DCC SEND x␁␀␂␃04red"]
    until(lambda: scene.ann.messages("#ops") == expected)


@pytest.mark.parametrize("to", ["#a b", "#x\r\nQUIT", "ann", "", "#ops,#other", ":x"])
def test_what_is_no_channel_is_refused(scene: Scene, to: str) -> None:
    scene.child.say(Send(id=1, to=to, lines=("x",)))
    assert scene.child.done(1).outcome is Outcome.REFUSED


def test_a_channel_that_lets_us_not_in_is_refused_with_its_reason(scene: Scene) -> None:
    scene.ann.raw("JOIN #closed")
    scene.ann.raw("MODE #closed +in")
    scene.ann.raw("NAMES #closed")
    until(lambda: any(" 366 ann #closed " in line for line in scene.ann.lines))
    scene.child.say(Send(id=1, to="#closed", lines=("x",)))
    done = scene.child.done(1)
    assert done.outcome is Outcome.REFUSED
    assert "we are not invited" in done.reason


def test_a_private_message_goes_to_the_one_who_is_meant_and_to_no_other(scene: Scene) -> None:
    scene.ann.say("crow", "hello")
    person = scene.child.heard("hello").person
    scene.child.say(Send(id=1, to=person, is_person=True, lines=("for ann",)))
    assert scene.child.done(1).outcome is Outcome.SENT
    scene.ann.sees("for ann")
    scene.child.say(Send(id=2, to="ann!~ann@elsewhere", is_person=True, lines=("for another ann",)))
    assert scene.child.done(2).outcome is Outcome.REFUSED
    scene.child.say(Send(id=3, to="bob-account", is_person=True, lines=("for bob",)))
    assert scene.child.done(3).outcome is Outcome.LATER
    assert scene.ann.messages() == ["for ann"]


def test_it_comes_back_soon_after_the_server_was_killed(
    tmp_path: Path, opened: Opened, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Ngircd(tmp_path_factory.mktemp("mortal"))
    try:
        child = opened(
            RawChild(tmp_path, server="127.0.0.1", port=server.port, tls=False, channels=("#ops",))
        )
        child.is_in("#ops")
        server.kill()
        until(lambda: not child.all(State)[-1].is_connected)
        child.say(Send(id=1, to="#ops", lines=("not lost",)))
        assert child.done(1).outcome is Outcome.LATER
        server.start()
        child.is_in("#ops")
        child.say(Send(id=2, to="#ops", lines=("here again",)))
        assert child.done(2).outcome is Outcome.SENT
    finally:
        server.kill()


@pytest.mark.parametrize(
    "command", ["repos", "plugin activate X", "restart", "help", "status", "config", "!", "1"]
)
def test_no_command_of_errbot_exists(scene: Scene, command: str) -> None:
    scene.ann.say("crow", f"!{command}")
    assert scene.child.heard(f"!{command}")
    scene.child.say(Send(id=1, to="#ops", lines=("all that was said",)))
    assert scene.child.done(1).outcome is Outcome.SENT
    scene.ann.sees("all that was said", "#ops")
    assert scene.ann.messages() == []


def test_it_ends_with_the_server(ngircd: Ngircd, tmp_path: Path, opened: Opened) -> None:
    child = opened(RawChild(tmp_path, server="127.0.0.1", port=ngircd.port, tls=False))
    until(lambda: bool(child.all(State)))
    assert child.hang_up() == 0


def test_a_nickname_that_is_taken_is_varied(ngircd: Ngircd, tmp_path: Path, opened: Opened) -> None:
    opened(IrcPerson(ngircd, "raven"))
    child = opened(RawChild(tmp_path, nickname="raven", server="127.0.0.1", port=ngircd.port, tls=False))
    until(lambda: bool(child.all(State)) and child.all(State)[-1].is_connected)
    assert child.all(State)[-1].nickname == "raven_"
