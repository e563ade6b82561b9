"""SASL, and messages that carry an account: what ngircd does not have, from a server of a few lines."""

import base64
import socket
import threading
from pathlib import Path

import pytest

from bot.adapters.errbot.protocol import State
from tests.bot.adapters.errbot.conftest import Opened
from tests.bot.adapters.errbot.raw_child import RawChild
from tests.bot.adapters.errbot.servers import until


class TaggingServer:
    """Says who somebody is with each message; knows the account crow with the password hush."""

    def __init__(
        self, capabilities: str = "sasl account-tag message-tags", *, answers_whois: bool = True
    ) -> None:
        self._capabilities = capabilities
        self._answers_whois = answers_whois
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.lines: list[str] = []
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, line: str) -> None:
        assert self._socket is not None
        self._socket.sendall(f"{line}\r\n".encode())

    def _serve(self) -> None:
        try:
            self._socket, _ = self._door.accept()
            with self._socket, self._socket.makefile(encoding="utf-8") as stream:
                for line in stream:
                    self.lines.append(line.strip())
                    self._answer(line.strip())
        except OSError:
            return

    def _answer(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        right = base64.b64encode(b"\0crow\0hush").decode()
        if line.startswith("CAP LS"):
            self.send(f":s CAP * LS :{self._capabilities}")
        elif line.startswith("CAP REQ"):
            self.send(f":s CAP * ACK :{rest.partition(':')[2]}")
        elif line == "AUTHENTICATE PLAIN":
            self.send("AUTHENTICATE +")
        elif word == "AUTHENTICATE":
            self.send(":s 903 crow :welcome" if rest == right else ":s 904 crow :SASL authentication failed")
        elif line == "CAP END":
            self.send(":s 001 crow :Hello")
        elif word == "JOIN":
            self.send(f":crow!c@h JOIN {rest}")
        elif word == "PING":
            self.send(f":s PONG s {rest}")
        elif word == "WHOIS" and (self._answers_whois or rest == "crow"):
            self.send(f":s 318 crow {rest} :End")

    def close(self) -> None:
        self._door.close()
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._thread.join(5)


def enter(server: TaggingServer, folder: Path, *, password: str = "hush") -> RawChild:
    return RawChild(
        folder,
        server="127.0.0.1",
        port=server.port,
        tls=False,
        channels=("#ops",),
        account="crow",
        password=password,
        login="sasl",
    )


def test_sasl_logs_in_before_anything_else(tmp_path: Path, opened: Opened) -> None:
    server = opened(TaggingServer())
    child = opened(enter(server, tmp_path))
    child.is_in("#ops")
    words = [line.split()[0] for line in server.lines]
    assert words.index("AUTHENTICATE") < words.index("JOIN")
    assert child.all(State)[-1].problem == ""
    assert child.all(State)[-1].knows_accounts


def test_the_account_of_a_message_is_who_said_it(tmp_path: Path, opened: Opened) -> None:
    server = opened(TaggingServer())
    child = opened(enter(server, tmp_path))
    child.is_in("#ops")
    server.send("@account=ann :nick!u@h PRIVMSG #ops :!one")
    server.send(":ann!u@h PRIVMSG #ops :!two")
    server.send("@bot;account=robot :r2!u@h PRIVMSG #ops :!three")
    heard = [child.heard(text) for text in ("!one", "!two", "!three")]
    assert [(one.person, one.is_vouched, one.is_bot) for one in heard] == [
        ("ann", True, False),
        ("ann!u@h", False, False),
        ("robot", True, True),
    ]
    assert not [line for line in server.lines if line.startswith("WHOIS") and line != "WHOIS crow"]


@pytest.mark.parametrize(
    ("capabilities", "password", "said"),
    [("sasl", "guess", "refuses the account crow"), ("account-tag", "hush", "has no SASL")],
)
def test_a_login_that_fails_is_told_and_stays_told(
    tmp_path: Path, opened: Opened, capabilities: str, password: str, said: str
) -> None:
    server = opened(TaggingServer(capabilities))
    child = opened(enter(server, tmp_path, password=password))
    child.is_in("#ops")
    assert said in child.all(State)[-1].problem


def test_a_server_that_does_not_say_who_somebody_is_holds_nobody_up(tmp_path: Path, opened: Opened) -> None:
    server = opened(TaggingServer("sasl", answers_whois=False))
    child = opened(enter(server, tmp_path))
    child.is_in("#ops")
    server.send(":ann!u@h PRIVMSG #ops :!one")
    until(lambda: "WHOIS ann" in server.lines)
    heard = child.heard("!one")
    assert (heard.person, heard.is_vouched) == ("ann!u@h", False)
