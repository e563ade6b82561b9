"""Sockets end in every way; what is said next is heard all the same."""

from collections.abc import Callable

import pytest

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.switches import Timing
from bot.slack_emulator.trouble import Trouble
from tests.bot.adapters.slack.conftest import SlackHouse

ENDINGS: dict[str, Callable[[Trouble], object]] = {
    "refreshed": lambda trouble: trouble.refresh_sockets(),
    "closed": lambda trouble: trouble.close_sockets(),
    "reset": lambda trouble: trouble.reset_sockets(),
    "one of them closed": lambda trouble: trouble.close_sockets(1),
    "one of them reset": lambda trouble: trouble.reset_sockets(1),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_said_after_the_end_of_sockets_is_heard(slack_house: SlackHouse, ending: str) -> None:
    channel = slack_house.channel()
    ENDINGS[ending](slack_house.slack.trouble)
    (answer,) = slack_house.said("ann", channel, "!echo echo here", has="here")
    assert "succeeded" in answer.plain
    slack_house.slack.wait_for(lambda: slack_house.adapter.health.sockets_up == 2)


def test_a_command_that_runs_while_its_socket_ends_is_answered_once(slack_house: SlackHouse) -> None:
    channel = slack_house.channel()
    message = slack_house.slack.say("ann", channel, "!echo sleep 1; echo survived")
    slack_house.slack.trouble.reset_sockets()
    slack_house.until(message, has="succeeded")
    assert len(slack_house.answers_to(message)) == 1


def test_sockets_that_say_nothing_more_are_replaced(slack_house: SlackHouse) -> None:
    """As when a cable is pulled: nobody is told, only pings are not answered."""
    channel = slack_house.channel()
    slack = slack_house.slack
    slack.trouble.set_timing(Timing(ack_s=0.5, retries_s=(2.0, 4.0, 4.0)))
    slack.trouble.deafen_sockets(1)
    messages = [slack.say("ann", channel, f"!echo echo number {number}") for number in range(2)]
    for number, message in enumerate(messages):
        slack_house.until(message, has=f"number {number}")
    slack.trouble.set_timing(Timing())


def test_without_sockets_we_knock_until_we_are_let_in(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack.trouble.refuse_sockets()
    slack.trouble.reset_sockets()
    slack.wait_for(lambda: slack_house.adapter.health.trouble)
    message = slack.say("ann", channel, "!echo echo at last")
    slack.trouble.refuse_sockets(False)
    slack_house.until(message, has="at last")
    slack.wait_for(lambda: not slack_house.adapter.health.trouble)


def test_a_server_that_starts_without_slack_is_there_when_slack_is(
    slack: Emulator, house_in: Callable[[Emulator], SlackHouse]
) -> None:
    slack.trouble.answer_status("auth.test", 503, times=2)
    slack.trouble.answer_status("apps.connections.open", 500, times=2)
    house = house_in(slack)
    house.said("ann", "ops", "!echo echo good morning", has="good morning")
    slack.wait_for(lambda: not house.adapter.health.trouble)


def test_a_token_that_was_revoked_is_said(
    slack: Emulator, house_in: Callable[[Emulator], SlackHouse]
) -> None:
    house = house_in(slack)
    slack.revoke_token()
    message = slack.say("ann", "ops", "!echo echo unheard")
    slack.wait_for(lambda: "xoxb" in house.adapter.health.trouble or "token" in house.adapter.health.trouble)
    assert not house.answers_to(message)
