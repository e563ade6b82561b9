"""What names no chat is said where people are: in Slack, unless the settings name another."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.slack_emulator.emulator import Emulator
from engine.notices import Notice
from tests.bot.adapters.slack.conftest import SlackHouse, make_people, slack_settings


def test_a_notice_without_a_chat_is_said_in_slack(slack_house: SlackHouse) -> None:
    slack_house.engine.tell(Notice(key="one", channel="ops", text="disk is full"))
    slack = slack_house.slack
    slack.wait_for(lambda: any("disk is full" in one.plain for one in slack.messages("ops")))


def test_the_settings_may_name_another_chat(tmp_path: Path) -> None:
    with Emulator() as slack:
        make_people(slack)
        settings = slack_settings(tmp_path, slack)
        settings = replace(settings, chat=replace(settings.chat, first="web"))
        house = SlackHouse(settings, slack)
        try:
            house.engine.tell(Notice(key="one", channel="ops", text="disk is full"))
            house.engine.tell(Notice(key="two", channel="slack#ops", text="disk is fine"))
            house.wait_for(lambda: "disk is full" in json.dumps(house.messages("ops")))
            slack.wait_for(lambda: any("disk is fine" in one.plain for one in slack.messages("ops")))
            assert not any("disk is full" in one.plain for one in slack.messages("ops"))
        finally:
            house.stop()


def test_a_chat_that_does_not_run_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Emulator() as slack:
        make_people(slack)
        settings = slack_settings(tmp_path, slack)
        settings = replace(settings, chat=replace(settings.chat, first="irc"))
        house = SlackHouse(settings, slack)
        house.stop()
    assert "there is no chat 'irc'" in caplog.text
