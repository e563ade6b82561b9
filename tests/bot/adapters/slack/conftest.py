"""A whole house in this process that is in a Slack of ours, and people there."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.slack.adapter import SlackAdapter
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from bot.slack_emulator.switches import Timing
from engine.records.execution import ExecutionFilter
from engine.settings import Settings
from engine.settings.chats import SlackSettings
from tests.bot.conftest import House, make_settings

# The machine may be slow.
LIMIT_S = 60.0
_PATIENT = Timing(ack_s=10.0, trigger_s=60.0)
RUNNING = "\N{LARGE BLUE CIRCLE}"


def slack_settings(folder: Path, slack: Emulator, **more: object) -> Settings:
    section = SlackSettings(bot_token=slack.bot_token, app_token=slack.app_token, base_url=slack.url)
    return replace(make_settings(folder, channels=["ops"]), slack=replace(section, **more))  # type: ignore[arg-type]


class SlackHouse(House):
    """A server whose only people are in Slack: ann, bob, and the channel #ops."""

    def __init__(self, settings: Settings, slack: Emulator) -> None:
        super().__init__(settings)
        self.slack = slack
        self._channels = 0
        wanted = settings.slack.sockets if settings.slack.mode == "socket" else 0
        slack.wait_for(lambda: slack.socket_count >= wanted)

    @property
    def adapter(self) -> SlackAdapter:
        found = self.app.chats["slack"]
        assert isinstance(found, SlackAdapter)
        return found

    def channel(self) -> str:
        """A channel where nothing was said yet, so that no message waits for its turn."""
        self._channels += 1
        return self.slack.add_channel(f"room-{self._channels}")

    def answers_to(self, message: Seen) -> list[Seen]:
        """What we said in its thread."""
        return [one for one in self.slack.thread(message) if one.user == self.slack.bot_user]

    def said(self, user: str, channel: str, text: str, *, count: int = 1, has: str = "") -> list[Seen]:
        """Say it, and wait until our answers are there."""
        message = self.slack.say(user, channel, text)
        return self.until(message, count=count, has=has)

    def until(self, message: Seen, *, count: int = 1, has: str = "", is_final: bool = True) -> list[Seen]:
        """Our answers, when they are there; `is_final`: and nothing runs any more."""

        def there() -> list[Seen] | None:
            found = self.answers_to(message)
            is_there = len(found) >= count and any(has in one.plain for one in found)
            is_running = is_final and any(RUNNING in one.plain for one in found)
            return found if is_there and not is_running else None

        found = self.slack.wait_for(there, timeout_s=LIMIT_S)
        assert found is not None
        return found


def runs_of(house: SlackHouse, command: str) -> list[str]:
    """The ids of the executions that this command has started."""
    found, _ = house.engine.executions(ExecutionFilter(limit=200))
    return [one.id for one in found if (one.context.get("chat") or {}).get("command") == command]


def make_people(slack: Emulator) -> None:
    for name in ("ann", "bob"):
        slack.add_user(name)
    slack.add_channel("ops")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Slack is asked while somebody waits for an answer is waited for on a slow machine too."""
    for limit in ("adapter.ANSWER_S", "directory.ANSWER_S", "directory.NAME_S", "interactions.ANSWER_S"):
        monkeypatch.setattr(f"bot.adapters.slack.{limit}", 30.0)


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator(timing=_PATIENT) as made:
        make_people(made)
        yield made


@pytest.fixture(scope="module")
def town() -> Iterator[Emulator]:
    """A Slack that the tests of a file share."""
    with Emulator(timing=_PATIENT) as made:
        make_people(made)
        yield made


@pytest.fixture(scope="module")
def slack_house(town: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    made = SlackHouse(slack_settings(tmp_path_factory.mktemp("house"), town), town)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def house_in(tmp_path: Path) -> Iterator[Callable[[Emulator], SlackHouse]]:
    """A house of its own in a Slack."""
    made: list[SlackHouse] = []

    def make(slack: Emulator) -> SlackHouse:
        made.append(SlackHouse(slack_settings(tmp_path, slack), slack))
        return made[-1]

    try:
        yield make
    finally:
        for house in made:
            house.stop()
