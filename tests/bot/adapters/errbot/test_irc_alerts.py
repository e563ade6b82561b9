"""Alerts on a real IRC server: each is told once, and what becomes of it, with words in place of buttons."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.alerts.normalise import normalise
from engine.records.trigger import Event
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.servers import IrcPerson, Ngircd
from tests.bot.adapters.errbot.site import ChatHouse, irc_settings
from tests.engine.alerts import samples


@pytest.fixture(scope="module")
def house(ngircd: Ngircd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatHouse]:
    made = ChatHouse(
        irc_settings(tmp_path_factory.mktemp("alerts"), ngircd, nickname="jay", channels=["#ops"])
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def ann(ngircd: Ngircd, house: ChatHouse, opened: Opened) -> IrcPerson:
    return opened(IrcPerson(ngircd, "ann", "#ops"))


def fire(house: ChatHouse, **given: Any) -> None:
    (alert,) = normalise("alertmanager", samples.alertmanager(**given), {})
    house.engine.emit(Event(trigger="alerts.alert", payload=alert.payload()))


def test_an_alert_is_told_with_the_words_that_handle_it(house: ChatHouse, ann: IrcPerson) -> None:
    fire(house, instance="db1")
    line = ann.sees("!alert ack ", "#ops", by="jay")
    word = line.partition("!alert ack ")[2][:6]
    house.engine.alerts.acknowledge(word, by="ann")
    ann.sees("acknowledged by ann", "#ops", by="jay")


def test_an_alert_that_fires_again_is_not_told_again(house: ChatHouse, ann: IrcPerson) -> None:
    fire(house, instance="db2")
    ann.sees("db2", "#ops", by="jay")
    told = [one for one in ann.messages("#ops", by="jay") if "!alert ack" in one]
    fire(house, instance="db2")
    fire(house, instance="db3")
    ann.sees("db3", "#ops", by="jay")
    again = [one for one in ann.messages("#ops", by="jay") if "!alert ack" in one]
    assert len(again) == len(told) + 1
