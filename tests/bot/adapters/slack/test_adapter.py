"""Commands in Slack, from the words to the result."""

import pytest

from bot.slack_emulator.seen import Seen
from tests.bot.adapters.slack.conftest import SlackHouse, runs_of


def test_a_message_with_the_prefix_becomes_a_command_and_its_result(slack_house: SlackHouse) -> None:
    (answer,) = slack_house.said("ann", "ops", "!echo echo hello", has="hello")
    assert "succeeded" in answer.plain


def test_the_acknowledgement_is_edited_into_the_result(slack_house: SlackHouse) -> None:
    message = slack_house.slack.say("ann", "ops", "!echo sleep 2; echo done at last")
    (answer,) = slack_house.until(message, has="succeeded")
    assert "running" in answer.earlier[0]


@pytest.mark.parametrize(
    "words", ["@stormcrow echo echo hi", "@stormcrow, !echo echo hi", "  @stormcrow: echo echo hi"]
)
def test_a_mention_is_a_command(slack_house: SlackHouse, words: str) -> None:
    (answer,) = slack_house.said("ann", "ops", words, has="hi")
    assert "succeeded" in answer.plain


def test_a_mention_that_comes_as_two_events_is_one_command(slack_house: SlackHouse) -> None:
    message = slack_house.slack.say("bob", "ops", "@stormcrow echo echo once")
    slack_house.until(message, has="once")
    slack_house.said("bob", "ops", "!echo echo afterwards", has="afterwards")
    assert len(slack_house.answers_to(message)) == 1
    assert len(runs_of(slack_house, "echo echo once")) == 1


def test_a_direct_message_needs_no_prefix(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    message = slack.say("ann", "@stormcrow", "echo echo just us")
    slack.wait_for(
        lambda: [one for one in slack.thread(message) if "just us" in one.plain and one != message]
    )


def test_a_slash_command_is_answered_in_its_channel(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    delivery = slack.command("ann", "ops", "/crow echo echo from the slash")
    assert delivery.acked_after_s is not None
    slack.wait_for(lambda: [one for one in slack.messages("ops") if "from the slash" in one.plain])


def test_what_is_typed_reaches_the_command_as_it_is_seen(slack_house: SlackHouse) -> None:
    text = "!echo : <@{}> <#{}|ops> <https://e.com/?a=1&amp;b=2|the page> &lt;b&gt; \u201cq\u201d"
    slack = slack_house.slack
    first = slack.messages("ops")[0]
    message = slack.say_raw("ann", "ops", text.format(first.user, first.channel))
    slack_house.until(message)
    assert runs_of(slack_house, 'echo : @ann #ops the page <b> "q"')


def test_other_bots_and_our_own_messages_are_not_heard(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    if not any(one.user == "robot" for one in slack.messages("ops")):
        slack.add_user("robot", is_bot=True)
        slack.join("robot", "ops")
    theirs = slack.say_raw("robot", "ops", "!echo echo from a bot")
    slack_house.said("ann", "ops", "!echo echo !echo loop", has="!echo loop")
    slack_house.said("ann", "ops", "!echo echo after the bot", has="after the bot")
    assert not slack_house.answers_to(theirs)
    assert not runs_of(slack_house, "echo echo from a bot")
    assert not runs_of(slack_house, "echo loop")


def test_a_command_in_a_thread_is_answered_there(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    root = slack.say("bob", "ops", "something is slow")
    slack.say("ann", "ops", "!echo echo in the thread", thread=root)
    slack_house.until(root, has="in the thread")


def test_mentions_in_data_call_nobody(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    message = slack.say_raw("ann", "ops", "!echo echo '&lt;!channel&gt; &lt;@U000000003&gt; @here' .")
    (answer,) = slack_house.until(message, has="<!channel> <@U000000003> @here")
    assert set(answer.mentions) <= {f"@{message.user}"}


def test_long_output_is_a_file_in_the_thread(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    slack_house.said("ann", "ops", "!echo seq 1 20000", has="more lines")
    message = slack.say("ann", "ops", "!output last")

    def files() -> list[str]:
        return [file for one in slack_house.answers_to(message) for file in one.files]

    (file,) = slack.wait_for(files)
    assert b"19999" in slack.file(file)[1]


def test_a_stranger_of_a_shared_channel_is_refused_in_private(slack_house: SlackHouse) -> None:
    slack = slack_house.slack
    other = slack.add_team("Elsewhere", with_app=False)
    slack.add_user("eve", team=other)
    slack.add_channel("shared", members=["ann", "eve"], shared_with=[other])
    message: Seen = slack.say("eve", "shared", "!echo echo let me in")
    slack.wait_for(lambda: slack.ephemerals("eve"))
    assert not slack_house.answers_to(message)
    assert not runs_of(slack_house, "echo echo let me in")
