"""A Slack with some people and two channels."""

from collections.abc import Iterator

import pytest

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.switches import Timing


@pytest.fixture
def slack() -> Iterator[Emulator]:
    # Slack's own limits are too short for a machine that is busy with something else.
    with Emulator(timing=Timing(ack_s=30.0, trigger_s=60.0)) as made:
        made.add_user("ada", email="ada@crow.example")
        made.add_user("ben", email="ben@crow.example")
        made.add_channel("ops")
        made.add_channel("quiet", members=["ada"], with_bot=False)
        yield made
