"""Commands on a real IRC server: the whole way from a line in a channel to the lines of its answer."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.servers import IrcPerson, Ngircd, until
from tests.bot.adapters.errbot.site import ChatHouse, irc_settings


@pytest.fixture(scope="module")
def house(ngircd: Ngircd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatHouse]:
    made = ChatHouse(irc_settings(tmp_path_factory.mktemp("house"), ngircd))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def ann(ngircd: Ngircd, house: ChatHouse, opened: Opened) -> IrcPerson:
    return opened(IrcPerson(ngircd, "ann", "#ops"))


def test_a_command_with_the_prefix_is_answered_in_its_channel(ann: IrcPerson) -> None:
    ann.say("#ops", "!echo echo hello")
    ann.sees("hello", "#ops")


def test_a_command_that_calls_the_bot_by_its_nickname_is_answered(ann: IrcPerson) -> None:
    ann.say("#ops", "crow: echo echo called")
    ann.sees("called", "#ops")


def test_a_direct_message_needs_no_prefix_and_is_answered_to_its_author_alone(
    ann: IrcPerson, ngircd: Ngircd, opened: Opened
) -> None:
    bob = opened(IrcPerson(ngircd, "bob", "#ops"))
    ann.say("crow", "echo echo between us")
    ann.sees("between us")
    assert not bob.messages("#ops")
    assert not ann.messages("#ops")


def test_what_is_no_command_is_left_alone(ann: IrcPerson) -> None:
    ann.say("#ops", "echo echo nothing")
    ann.say("#ops", "!echo echo something")
    ann.sees("something", "#ops")
    assert not any("nothing" in one for one in ann.messages("#ops"))


def test_a_short_command_is_one_line(ann: IrcPerson) -> None:
    ann.say("#ops", "!true")
    line = ann.sees("succeeded", "#ops")
    assert line.startswith("✓ core.local ")
    ann.say("#ops", "!echo echo next")
    ann.sees("next", "#ops")
    assert len([one for one in ann.messages("#ops") if "it said nothing" in one]) == 1


def test_a_command_that_takes_longer_is_acknowledged_first(ann: IrcPerson) -> None:
    ann.say("#ops", "!quiet sleep 0.6")
    ann.sees("quietly", "#ops")


def test_a_long_result_is_cut_and_the_rest_is_a_command(ann: IrcPerson) -> None:
    ann.say("#ops", "!echo seq 1 40")
    rest = ann.sees("more lines", "#ops")
    said = ann.messages("#ops")
    assert "15" in said
    assert "16" not in said
    ann.say("#ops", rest.partition(": ")[2])
    ann.sees("40", "#ops")


def test_data_cannot_act_on_the_connection_nor_forge_lines(ann: IrcPerson, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\x02bold\x01ACTION lies\x01\x0304red")
    ann.say("crow", f"echo cat {tmp_path}/data")
    said = ann.sees("bold")
    assert not set(said) & set("\x01\x02\x03")


def test_a_killed_child_comes_back_and_what_waited_is_said_once(ann: IrcPerson, house: ChatHouse) -> None:
    pid = house.adapter.health().pid
    ann.say("#ops", "!quiet sleep 1; echo done")
    ann.sees("quietly", "#ops")
    os.kill(pid, signal.SIGKILL)
    until(lambda: house.adapter.health().pid not in (0, pid))
    house.is_there()
    ann.say("#ops", "!echo echo alive")
    ann.sees("alive", "#ops")
    assert len([one for one in ann.messages("#ops") if "alive" in one]) == 1


def test_the_password_stands_in_no_argument_and_no_variable(
    ngircd: Ngircd, tmp_path: Path, opened: Opened
) -> None:
    house = opened(
        ChatHouse(
            irc_settings(
                tmp_path,
                ngircd,
                nickname="rook",
                channels=["#rooks"],
                login="nickserv",
                password="hush-hush-42",
            )
        )
    )
    process = Path(f"/proc/{house.adapter.health().pid}")
    assert b"hush-hush-42" not in (process / "cmdline").read_bytes()
    assert b"hush-hush-42" not in (process / "environ").read_bytes()


def test_what_a_command_lacks_is_asked_in_private(ann: IrcPerson) -> None:
    ann.say("#ops", "!echo")
    ann.sees("(1/")
    ann.say("crow", "echo now-complete")
    ann.sees("now-complete", "#ops")
