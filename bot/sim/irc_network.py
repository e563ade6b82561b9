"""An IRC network of our own: a real ngircd on loopback, services that know accounts, people with sockets."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.sim.chats import CannotBe
from bot.sim.ports import free_port

BOT = "crow"
_WAIT_S = 60.0
_CONNECT_S = 10.0
_PAUSE_S = 0.02
_CONFIGURATION = """\
[Global]
Name = irc.sim.local
Info = A network of a transcript
AdminInfo1 = nobody
Listen = 127.0.0.1
Ports = {port}
{user}
[Limits]
MaxPenaltyTime = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
[Server]
Name = services.sim.local
MyPassword = to-ngircd
PeerPassword = to-services
ServiceMask = *Serv
"""


def until(is_so: Callable[[], bool], what: str) -> None:
    """Raises CannotBe when it does not come true."""
    end = time.monotonic() + _WAIT_S
    while not is_so():
        if time.monotonic() > end:
            raise CannotBe(f"{what} within {_WAIT_S:.0f} s.")
        time.sleep(_PAUSE_S)


class Network:
    """The server and the services. Raises CannotBe without ngircd."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("ngircd") or shutil.which("ngircd", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            raise CannotBe("There is no ngircd here.", hint="Install it: apt install ngircd")
        self.port = free_port()
        # It gives up root, and needs somebody to become.
        user = "ServerUID = nobody\nServerGID = nogroup" if os.geteuid() == 0 else ""
        file = folder / "ngircd.conf"
        file.write_text(_CONFIGURATION.format(port=self.port, user=user), encoding="utf-8")
        with (folder / "ngircd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [found, "-n", "-f", str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            until(self._listens, "ngircd did not start")
            self._services = Client(self.port)
            self._services.raw("PASS to-ngircd 0210-IRC+ services|1:M")
            self._services.raw("SERVER services.sim.local 1 :Services")
            until(lambda: self._services.has(" SERVER "), "ngircd knew no services")
        except BaseException:
            self.close()
            raise

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def log_in(self, person: "Person") -> None:
        """From now on the network knows them by an account of their name."""
        nick = person.nick
        self._services.raw(f":services.sim.local METADATA {nick} accountname :{nick}")

        def is_known() -> bool:
            person.client.raw(f"WHOIS {nick}")
            return person.client.has(f" 330 {nick} {nick} {nick} ")

        until(is_known, f"{nick} was not known by an account")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        services = getattr(self, "_services", None)
        if services is not None:
            services.close()


class Client:
    """A connection; `lines` is all that came, oldest first."""

    def __init__(self, port: int) -> None:
        self.lines: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, name="irc client", daemon=True)
        self._reader.start()

    def raw(self, line: str) -> None:
        self._socket.sendall(line.replace("\n", " ").encode() + b"\r\n")

    def has(self, words: str) -> bool:
        return any(words in f" {line}" for line in list(self.lines))

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The server was quicker.
            pass
        self._reader.join(_CONNECT_S)
        self._socket.close()

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for raw in stream:
                    line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
                    if line.partition(" :")[0].split(" ")[-1] == "PING" or line.startswith("PING"):
                        self.raw(f"PONG {line.partition('PING ')[2]}")
                    self.lines.append(line)
            except OSError:
                return


class Person:
    """Somebody in some channels."""

    def __init__(self, network: Network, nick: str, channels: Sequence[str]) -> None:
        self.nick = nick
        self.client = Client(network.port)
        self.client.raw(f"NICK {nick}")
        self.client.raw(f"USER {nick} 0 * :{nick}")
        until(lambda: self.client.has(f" 001 {nick} "), f"{nick} did not get in")
        for channel in channels:
            self.client.raw(f"JOIN {channel}")
            until(lambda: self.client.has(f" 366 {nick} {channel} "), f"{nick} did not join")  # noqa: B023

    def say(self, target: str, words: str) -> None:
        self.client.raw(f"PRIVMSG {target} :{words}")

    def is_there(self, channel: str) -> bool:
        """Whether the bot is in that channel."""
        there = False
        for line in list(self.client.lines):
            words = line.split(" ")
            if len(words) < 2:
                continue
            if words[1] == "353" and f" {channel} :" in line:
                names = [one.lstrip("~&@%+") for one in line.rpartition(" :")[2].split()]
                there = there or BOT in names
            elif words[0].startswith(f":{BOT}!"):
                there = _moved(words, channel, there)
        return there


def _moved(words: Sequence[str], channel: str, there: bool) -> bool:
    if words[1] == "QUIT":
        return False
    if words[1] in ("JOIN", "PART") and words[2].removeprefix(":") == channel:
        return words[1] == "JOIN"
    return there
