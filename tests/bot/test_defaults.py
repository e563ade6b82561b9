"""Defaults of a channel: set, shown when they are used, listed, cleared."""

from collections.abc import Iterator

import pytest
import requests

from tests.bot.comforting import add_site
from tests.bot.conftest import House, make_settings, text_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("defaults")
    settings = make_settings(folder)
    add_site(folder)
    house = House(settings)
    try:
        yield house
    finally:
        house.stop()


@pytest.fixture
def house(made: House) -> Iterator[House]:
    """Nothing is set before or after."""
    yield made
    made.ask("defaults clear")


def test_a_command_has_them_without_naming_them_and_says_so(house: House) -> None:
    said = text_of(house.ask("defaults stage=prod version=1.42.0"))
    assert "Defaults of this channel" in said
    assert "admin" in said
    body = house.ask("deploy api")
    assert body["status"] == "succeeded"
    assert "Defaults of this channel: stage=prod, version=1.42.0" in text_of(body)
    parameters = house.engine.execution("last").parameters
    assert (parameters["stage"], parameters["version"]) == ("prod", "1.42.0")


def test_what_a_command_names_itself_is_its_own(house: House) -> None:
    house.ask("defaults stage=prod version=1.42.0")
    body = house.ask("deploy api stage=staging")
    assert house.engine.execution("last").parameters["stage"] == "staging"
    assert "Defaults of this channel: version=1.42.0" in text_of(body)


def test_another_channel_has_its_own(house: House) -> None:
    house.ask("defaults stage=prod version=1.42.0")
    assert house.ask("deploy api", channel="other").get("prompt")
    assert "no defaults" in text_of(house.ask("defaults", channel="other"))


def test_a_form_has_them_filled_in(house: House) -> None:
    house.ask("defaults stage=prod")
    by_name = {one["name"]: one for one in house.ask("deploy api")["prompt"]["questions"]}
    assert by_name["stage"]["default"] == "prod"
    assert not by_name["stage"].get("is_required")
    assert by_name["version"]["is_required"]


def test_they_are_cleared_one_or_all(house: House) -> None:
    house.ask("defaults stage=prod version=1.42.0 why=test")
    assert "1 cleared." in text_of(house.ask("defaults clear why"))
    assert "2 cleared." in text_of(house.ask("defaults clear"))
    assert "no defaults" in text_of(house.ask("defaults"))


def test_commands_that_do_not_take_them_are_as_they_were(house: House) -> None:
    house.ask("defaults stage=prod cmd='rm -rf /' sudo=true")
    body = house.ask("true")
    assert "Defaults" not in text_of(body)
    execution = house.engine.execution("last")
    assert execution.parameters["cmd"] == "/bin/true"
    assert not execution.parameters.get("sudo")


def test_they_are_data_and_no_templates(house: House) -> None:
    house.ask("defaults stage=prod version='{{ 6 * 7 }}'")
    house.ask("deploy api")
    assert house.engine.execution("last").parameters["version"] == "{{ 6 * 7 }}"


def test_a_secret_is_no_default(house: House) -> None:
    assert "no place for one" in text_of(house.ask("defaults token=s3cr3t-default"))
    assert "s3cr3t-default" not in str(house.messages())


def test_who_is_not_vouched_for_may_not_set_them(house: House) -> None:
    with requests.Session() as eve:
        eve.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
        body = {"channel": "ops", "text": "defaults stage=prod", "direct": True, "delivery_key": "eve-sets-1"}
        sent = eve.post(f"{house.url}/chat/messages", json=body, timeout=30).json()["id"]
        # Said in private, where only eve sees it.
        url = f"{house.url}/chat/channels/@~eve/messages"
        house.wait_for(lambda: sent in eve.get(url, timeout=30).text)
        assert "Nothing vouches for you" in eve.get(url, timeout=30).text
    assert "no defaults" in text_of(house.ask("defaults"))
