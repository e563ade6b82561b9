"""A real IRC server on loopback, and people on it with a socket each."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import missing
from tests.ports import free_port

NGIRCD_CONF = """\
[Global]
Name = irc.test.local
Info = Server of a test
AdminInfo1 = nobody
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = "Hello"
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
CloakHost =
{more}
"""
SERVICES = """\
[Server]
Name = services.test.local
MyPassword = to-ngircd
PeerPassword = to-services
ServiceMask = *Serv
"""


def until(is_so: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Ngircd:
    """Started by `start`, killed by `kill`, started again on the same port."""

    def __init__(self, folder: Path, *, more: str = "") -> None:
        found = shutil.which("ngircd") or shutil.which("ngircd", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            missing("ngircd")
        self._program = str(found)
        self.port = free_port()
        self._conf = folder / f"ngircd-{self.port}.conf"
        # It gives up root, and needs somebody to become.
        user = "ServerUID = nobody\nServerGID = nogroup" if os.geteuid() == 0 else ""
        self._conf.write_text(NGIRCD_CONF.format(port=self.port, user=user, more=more), encoding="utf-8")
        self._log = folder / f"ngircd-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-n", "-f", str(self._conf)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(encoding="utf-8", errors="replace")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class IrcPerson:
    """Somebody with a client of a few lines; `lines` is all that the server has sent."""

    def __init__(self, server: Ngircd, nick: str, *channels: str, user: str = "") -> None:
        self.nick = nick
        self.lines: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.raw(f"NICK {nick}")
        self.raw(f"USER {user or nick} 0 * :A test")
        until(lambda: any(f" 001 {nick} " in line for line in self.lines))
        for channel in channels:
            self.raw(f"JOIN {channel}")
            until(lambda: any(f" 366 {nick} {channel} " in line for line in self.lines))  # noqa: B023

    def raw(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\r\n")

    def say(self, target: str, text: str) -> None:
        self.raw(f"PRIVMSG {target} :{text}")

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(5)
        self._socket.close()

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for raw in stream:
                    line = raw.rstrip(b"\r\n").decode("utf-8")
                    if line.startswith("PING"):
                        self.raw(line.replace("PING", "PONG", 1))
                    self.lines.append(line)
            except OSError:
                return

    def messages(self, target: str = "", *, by: str = "crow") -> list[str]:
        """The texts that `by` has sent to `target`, or to this person."""
        wanted = f" PRIVMSG {target or self.nick} :"
        return [
            line.split(wanted, 1)[1]
            for line in list(self.lines)
            if line.startswith(f":{by}!") and wanted in line
        ]

    def sees(self, text: str, target: str = "", *, by: str = "crow") -> str:
        """Wait for a message with this in it; all of it."""
        until(lambda: any(text in one for one in self.messages(target, by=by)))
        return next(one for one in self.messages(target, by=by) if text in one)

    def sees_member(self, nick: str, channel: str) -> None:
        """Wait until somebody is in a channel."""
        until(lambda: nick in self._members(channel))

    def sees_no_member(self, nick: str, channel: str) -> None:
        """Wait until somebody is out of it."""
        until(lambda: nick not in self._members(channel))

    def _members(self, channel: str) -> set[str]:
        """Those who are in it now."""
        ends = f" 366 {self.nick} {channel} "
        known = len([line for line in list(self.lines) if ends in line])
        start = len(self.lines)
        self.raw(f"NAMES {channel}")
        until(lambda: len([line for line in list(self.lines) if ends in line]) > known)
        names = [
            line for line in self.lines[start:] if f" 353 {self.nick} " in line and f" {channel} :" in line
        ]
        return {one.lstrip("@+%&~") for line in names for one in line.rsplit(":", 1)[1].split()}


class Services:
    """What knows accounts on an IRC network, linked to it as a server of its own."""

    def __init__(self, server: Ngircd) -> None:
        self._lines: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._raw("PASS to-ngircd 0210-IRC+ services|1:M")
        self._raw("SERVER services.test.local 1 :Services")
        until(lambda: any(" SERVER " in f" {line}" for line in list(self._lines)))

    def log_in(self, person: IrcPerson, account: str) -> None:
        """From now on the network knows them by this account."""
        self._raw(f":services.test.local METADATA {person.nick} accountname :{account}")

        def is_known() -> bool:
            person.raw(f"WHOIS {person.nick}")
            time.sleep(0.05)
            return any(f" 330 {person.nick} {person.nick} {account} " in line for line in list(person.lines))

        until(is_known)

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(5)
        self._socket.close()

    def _raw(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\r\n")

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for raw in stream:
                    line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
                    if "PING" in line.split(" :")[0]:
                        self._raw("PONG services.test.local")
                    self._lines.append(line)
            except OSError:
                return
