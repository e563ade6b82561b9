"""A message that somebody edits in Slack runs only when they say so."""

from bot.slack_emulator.seen import Seen
from tests.bot.adapters.slack.conftest import SlackHouse, runs_of


def question(house: SlackHouse, channel: str) -> Seen:
    """What ann alone is asked."""
    return house.slack.wait_for(
        lambda: [one for one in house.slack.ephemerals("ann", channel) if one.buttons]
    )[-1]


def test_an_edited_command_is_asked_about_and_not_run(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    message = slack.say("ann", channel, "!echo echo before")
    slack_house.until(message, has="before")
    slack.edit(message, "!echo echo edited")
    assert "echo echo edited" in question(slack_house, channel).plain
    slack_house.said("ann", channel, "!echo echo later", has="later")
    assert not runs_of(slack_house, "echo echo edited")
    assert len(slack_house.answers_to(message)) == 1


def test_a_yes_runs_what_was_edited_once(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    message = slack.say("ann", channel, "!echo echo one")
    slack_house.until(message, has="one")
    slack.edit(message, "!echo echo two")
    asked = question(slack_house, channel)
    for _ in range(2):
        slack.click("ann", asked, asked.buttons[0].label, is_awaited=False)
    slack.wait_for(lambda: runs_of(slack_house, "echo echo two"))
    slack_house.said("ann", channel, "!echo echo later", has="later")
    assert len(runs_of(slack_house, "echo echo two")) == 1
    # What came of it stands where the first answer stands.
    slack_house.until(message, count=2, has="two")


def test_a_preview_that_slack_adds_is_no_edit(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    message = slack.say("ann", channel, "!echo echo https://example.org/page")
    slack_house.until(message, has="example.org")
    event = {
        "type": "message",
        "subtype": "message_changed",
        "channel": message.channel,
        "channel_type": "channel",
        "message": {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "attachments": [{"title": "!echo echo from a page", "from_url": "https://example.org/page"}],
        },
        "previous_message": {"type": "message", "user": message.user, "ts": message.ts, "text": message.text},
    }
    payload = {
        "type": "event_callback",
        "team_id": slack.team,
        "api_app_id": slack.app_id,
        "event_id": "EvPREVIEW",
        "event": event,
    }
    assert not slack.deliver("events_api", payload).is_lost
    slack_house.said("ann", channel, "!echo echo later", has="later")
    assert not slack.ephemerals("ann", channel)
    assert not runs_of(slack_house, "echo echo from a page")


def test_nobody_edits_what_somebody_else_has_said(slack_house: SlackHouse) -> None:
    """An edit that its author has not made, as an app may send it, is nothing."""
    slack, channel = slack_house.slack, slack_house.channel()
    message = slack.say("ann", channel, "!echo echo mine")
    bob = slack.say("bob", channel, "hello").user
    slack_house.until(message, has="mine")
    event = {
        "type": "message",
        "subtype": "message_changed",
        "channel": message.channel,
        "channel_type": "channel",
        "message": {
            "user": message.user,
            "ts": message.ts,
            "text": "!echo echo not mine",
            "edited": {"user": bob, "ts": "1.2"},
        },
        "previous_message": {"user": message.user, "ts": message.ts, "text": message.text},
    }
    slack.deliver(
        "events_api",
        {
            "type": "event_callback",
            "team_id": slack.team,
            "api_app_id": slack.app_id,
            "event_id": "EvX",
            "event": event,
        },
    )
    slack_house.said("ann", channel, "!echo echo later", has="later")
    assert not slack.ephemerals("ann", channel)
