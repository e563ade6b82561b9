"""Slack answers late, badly, twice or not at all: nothing is lost, and nothing is said or done twice."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from bot.slack_emulator.seen import Seen
from bot.slack_emulator.trouble import Trouble
from tests.bot.adapters.slack.conftest import SlackHouse, runs_of

FAULTS: dict[str, Callable[[Trouble, str], object]] = {
    "429 with Retry-After": lambda trouble, method: trouble.limit_rate(method, retry_after_s=1),
    "429 by its code": lambda trouble, method: trouble.fail(method, "ratelimited"),
    "500": lambda trouble, method: trouble.answer_status(method, 500),
    "503": lambda trouble, method: trouble.answer_status(method, 503),
    "fatal_error": lambda trouble, method: trouble.fail(method, "fatal_error"),
    "done, and the connection is closed": lambda trouble, method: trouble.swallow(method),
    "done, and the connection is reset": lambda trouble, method: trouble.reset_answer(method),
    "done, and answered late": lambda trouble, method: trouble.delay(method, 1.0),
    "several of them": lambda trouble, method: [
        trouble.swallow(method),
        trouble.answer_status(method, 500),
        trouble.limit_rate(method),
        trouble.reset_answer(method),
    ],
}


def check_one_answer(house: SlackHouse, message: Seen) -> None:
    """What is sent twice comes after what is sent once: the next answer is there, and no second one."""
    house.said("bob", message.channel, "!echo echo the next one", has="the next one")
    (answer,) = house.answers_to(message)
    assert "succeeded" in answer.plain


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_is_posted_once(slack_house: SlackHouse, fault: str) -> None:
    channel = slack_house.channel()
    FAULTS[fault](slack_house.slack.trouble, "chat.postMessage")
    message = slack_house.slack.say("ann", channel, "!echo echo only once")
    slack_house.until(message, has="only once")
    check_one_answer(slack_house, message)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("503", "fatal_error")])
def test_an_acknowledgement_becomes_the_result(slack_house: SlackHouse, fault: str) -> None:
    channel = slack_house.channel()
    message = slack_house.slack.say("ann", channel, "!echo sleep 1; echo the end")
    slack_house.until(message, has="running", is_final=False)
    FAULTS[fault](slack_house.slack.trouble, "chat.update")
    slack_house.until(message, has="succeeded")
    check_one_answer(slack_house, message)


@pytest.mark.parametrize("fault", ["500", "429 with Retry-After", "done, and the connection is closed"])
def test_who_speaks_is_asked_until_slack_says_it(slack_house: SlackHouse, fault: str) -> None:
    channel = slack_house.channel()
    slack_house.slack.add_user(f"new-{fault[:3]}")
    slack_house.slack.join(f"new-{fault[:3]}", channel)
    FAULTS[fault](slack_house.slack.trouble, "users.info")
    message = slack_house.slack.say(f"new-{fault[:3]}", channel, "!echo echo hello")
    slack_house.until(message, has="hello")
    check_one_answer(slack_house, message)


def test_what_slack_finds_too_long_is_said_shorter(slack_house: SlackHouse) -> None:
    channel = slack_house.channel()
    slack_house.slack.trouble.fail("chat.postMessage", "msg_too_long")
    (answer,) = slack_house.said("ann", channel, "!echo echo still said", has="still said")
    assert "still said" in answer.plain


def test_blocks_that_slack_refuses_become_words(slack_house: SlackHouse) -> None:
    channel = slack_house.channel()
    slack_house.slack.trouble.fail("chat.postMessage", "invalid_blocks", times=2)
    (answer,) = slack_house.said("ann", channel, "!echo echo in words", has="in words")
    assert not answer.blocks


@pytest.mark.parametrize("code", ["is_archived", "channel_not_found", "not_in_channel", "restricted_action"])
def test_a_message_that_slack_never_takes_holds_up_no_other(
    slack_house: SlackHouse, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = slack_house.channel()
    slack_house.slack.trouble.fail("chat.postMessage", code)
    slack_house.slack.say("ann", channel, "!echo echo refused")
    slack_house.slack.wait_for(lambda: ("chat.postMessage", code) in slack_house.slack.calls())
    slack_house.said("ann", channel, "!echo echo afterwards", has="afterwards")
    assert f"Slack says {code}: " in caplog.text


def test_a_file_that_was_cut_off_is_there_once(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack_house.said("ann", channel, "!echo seq 1 20000", has="more lines")
    slack.trouble.swallow("files.completeUploadExternal")
    message = slack.say("ann", channel, "!output last")
    slack.wait_for(lambda: [file for one in slack_house.answers_to(message) for file in one.files])
    slack_house.said("bob", channel, "!echo echo the next one", has="the next one")
    found = slack_house.answers_to(message)
    assert len([file for one in found for file in one.files]) == 1
    assert len([one for one in found if one.plain]) <= 2


# what Slack delivers


def test_what_comes_twice_is_one_command(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack.trouble.duplicate(2)
    message = slack.say("ann", channel, "!echo echo twice over")
    slack_house.until(message, has="twice over")
    check_one_answer(slack_house, message)
    assert len(runs_of(slack_house, "echo echo twice over")) == 1


def test_an_acknowledgement_that_gets_lost_is_no_second_command(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack.trouble.lose_acknowledgements(1)
    message = slack.say("ann", channel, "!echo echo lost ack")
    slack_house.until(message, has="lost ack")
    slack.wait_for(lambda: any(len(one.attempts) > 1 for one in slack.deliveries("message")))
    check_one_answer(slack_house, message)
    assert len(runs_of(slack_house, "echo echo lost ack")) == 1


def test_a_slash_command_that_comes_twice_runs_once(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack.trouble.duplicate(1)
    slack.command("ann", channel, "/crow echo echo slashed")
    slack.wait_for(lambda: runs_of(slack_house, "echo echo slashed"))
    slack_house.said("ann", channel, "!echo echo later", has="later")
    assert len(runs_of(slack_house, "echo echo slashed")) == 1


def test_messages_that_come_in_another_order_are_each_answered(slack_house: SlackHouse) -> None:
    slack, channel = slack_house.slack, slack_house.channel()
    slack.trouble.reorder(3)
    messages = [slack.say("ann", channel, f"!echo echo number {number}") for number in range(3)]
    for number, message in enumerate(messages):
        slack_house.until(message, has=f"number {number}")
        assert len(slack_house.answers_to(message)) == 1


def test_many_commands_at_once_are_each_acknowledged_and_answered_once(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    channels = [slack_house.channel() for _ in range(10)]
    messages = [slack.say("ann", channel, f"!echo echo to {channel}") for channel in channels for _ in "123"]
    for message in messages:
        slack_house.until(message, has="succeeded")
    assert all(len(slack_house.answers_to(message)) == 1 for message in messages)
    assert not any(one.is_lost for one in slack.deliveries())


def test_without_a_database_nothing_is_acknowledged(slack_house: SlackHouse) -> None:
    """Slack delivers it again, and then it is one command."""
    slack, channel, database = slack_house.slack, slack_house.channel(), slack_house.engine.database
    may_go_on, is_held = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        is_held.set()
        may_go_on.wait(90)

    held = database.submit(hold)
    assert is_held.wait(60)
    message = slack.say("ann", channel, "!echo echo after the wait")
    try:
        slack.wait_for(lambda: [one for one in slack.deliveries("message") if len(one.attempts) > 1])
    finally:
        may_go_on.set()
        held.result(60)
    slack_house.until(message, has="after the wait")
    check_one_answer(slack_house, message)
    assert len(runs_of(slack_house, "echo echo after the wait")) == 1
