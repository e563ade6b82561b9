"""A backend of Errbot's that is none of ours: heard, spoken through, and vouching for nobody."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.errbot.protocol import Heard, Outcome, Send, State
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.raw_child import RawChild
from tests.bot.adapters.errbot.servers import until

PLUG = """\
[Core]
Name = Plain
Module = plain
"""
# As small as a backend can be: lines `room|person|text` over TCP, and `to|text` back.
BACKEND = """\
import socket

from errbot.backends.base import Message, Person, Room, RoomOccupant
from errbot.core import ErrBot


class Someone(Person):
    def __init__(self, name):
        self._name = name

    person = client = nick = aclattr = fullname = property(lambda self: self._name)

    def __str__(self):
        return self._name


class Hall(Room):
    def __init__(self, name):
        self._name = name

    def __str__(self):
        return self._name


class Occupant(RoomOccupant, Someone):
    def __init__(self, name, room):
        Someone.__init__(self, name)
        self._room = room

    room = property(lambda self: self._room)


class PlainBackend(ErrBot):
    def __init__(self, config):
        super().__init__(config)
        self.bot_identifier = Someone(config.BOT_IDENTITY["name"])
        self._port = config.BOT_IDENTITY["port"]

    def serve_once(self):
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self.connect_callback()
        for line in self._socket.makefile(encoding="utf-8"):
            room, name, text = line.rstrip("\\n").split("|", 2)
            message = Message(text)
            message.frm = Occupant(name, Hall(room)) if room else Someone(name)
            message.to = Hall(room) if room else self.bot_identifier
            self.callback_message(message)
        self.disconnect_callback()
        return True

    def send_message(self, msg):
        super().send_message(msg)
        self._socket.sendall(f"{msg.to}|{msg.body}\\n".encode())

    def build_identifier(self, text):
        return Hall(text) if text.startswith("#") else Someone(text)

    def build_reply(self, msg, text=None, private=False, threaded=False):
        return Message(text, frm=msg.to, to=msg.frm)

    def prefix_groupchat_reply(self, message, identifier):
        pass

    def change_presence(self, status="online", message=""):
        pass

    def query_room(self, room):
        return Hall(room)

    rooms = property(lambda self: [])
    mode = property(lambda self: "plain")
"""


class Wire:
    """The other end of the backend."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._socket, _ = self._door.accept()
            with self._socket, self._socket.makefile(encoding="utf-8") as stream:
                self.lines += (line.rstrip("\n") for line in stream)
        except OSError:
            return

    def say(self, line: str) -> None:
        self._socket.sendall(f"{line}\n".encode())

    def close(self) -> None:
        self._door.close()
        self._thread.join(5)


class Scene:
    def __init__(self, folder: Path, opened: Opened) -> None:
        (folder / "plain.plug").write_text(PLUG, encoding="utf-8")
        (folder / "plain.py").write_text(BACKEND, encoding="utf-8")
        self.wire = opened(Wire())
        identity = {"name": "crow", "port": self.wire.port}
        options = {"BOT_IDENTITY": identity, "BOT_EXTRA_BACKEND_DIR": str(folder)}
        self.child = opened(RawChild(folder, backend="Plain", options=options))
        until(lambda: bool(states := self.child.all(State)) and states[-1].is_connected)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    opened = Opened()
    try:
        yield Scene(tmp_path_factory.mktemp("plain"), opened)
    finally:
        opened.close()


def test_what_is_for_us_is_heard_and_nobody_is_vouched_for(scene: Scene) -> None:
    scene.wire.say("#ops|ann|good morning")
    scene.wire.say("#ops|ann|crow: status")
    scene.wire.say("|ann|help me")
    scene.child.heard("help me")
    heard = [
        (one.channel, one.person, one.text, one.is_called, one.is_vouched) for one in scene.child.all(Heard)
    ]
    assert heard == [
        ("#ops", "ann", "status", True, False),
        ("", "ann", "help me", False, False),
    ]


def test_what_we_say_shows_as_it_is_and_calls_nobody(scene: Scene) -> None:
    scene.child.say(Send(id=1, to="#ops", lines=("*bold* @everyone", "next")))
    assert scene.child.done(1).outcome is Outcome.SENT
    until(lambda: any(line.startswith("#ops|") for line in scene.wire.lines))
    said = "\n".join(scene.wire.lines)
    assert r"\*bold\*" in said
    assert "@everyone" not in said


def test_no_command_of_errbot_exists_there_either(scene: Scene) -> None:
    scene.wire.say("|ann|!plugins")
    scene.child.heard("!plugins")
    scene.child.say(Send(id=2, to="ann", is_person=True, lines=("that is all",)))
    assert scene.child.done(2).outcome is Outcome.SENT
    until(lambda: any("that is all" in line for line in scene.wire.lines))
    assert [line for line in scene.wire.lines if line.startswith("ann|")] == ["ann|that is all"]
