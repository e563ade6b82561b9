"""Two workspaces: one server, a chat for each, and nothing of one is heard in the other."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from bot.slack_emulator.emulator import Emulator
from tests.bot.adapters.slack.conftest import SlackHouse, slack_settings


@pytest.fixture(scope="module")
def both(town: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    """One app in both: its sockets bring what is for either."""
    folder = tmp_path_factory.mktemp("both")
    second = town.add_team("Second")
    town.add_user("zoe", team=second)
    town.add_channel("second-ops", team=second)
    tokens = {"bot_token": town.bot_token_of(second), "app_token": town.app_token}
    (folder / "second.yaml").write_text(yaml.safe_dump(tokens), encoding="utf-8")
    settings = slack_settings(folder, town, workspaces={"second": "second.yaml"})
    house = SlackHouse(replace(settings, root=folder), town)
    try:
        town.wait_for(lambda: town.socket_count >= 4)
        yield house
    finally:
        house.stop()


def test_a_command_is_answered_in_its_workspace_whatever_socket_brings_it(both: SlackHouse) -> None:
    slack = both.slack
    # One after the other over each of the four sockets.
    asked = [slack.say("zoe", "second-ops", f"!echo echo second {number}") for number in range(4)]
    asked += [slack.say("ann", "ops", f"!echo echo first {number}") for number in range(4)]
    for message in asked:
        words = message.text.removeprefix("!echo echo ")
        slack.wait_for(
            lambda message=message, words=words: [  # type: ignore[misc]
                one for one in slack.thread(message) if words in one.plain and one.user != message.user
            ]
        )
        assert len(slack.thread(message)) == 2


def test_how_a_chat_stands_is_said_by_the_api(both: SlackHouse) -> None:
    states = both.http.get(f"{both.url}/v1/chats", timeout=10).json()
    for state in states:
        assert state["is_up"]
        assert state["trouble"] == ""
    abouts = {state["name"]: state["about"] for state in states}
    assert abouts["slack"].startswith("2 of 2 sockets")
    assert abouts["slack-second"].startswith("2 of 2 sockets")
