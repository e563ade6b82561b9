"""A Slack with some people and two channels."""

from collections.abc import Iterator

import pytest

from bot.slack_emulator.emulator import Emulator


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator() as made:
        made.add_user("ada", email="ada@crow.example")
        made.add_user("ben", email="ben@crow.example")
        made.add_channel("ops")
        made.add_channel("quiet", members=["ada"], with_bot=False)
        yield made
