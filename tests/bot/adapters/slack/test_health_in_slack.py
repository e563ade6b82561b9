"""Slack that is away: `/readyz` and the metrics say so, and that it is back."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from bot.slack_emulator.emulator import Emulator
from tests.bot.adapters.slack.conftest import SlackHouse, make_people, slack_settings
from tests.engine.metrics.scraping import Scrape
from tests.engine.world import wait_until


def test_slack_that_is_away_makes_the_server_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("engine.health.FRESH_S", "engine.metrics.board.FRESH_S"):
        monkeypatch.setattr(name, -1.0)
    monkeypatch.setattr("engine.health.DEADLINE_S", 30.0)
    monkeypatch.setattr("engine.api.health._LONGEST_S", 60.0)
    with ExitStack() as opened:
        with Emulator() as slack:
            make_people(slack)
            house = SlackHouse(slack_settings(tmp_path, slack, sockets=1), slack)
            opened.callback(house.stop)
            wait_until(lambda: _status(house) == 200, timeout_s=60)
            assert _up(house) == (1, 1, 1)
        wait_until(lambda: _status(house) == 503, timeout_s=60)
        checks = requests.get(f"{house.url}/readyz", timeout=30).json()["checks"]
        check = next(one for one in checks if one["name"] == "chat slack")
        assert "not connected" in check["text"]
        assert check["hint"] == "stormcrow doctor slack"
        assert _up(house) == (0, 0, 1)


def _status(house: SlackHouse) -> int:
    return requests.get(f"{house.url}/readyz", timeout=30).status_code


def _up(house: SlackHouse) -> tuple[float, float, float]:
    found = Scrape(requests.get(f"{house.url}/metrics", timeout=30).text)
    names = ("chat_up", "chat_connections", "chat_connections_wanted")
    up, open_, wanted = (found.value(f"stormcrow_{name}", chat="slack") for name in names)
    return up, open_, wanted
