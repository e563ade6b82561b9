"""Two workspaces: one server, and a chat for each."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
import yaml

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from tests.bot.adapters.slack.conftest import SlackHouse, slack_settings


class Both(SlackHouse):
    second = ""
    """The id of the other workspace."""


@pytest.fixture(scope="module")
def both(town: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    second = town.add_team("Second")
    town.add_user("zoe", team=second)
    town.add_channel("second-ops", team=second)
    tokens = {"bot_token": town.bot_token_of(second), "app_token": town.app_of(second).token}
    (folder / "second.yaml").write_text(yaml.safe_dump(tokens), encoding="utf-8")
    settings = slack_settings(folder, town, workspaces={"second": "second.yaml"})
    house = Both(replace(settings, root=folder), town)
    house.second = second
    try:
        town.wait_for(lambda: town.socket_count >= 4)
        yield house
    finally:
        house.stop()


def has_answer(slack: Emulator, message: Seen, words: str) -> bool:
    return any(words in one.plain and one.user != message.user for one in slack.thread(message))


def test_a_command_is_answered_in_its_workspace(both: Both) -> None:
    slack = both.slack
    asked = [slack.say("zoe", "second-ops", f"!echo echo second {number}") for number in range(2)]
    asked += [slack.say("ann", "ops", f"!echo echo first {number}") for number in range(2)]
    for message in asked:
        words = message.text.removeprefix("!echo echo ")
        slack.wait_for(partial(has_answer, slack, message, words))
        assert len(slack.thread(message)) == 2


def test_an_app_in_both_may_be_told_of_one_over_a_socket_of_the_other(both: Both) -> None:
    slack = both.slack
    said = slack.say_raw("zoe", "second-ops", "hello")
    event = {
        "type": "message",
        "channel_type": "channel",
        "channel": said.channel,
        "user": said.user,
        "ts": said.ts,
        "text": "!echo echo by the other socket",
    }
    payload = {
        "type": "event_callback",
        "team_id": both.second,
        "api_app_id": slack.app_id,
        "event_id": "EvOTHER",
        "event": event,
    }
    assert not slack.deliver("events_api", payload).is_lost
    slack.wait_for(lambda: [one for one in slack.thread(said) if "by the other socket" in one.plain])


def test_how_a_chat_stands_is_said_by_the_api(both: Both) -> None:
    states = both.http.get(f"{both.url}/v1/chats", timeout=30).json()
    for state in states:
        assert state["is_up"]
        assert state["trouble"] == ""
    abouts = {state["name"]: state["about"] for state in states}
    assert abouts["slack"].startswith("2 of 2 sockets")
    assert abouts["slack-second"].startswith("2 of 2 sockets")
