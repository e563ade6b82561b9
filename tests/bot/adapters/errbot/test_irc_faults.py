"""IRC when something breaks: the server, the child, the network; nothing lost, nothing done twice.

What a person says while nobody of us is connected, IRC keeps for nobody; and of lines that were under way
when a connection broke, the last few may stand there twice. All else is told once.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.servers import IrcPerson, Ngircd, until
from tests.bot.adapters.errbot.site import ChatHouse, irc_settings
from tests.bot.asking import QUESTIONS
from tests.durability.server import Server

ALIASES: dict[str, dict[str, Any]] = {
    "run": {"action_ref": "core.local", "formats": ["run {{cmd}}"]},
    "ask_form": {
        "action_ref": "core.ask",
        "formats": ["ask form"],
        "immutable_parameters": {**QUESTIONS["form"], "users": []},
    },
}


@pytest.fixture
def irc(tmp_path_factory: pytest.TempPathFactory, opened: Opened) -> Iterator[Ngircd]:
    """A server of its own, that a test may kill."""
    made = Ngircd(tmp_path_factory.mktemp("irc"))
    try:
        yield made
    finally:
        opened.close()
        made.kill()


@pytest.fixture
def server(irc: Ngircd, tmp_path: Path) -> Iterator[Server]:
    """Stormcrow as a process, in #ops."""
    network = {
        "server": "127.0.0.1",
        "port": irc.port,
        "tls": False,
        "nickname": "crow",
        "channels": ["#ops"],
        "lines_per_s": 100,
    }
    files = {
        f"aliases/{name}.yaml": yaml.safe_dump(
            {"name": name, "description": f"Test {name}.", **alias}, sort_keys=False
        )
        for name, alias in ALIASES.items()
    }
    made = Server(
        tmp_path,
        files={**files, "irc.yaml": yaml.safe_dump(network)},
        settings={"errbot": {"networks": {"irc": "irc.yaml"}}, "content": {"aliases": "aliases"}},
    )
    try:
        start(made)
        yield made
    finally:
        made.close()


def start(server: Server) -> None:
    """Wait longer than a quick machine needs: it starts Errbot as well."""
    server.spawn()
    until(server.is_ready, timeout_s=60)


def test_a_command_that_runs_while_the_server_is_killed_is_answered_once(
    irc: Ngircd, server: Server, tmp_path: Path, opened: Opened
) -> None:
    ann = opened(IrcPerson(irc, "ann", "#ops"))
    ann.sees_member("crow", "#ops")
    ann.say("#ops", f"!run while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; echo it-is-done")
    ann.sees("Cancel: !cancel", "#ops")
    server.kill()
    ann.sees_no_member("crow", "#ops")
    (tmp_path / "go").touch()
    start(server)
    ann.sees("it-is-done", "#ops")
    ann.sees_member("crow", "#ops")
    ann.say("#ops", "!run echo the-end")
    ann.sees("the-end", "#ops")
    done = [one for one in ann.messages("#ops") if one == "it-is-done" or one.endswith("· it-is-done")]
    assert len(done) == 1


def test_a_form_goes_on_at_its_question_after_a_kill(irc: Ngircd, server: Server, opened: Opened) -> None:
    ann = opened(IrcPerson(irc, "ann", "#ops"))
    ann.sees_member("crow", "#ops")
    ann.say("#ops", "!ask form")
    word = ann.sees("!answer ", "#ops").partition("!answer ")[2][:6]
    ann.say("crow", f"answer {word}")
    ann.sees("(1/4) version")
    ann.say("crow", "1.42.0")
    ann.sees("(2/4) env")
    server.kill()
    ann.sees_no_member("crow", "#ops")
    start(server)
    ann.sees_member("crow", "#ops")
    ann.say("crow", "2")
    ann.sees("(3/4) pods")
    ann.say("crow", "-")
    ann.sees("(4/4) token")
    ann.say("crow", "-")
    ann.sees("Answered by ann", "#ops")
    ann.sees("version: 1.42.0", "#ops")


def test_a_result_that_comes_while_the_network_is_gone_is_told_when_it_is_back(
    irc: Ngircd, tmp_path: Path, opened: Opened
) -> None:
    house = opened(ChatHouse(irc_settings(tmp_path, irc)))
    ann = opened(IrcPerson(irc, "ann", "#ops"))
    ann.say("#ops", f"!echo while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; echo it-is-done")
    ann.sees("Cancel: !cancel", "#ops")
    irc.kill()
    until(lambda: not house.adapter.health().is_connected)
    (tmp_path / "go").touch()
    irc.start()
    again = opened(IrcPerson(irc, "ann", "#ops"))
    again.sees("it-is-done", "#ops")
    again.say("#ops", "!echo echo the-end")
    again.sees("the-end", "#ops")
    assert len([one for one in again.messages("#ops") if "it-is-done" in one]) == 1


def test_of_a_long_answer_nothing_is_missing_when_the_child_is_killed(
    irc: Ngircd, tmp_path: Path, opened: Opened
) -> None:
    settings = irc_settings(tmp_path, irc, lines_per_s=20, max_lines=100)
    house = opened(ChatHouse(settings))
    ann = opened(IrcPerson(irc, "ann", "#ops"))
    ann.say("#ops", "!echo seq 100 160")
    ann.sees("115", "#ops")
    os.kill(house.adapter.health().pid, signal.SIGKILL)
    wanted = [str(number) for number in range(100, 161)]
    until(lambda: "160" in ann.messages("#ops"), timeout_s=60)
    said = [one for one in ann.messages("#ops") if one.isdecimal()]
    assert list(dict.fromkeys(said)) == wanted
    # Lines that nobody had confirmed.
    assert len(said) <= len(wanted) + 10
