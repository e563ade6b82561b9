"""People and channels stand in Slack by name, whether or not anything makes them users of the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.slack_emulator.emulator import Emulator
from tests.bot.adapters.slack.conftest import SlackHouse, make_people, slack_settings
from tests.bot.adapters.slack.office import PATIENT, Office, buttons

NOBODY = "zoe"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Emulator(timing=PATIENT) as slack:
        slack.add_user(NOBODY)
        made = Office.new(tmp_path_factory.mktemp("office"), slack)
        try:
            yield made
        finally:
            made.stop()


def test_who_asks_and_who_answers_are_mentioned(office: Office) -> None:
    asked = office.ask("private", by=NOBODY)
    zoe = office.slack.say(NOBODY, asked.channel, "hello").user
    assert f"asked by  <@{zoe}>" in asked.plain
    office.slack.click(NOBODY, asked, "Yes")
    office.slack.wait_for(lambda: not buttons(office.now(asked)))
    assert f"Answered yes by <@{zoe}>" in office.now(asked).plain
    assert f"slack.{office.slack.team}" not in office.now(asked).plain


def test_a_refusal_names_the_channel(tmp_path: Path) -> None:
    (tmp_path / "rbac").mkdir()
    (tmp_path / "rbac" / "limits.yaml").write_text(
        "limits:\n  - actions: [core.local]\n    channels: ['#elsewhere']\n", encoding="utf-8"
    )
    with Emulator(timing=PATIENT) as slack:
        make_people(slack)
        house = SlackHouse(slack_settings(tmp_path, slack), slack)
        try:
            message = slack.say("ann", "ops", "!echo hello")
            said = slack.wait_for(lambda: slack.ephemerals("ann", "ops"))[-1].plain
            assert f"only in #elsewhere, not in <#{message.channel}>" in said
            assert "slack:" not in said
        finally:
            house.stop()
