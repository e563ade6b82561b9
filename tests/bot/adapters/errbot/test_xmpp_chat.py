"""Commands and approvals on a real XMPP server: the whole way from a message to its answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings.people import PeopleSettings
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.servers import until
from tests.bot.adapters.errbot.site import ChatHouse, xmpp_settings
from tests.bot.adapters.errbot.xmpp_server import DOMAIN, ROOMS, Prosody, XmppPerson
from tests.bot.asking import write_questions

OPS = f"ops@{ROOMS}"
LINKED = {user: [f"jabber.xmpp.{user}@{DOMAIN}"] for user in ("ann", "bob")}


@pytest.fixture(scope="module")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    made = Prosody(tmp_path_factory.mktemp("prosody"), "crow", "ann", "bob", "carl")
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def house(prosody: Prosody, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatHouse]:
    folder = tmp_path_factory.mktemp("house")
    settings = xmpp_settings(folder, prosody, channels=[OPS])
    write_questions(folder)
    made = ChatHouse(replace(settings, people=PeopleSettings(linked=LINKED)))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def ann(prosody: Prosody, house: ChatHouse, opened: Opened) -> XmppPerson:
    return opened(XmppPerson(prosody, "ann", OPS))


def test_a_command_in_a_room_is_answered_there(ann: XmppPerson) -> None:
    ann.say(OPS, "!echo echo hello", is_room=True)
    assert "succeeded" in ann.sees("hello", OPS)


def test_a_direct_message_needs_no_prefix_and_is_answered_in_private(ann: XmppPerson) -> None:
    ann.say(f"crow@{DOMAIN}", "echo echo between us")
    ann.sees("between us")
    assert not [one for one in ann.messages(OPS) if "between us" in one]


def test_the_real_address_approves(ann: XmppPerson, prosody: Prosody, opened: Opened) -> None:
    carl = opened(XmppPerson(prosody, "carl", OPS))
    carl.say(OPS, "!ask clean", is_room=True)
    line = carl.sees("!approve ", OPS)
    word = line.partition("!approve ")[2][:6]
    carl.say(OPS, f"!approve {word}", is_room=True)
    carl.sees("You may not answer this")
    ann.say(OPS, f"!approve {word}", is_room=True)
    ann.sees("Approved by ann", OPS)


def test_what_was_said_when_the_server_was_killed_is_not_said_again(
    prosody: Prosody, tmp_path: Path, opened: Opened
) -> None:
    room = f"twice@{ROOMS}"
    settings = xmpp_settings(tmp_path, prosody, channels=[room], nickname="rook")
    house = ChatHouse(settings)
    try:
        carl = opened(XmppPerson(prosody, "carl", room))
        carl.say(room, "!echo echo only once", is_room=True)
        carl.sees("only once", room, by="rook")
        until(lambda: not _waiting(house))
    finally:
        house.close()
    # As if the commit after it had been lost with the process.
    _forget_sent(settings.data_folder / "stormcrow.db")
    again = ChatHouse(settings)
    try:
        until(lambda: not _waiting(again))
    finally:
        again.close()
    assert len([one for one in carl.messages(room, by="rook") if "only once" in one]) == 1


def _waiting(house: ChatHouse) -> bool:
    from engine.store import outbox

    with house.engine.database.read() as connection:
        return bool(outbox.waiting(connection, "jabber"))


def _forget_sent(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        connection.execute("UPDATE chat_outgoing SET state = 'waiting', sent_version = 0, message_id = NULL")
        connection.commit()
    finally:
        connection.close()
