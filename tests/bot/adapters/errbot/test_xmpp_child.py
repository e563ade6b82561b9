"""The child on a real XMPP server: what it hears, what it says, and what becomes of both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.errbot.protocol import Ack, Heard, Outcome, Send, State
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.raw_child import RawChild
from tests.bot.adapters.errbot.servers import until
from tests.bot.adapters.errbot.xmpp_server import DOMAIN, PASSWORD, ROOMS, Prosody, XmppPerson

OPS = f"ops@{ROOMS}"


@pytest.fixture(scope="module")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    made = Prosody(tmp_path_factory.mktemp("prosody"), "crow", "ann", "bob")
    try:
        yield made
    finally:
        made.kill()


def start_child(server: Prosody, folder: Path, **start: Any) -> RawChild:
    return RawChild(
        folder,
        **{
            "backend": "XMPP",
            "server": "127.0.0.1",
            "port": server.port,
            "ca_file": str(server.certificate),
            "account": f"crow@{DOMAIN}",
            "password": PASSWORD,
            "channels": (OPS,),
            **start,
        },
    )


class Scene:
    """A child in the room ops, and ann there."""

    def __init__(self, server: Prosody, folder: Path, opened: Opened) -> None:
        self.child = opened(start_child(server, folder))
        self.child.is_in(OPS)
        self.ann = opened(XmppPerson(server, "ann", OPS))


@pytest.fixture(scope="module")
def shared(prosody: Prosody, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    opened = Opened()
    try:
        yield Scene(prosody, tmp_path_factory.mktemp("child"), opened)
    finally:
        opened.close()


@pytest.fixture
def scene(shared: Scene) -> Scene:
    for heard in shared.child.all(Heard):
        shared.child.say(Ack(key=heard.key))
    shared.child.said[:] = [one for one in shared.child.said if isinstance(one, State)]
    return shared


def test_what_is_said_to_us_in_a_room_is_heard_with_the_real_address(scene: Scene) -> None:
    scene.ann.say(OPS, "good morning", is_room=True)
    scene.ann.say(OPS, "!status", is_room=True)
    scene.ann.say(OPS, "crow: why 1a2b3c", is_room=True)
    scene.child.heard("why 1a2b3c")
    heard = [(one.channel, one.text, one.is_called) for one in scene.child.all(Heard)]
    assert heard == [(OPS, "!status", False), (OPS, "why 1a2b3c", True)]
    first = scene.child.heard("!status")
    assert (first.person, first.name, first.is_vouched) == (f"ann@{DOMAIN}", "ann", True)


def test_a_direct_message_is_heard_from_its_real_address(scene: Scene) -> None:
    scene.ann.say(f"crow@{DOMAIN}", "help me")
    heard = scene.child.heard("help me")
    assert (heard.channel, heard.person, heard.is_vouched) == ("", f"ann@{DOMAIN}", True)


def test_a_nickname_in_a_room_is_nobody(scene: Scene, prosody: Prosody, opened: Opened) -> None:
    impostor = opened(XmppPerson(prosody, "bob", OPS, nick="admin"))
    impostor.say(OPS, "!whoami", is_room=True)
    assert scene.child.heard("!whoami").person == f"bob@{DOMAIN}"


def test_a_private_message_in_a_room_is_from_its_real_address(scene: Scene) -> None:
    scene.ann.say(f"{OPS}/crow", "psst")
    heard = scene.child.heard("psst")
    assert (heard.channel, heard.person, heard.is_vouched) == ("", f"ann@{DOMAIN}", True)


def test_what_we_say_is_one_message_that_the_room_confirms(scene: Scene) -> None:
    scene.child.say(Send(id=1, to=OPS, lines=("first", "second")))
    assert scene.child.done(1).outcome is Outcome.SENT
    scene.ann.sees("first\nsecond", OPS)


def test_what_a_room_shows_already_is_not_said_again(scene: Scene) -> None:
    for number in (1, 2):
        scene.child.say(Send(id=number, to=OPS, lines=("only once",), token="abc"))
        assert scene.child.done(number).outcome is Outcome.SENT
    scene.child.say(Send(id=3, to=OPS, lines=("the end",)))
    scene.ann.sees("the end", OPS)
    assert scene.ann.messages(OPS).count("only once") == 1


def test_a_long_result_arrives_whole_in_several_messages(scene: Scene) -> None:
    lines = tuple(f"{number:04} größe→😀 {'x' * 80}" for number in range(300))
    scene.child.say(Send(id=1, to=OPS, lines=lines))
    assert scene.child.done(1).lines_taken == 300
    scene.ann.sees("0299", OPS)
    said = [one for one in scene.ann.messages(OPS) if "größe" in one]
    assert "\n".join(said).split("\n") == list(lines)
    assert len(said) > 1


def test_a_direct_message_reaches_one_person(scene: Scene) -> None:
    scene.child.say(Send(id=1, to=f"ann@{DOMAIN}", is_person=True, lines=("for ann",)))
    assert scene.child.done(1).outcome is Outcome.SENT
    scene.ann.sees("for ann")


def test_what_is_no_character_of_xml_breaks_nothing(scene: Scene) -> None:
    scene.child.say(Send(id=1, to=OPS, lines=("a\x00b\x1bc\ufffe<b>&amp;</b>",)))
    assert scene.child.done(1).outcome is Outcome.SENT
    assert scene.ann.sees("<b>", OPS) == "a␀b␛c\ufffd<b>&amp;</b>"


def test_data_cannot_say_what_we_do(scene: Scene) -> None:
    scene.child.say(Send(id=1, to=OPS, lines=("/me approves",)))
    assert scene.child.done(1).outcome is Outcome.SENT
    assert scene.ann.sees("approves", OPS) == " /me approves"


@pytest.mark.parametrize("to", ["", "ops", "@", "a b@c"])
def test_what_is_no_room_is_refused(scene: Scene, to: str) -> None:
    scene.child.say(Send(id=1, to=to, lines=("x",)))
    assert scene.child.done(1).outcome is Outcome.REFUSED


def test_it_comes_back_after_the_server_was_killed(
    tmp_path: Path, opened: Opened, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = opened(Prosody(tmp_path_factory.mktemp("mortal"), "crow", "ann"))
    child = opened(start_child(server, tmp_path))
    child.is_in(OPS)
    server.kill()
    until(lambda: not child.all(State)[-1].is_connected)
    child.say(Send(id=1, to=OPS, lines=("not lost",)))
    assert child.done(1).outcome is Outcome.LATER
    server.start()
    child.is_in(OPS)
    child.say(Send(id=2, to=OPS, lines=("here again",)))
    assert child.done(2).outcome is Outcome.SENT


def test_a_certificate_that_nobody_trusts_is_refused(
    prosody: Prosody, tmp_path: Path, opened: Opened
) -> None:
    child = opened(start_child(prosody, tmp_path, ca_file=""))
    until(lambda: bool(child.all(State)))
    assert not child.all(State)[-1].is_connected


def test_a_wrong_password_is_told(prosody: Prosody, tmp_path: Path, opened: Opened) -> None:
    child = opened(start_child(prosody, tmp_path, password="guess"))
    until(lambda: any("wrong password" in one.problem for one in child.all(State)))


def test_it_ends_with_the_server(prosody: Prosody, tmp_path: Path, opened: Opened) -> None:
    child = opened(start_child(prosody, tmp_path, channels=()))
    until(lambda: bool(child.all(State)))
    assert child.hang_up() == 0


def test_rooms_that_hide_their_people_vouch_for_nobody(
    tmp_path: Path, opened: Opened, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = opened(Prosody(tmp_path_factory.mktemp("hiding"), "crow", "ann", "bob", shows_people=False))
    # The first who enters owns the room, and owners see who people are.
    opened(XmppPerson(server, "bob", OPS))
    child = opened(start_child(server, tmp_path))
    child.is_in(OPS)
    ann = opened(XmppPerson(server, "ann", OPS))
    ann.say(OPS, "!status", is_room=True)
    heard = child.heard("!status")
    assert (heard.person, heard.is_vouched) == (f"{OPS}/ann", False)
    child.say(Send(id=1, to=heard.person, is_person=True, lines=("in private",)))
    assert child.done(1).outcome is Outcome.SENT
