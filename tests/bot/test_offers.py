"""What was perhaps meant is offered, and runs once for whoever says yes."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.chat import Author, Message, Reply
from tests.bot.comforting import add_site, ledger
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.elsewhere import Desk, Elsewhere
from tests.engine.rights.site import write_rights


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("offers")
    settings = make_settings(folder)
    add_site(folder)
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def fix_of(body: dict[str, Any]) -> str:
    """The command of the button that runs the fix."""
    (button,) = [one for one in body["buttons"] if one["label"] == "Run it"]
    return str(button["command"])


def test_a_typing_error_is_offered_without_it(house: House) -> None:
    message_id = house.say("ecoh echo fixed")
    house.wait_for(lambda: bool(house.answers(message_id)))
    body = house.answers(message_id)[0]["body"]
    assert "Did you mean: echo echo fixed" in text_of(body)
    assert "To run it, say: yes" in text_of(body)
    assert "fixed" in text_of(house.ask(fix_of(body)))
    said = house.answers(message_id)[0]["body"]
    assert "ran: echo echo fixed" in text_of(said)
    assert not said.get("buttons")


def test_words_in_the_middle_are_mended_too(house: House) -> None:
    body = house.ask("relase api att 1.42.0 tp prod")
    assert "Did you mean: release api at 1.42.0 to prod" in text_of(body)


def test_yes_runs_what_was_offered_last_here(house: House) -> None:
    house.ask("ecoh echo first", channel="talk")
    house.ask("ecoh echo second", channel="talk")
    assert "second" in text_of(house.ask("yes", channel="talk"))
    assert "run already, by" in text_of(house.ask("yes", channel="talk"))
    assert "nothing here that you could say yes to" in text_of(house.ask("yes", channel="silent"))


def test_a_command_of_our_own_is_mended_too(house: House) -> None:
    body = house.ask("statsu")
    assert "Did you mean: status" in text_of(body)
    assert "running" in text_of(house.ask(fix_of(body)))


def test_two_clicks_are_one_run_and_another_delivery_of_the_first_is_no_second(house: House) -> None:
    command = fix_of(house.ask("relaese twice at 1.42.0 to prod"))
    first = house.ask(command, key="click-one-1")
    assert first["status"] == "succeeded"
    assert "run already, by" in text_of(house.ask(command, key="click-two-2"))
    house.say(command, key="click-one-1")
    assert sum(line.startswith("twice ") for line in ledger(house.engine.settings.root)) == 1


def test_it_runs_as_whoever_clicks(house: House) -> None:
    command = fix_of(house.ask("ecoh echo hers"))
    with requests.Session() as eve:
        eve.post(f"{house.url}/chat/session", json={"name": "eve"}, timeout=30)
        body = {"channel": "ops", "text": command, "direct": True, "delivery_key": "eve-clicks"}
        sent = eve.post(f"{house.url}/chat/messages", json=body, timeout=30).json()["id"]
    house.wait_for(lambda: any(one["body"].get("status") == "succeeded" for one in house.answers(sent)))
    assert house.engine.execution("last").user == "~eve"


def test_a_button_of_another_channel_does_nothing(house: House) -> None:
    command = fix_of(house.ask("ecoh echo here"))
    message_id = house.say(command, channel="elsewhere")
    house.wait_for(lambda: bool(house.answers(message_id, "@admin")))
    assert "offered in another channel" in text_of(house.answers(message_id, "@admin")[0]["body"])


def test_what_is_like_nothing_is_not_guessed(house: House) -> None:
    body = house.ask("xyzzy plugh")
    assert [one["label"] for one in body["buttons"]] == ["Help"]
    body = house.ask("aprove a1b2c3")
    assert "Run it" not in [one["label"] for one in body["buttons"]]


def test_who_may_not_run_it_gets_no_form_and_no_offer_and_leaves_it_to_others(tmp_path: Path) -> None:
    add_site(tmp_path)
    write_rights(tmp_path, {"limits.yaml": "limits: [{actions: [site.deploy], users: [elsewhere.T.U1]}]"})
    adapter = Elsewhere()
    desk = Desk(tmp_path, adapter)

    def says(user: str, text: str, number: int) -> Reply:
        author = Author(id=user, name=user, team="T", is_vouched=True)
        message = Message(
            adapter="elsewhere", id=f"m{number}", channel="C", author=author, text=text, is_direct=True
        )
        adapter.receive(message)
        wanted = f"answer:{message.key}:0"
        with adapter.changed:
            assert adapter.changed.wait_for(lambda: wanted in adapter.ids, timeout=30)
            return next(one.reply for one in adapter.letters if one.key == wanted)

    try:
        denied = says("U2", "deploy api", 1)
        assert denied.is_private
        assert denied.prompt is None
        assert [one.label for one in says("U2", "relaese api at 1.42.0 to prod", 2).buttons] == ["Help"]
        command = fix_of(asdict(says("U1", "relaese api at 1.42.0 to prod", 3)))
        assert "You may not run" in str(says("U2", command, 4).pieces)
        assert ledger(tmp_path) == []
        says_yes = Author(id="U1", name="U1", team="T", is_vouched=True)
        adapter.receive(
            Message(adapter="elsewhere", id="m5", channel="C", author=says_yes, text=command, is_direct=True)
        )
        adapter.until(1, status="succeeded")
        assert [line.strip() for line in ledger(tmp_path)] == ["api 1.42.0 prod 2"]
    finally:
        desk.stop()
