"""An alert is one message in Slack, with buttons that act on it."""

import pytest

from bot.slack_emulator.seen import Seen
from engine.alerts.normalise import normalise
from engine.records.trigger import Event
from tests.bot.adapters.slack.conftest import SlackHouse
from tests.engine.alerts import samples


def fire(house: SlackHouse, instance: str) -> Seen:
    """The alert's message in #ops."""
    (alert,) = normalise("alertmanager", samples.alertmanager(instance=instance), {})
    house.engine.emit(Event(trigger="alerts.alert", payload=alert.payload()))
    found = house.slack.wait_for(
        lambda: [one for one in house.slack.messages("ops") if instance in one.plain]
    )
    return found[0]


def test_an_alert_stands_in_the_channel_with_its_buttons(slack_house: SlackHouse) -> None:
    labels = {button.label for button in fire(slack_house, "db-one").buttons}
    assert "Ack" in labels
    assert any(label.startswith("Silence") for label in labels)


@pytest.mark.parametrize("presses", [1, 2])
def test_a_press_acknowledges_it_in_the_same_message(slack_house: SlackHouse, presses: int) -> None:
    slack = slack_house.slack
    message = fire(slack_house, f"db-{presses}0")
    for _ in range(presses):
        slack.click("ann", message, "Ack", is_awaited=False)
    slack.wait_for(lambda: f"acknowledged by <@{ann(slack_house)}>" in slack.message(message).plain)
    assert f"slack.{slack.team}" not in slack.message(message).plain
    assert len([one for one in slack.messages("ops") if f"db-{presses}0" in one.plain]) == 1


def ann(house: SlackHouse) -> str:
    """Her id."""
    return house.slack.say("ann", "ops", "hello").user
