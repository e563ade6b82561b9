"""Who gives commands too quickly is told so once, and not answered for a while."""

from dataclasses import replace
from pathlib import Path

from bot.asked import Asked
from bot.chat import Author, Message
from bot.identities import Identities
from bot.pace import Pace
from engine.records.execution import ExecutionFilter
from engine.settings.limits import LimitSettings
from tests.bot.conftest import House, make_settings

SLOW = 1 / 3600


def asked(house: House, name: str, channel: str = "ops") -> Asked:
    author = Author(id=f"~{name}", name=name)
    message = Message(adapter="web", id="m", channel=channel, author=author, text="true", is_direct=False)
    identity = Identities(house.engine).of("web", author)
    return Asked(text="true", shown="true", message=message, identity=identity, prefix="!")


def test_a_person_is_told_once_in_private_and_others_go_on(house: House) -> None:
    pace = Pace(LimitSettings(chat_user_per_s=SLOW, chat_user_burst=2))
    ann, bob = asked(house, "ann"), asked(house, "bob")
    assert pace.refusal(ann) is None
    assert pace.refusal(ann) is None
    told = pace.refusal(ann)
    assert told is not None
    assert [one.is_private for one in told] == [True]
    assert pace.refusal(ann) == []
    assert pace.refusal(bob) is None


def test_a_channel_takes_so_many_commands(house: House) -> None:
    pace = Pace(LimitSettings(chat_channel_per_s=SLOW, chat_channel_burst=1))
    assert pace.refusal(asked(house, "ann")) is None
    assert pace.refusal(asked(house, "bob"))
    assert pace.refusal(asked(house, "bob", channel="dev")) is None


def test_a_command_that_comes_too_quickly_runs_nothing(tmp_path: Path) -> None:
    settings = replace(make_settings(tmp_path), limits=LimitSettings(chat_user_per_s=SLOW, chat_user_burst=1))
    house = House(settings)
    try:
        assert house.ask("true")["status"] == "succeeded"
        refused = house.say("true")
        house.say("true")
        house.wait_for(lambda: bool(house.answers(refused, "@admin")))
        _, total = house.engine.executions(ExecutionFilter(action="core.local"))
        assert total == 1
        # What is said is said in private, so the channel holds no answer to either.
        assert house.answers(refused) == []
    finally:
        house.stop()
