"""The server is killed between every two steps of a command from Slack; all of it is done, and once."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from bot.slack_emulator.switches import Timing
from bot.slack_emulator.trouble import Trouble
from tests.durability.ledger import assert_sound, ledger_files, ledger_of
from tests.durability.server import START_S, Server, wait_until
from tests.durability.test_crash_points import killed_at

# Slack's own pauses between two deliveries are a minute and five.
OFTEN = Timing(ack_s=1.0, retries_s=(0.5,) * 100)
LIMIT_S = 90.0


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator(timing=OFTEN) as made:
        made.add_user("ann")
        made.add_channel("ops")
        yield made


@pytest.fixture
def server(slack: Emulator, tmp_path: Path) -> Iterator[Server]:
    section = {"bot_token": slack.bot_token, "app_token": slack.app_token, "base_url": slack.url}
    made = Server(tmp_path, files=ledger_files(tmp_path), settings={"slack": section})
    try:
        yield made
    finally:
        made.close()


class Place:
    """#ops, as ann sees it."""

    def __init__(self, slack: Emulator, server: Server) -> None:
        self.slack = slack
        self.server = server

    def answers(self, message: Seen) -> list[Seen]:
        return [one for one in self.slack.thread(message) if one.user == self.slack.bot_user]

    def is_done(self, message: Seen, number: int) -> bool:
        words = (f"appended {number}", "succeeded")
        return any(all(word in one.plain for word in words) for one in self.answers(message))

    def until(self, is_so: Callable[[], object]) -> None:
        self.slack.wait_for(is_so, timeout_s=LIMIT_S)

    def check(self, message: Seen, number: int) -> None:
        """One answer with the result, one execution, one effect."""
        self.until(lambda: self.is_done(message, number))
        # What is posted twice comes before what is asked for afterwards.
        last = self.slack.say("ann", "ops", "!append 99")
        self.until(lambda: self.is_done(last, 99))
        assert len(self.answers(message)) == 1
        numbers = [one["parameters"]["number"] for one in self.server.executions()]
        assert sorted(numbers) == sorted([number, 99])
        assert ledger_of(self.server.folder) == {number: 1, 99: 1}


FOR_EVER = 1000


def nothing(_trouble: Trouble) -> None:
    pass


MOMENTS: dict[str, tuple[Callable[[Trouble], None], Callable[[Place, Seen], object]]] = {
    "before we know who speaks": (
        lambda trouble: trouble.delay("users.info", FOR_EVER),
        lambda place, _message: place.slack.calls("users.info"),
    ),
    "before the acknowledgement is posted": (
        lambda trouble: trouble.fail("chat.postMessage", "internal_error", times=FOR_EVER),
        lambda place, _message: place.server.executions(),
    ),
    "when it is posted, and we do not know it": (
        lambda trouble: trouble.delay("chat.postMessage", FOR_EVER),
        lambda place, message: place.answers(message),
    ),
    "while the action runs": (nothing, lambda place, message: place.answers(message)),
    "before the result is there": (
        lambda trouble: trouble.fail("chat.update", "internal_error", times=FOR_EVER),
        lambda place, _message: ledger_of(place.server.folder),
    ),
    "when the result is there, and we do not know it": (
        lambda trouble: trouble.delay("chat.update", FOR_EVER, times=FOR_EVER),
        lambda place, message: [one for one in place.answers(message) if "appended" in one.plain],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_command_survives_a_kill(slack: Emulator, server: Server, moment: str) -> None:
    arm, has_come = MOMENTS[moment]
    place = Place(slack, server)
    server.start()
    place.until(lambda: slack.socket_count)
    arm(slack.trouble)
    message = slack.say("ann", "ops", "!append 7 after 1.5")
    place.until(lambda: has_come(place, message))
    server.kill()
    slack.trouble.clear()
    server.start()
    place.check(message, 7)
    assert server.terminate() == 0
    assert_sound(server.folder)


@pytest.mark.slow
def test_what_is_said_while_no_server_runs_is_done_by_the_next(slack: Emulator, server: Server) -> None:
    place = Place(slack, server)
    server.start()
    place.until(lambda: slack.socket_count)
    server.kill()
    message = slack.say("ann", "ops", "!append 7")
    server.start()
    place.check(message, 7)


@pytest.mark.slow
def test_a_slash_command_that_was_acknowledged_is_done(slack: Emulator, server: Server) -> None:
    """Slack never delivers it again."""
    place = Place(slack, server)
    server.start()
    place.until(lambda: slack.socket_count)
    slack.trouble.delay("conversations.info", FOR_EVER)
    slack.trouble.delay("users.info", FOR_EVER)
    delivery = slack.command("ann", "ops", "/crow append 7")
    assert not delivery.is_lost
    server.kill()
    slack.trouble.clear()
    server.start()
    place.until(lambda: [one for one in slack.messages("ops") if "appended 7" in one.plain])
    assert ledger_of(server.folder) == {7: 1}
    assert len([one for one in slack.messages("ops") if one.user == slack.bot_user]) == 1


class Lives:
    """`append 1`, `append 2` ..., each in a channel of its own, over several lives of a server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.messages: dict[int, Seen] = {}

    def until_death(self, under: Sequence[str]) -> None:
        """Say one command after the other until the server dies of it."""
        slack, server = self._place.slack, self._place.server
        process = server.spawn(under=under)
        wait_until(lambda: server.is_process_alive() or process.poll() is not None)
        # It may die before it is in Slack.
        wait_until(lambda: slack.socket_count or not server.is_process_alive(), timeout_s=START_S)
        give_up_at = time.monotonic() + LIMIT_S
        while server.is_process_alive():
            assert time.monotonic() < give_up_at, f"it lives: {under}"
            self._say_next()
            time.sleep(0.3)
        server.kill_all()

    def _say_next(self) -> None:
        number = len(self.messages) + 1
        channel = self._place.slack.add_channel(f"room-{number}")
        self.messages[number] = self._place.slack.say("ann", channel, f"!append {number}")


@pytest.mark.slow
def test_a_kill_in_any_commit_loses_no_message_of_slack(slack: Emulator, server: Server) -> None:
    place = Place(slack, server)
    lives = Lives(place)
    server.start()
    server.kill()
    # Of the commits after a start: the delivery, the request, the claim, the posts, the result.
    for number in (2, 4, 5, 6, 7, 9):
        lives.until_death(killed_at("fsync", number))
    assert lives.messages
    server.start()
    for number, message in lives.messages.items():
        place.until(partial(place.is_done, message, number))
    assert ledger_of(server.folder) == dict.fromkeys(lives.messages, 1)
    last = slack.say("ann", "ops", "!append 99")
    place.until(partial(place.is_done, last, 99))
    assert all(len(place.answers(message)) == 1 for message in lives.messages.values())
    assert server.terminate() == 0
    assert_sound(server.folder)
