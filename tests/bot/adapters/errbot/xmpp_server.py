"""A real XMPP server on loopback, and people on it with a stream each."""

import base64
import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bot.adapters.errbot.servers import until
from tests.conftest import missing
from tests.ports import free_port

DOMAIN = "localhost"
ROOMS = f"rooms.{DOMAIN}"
PASSWORD = "open sesame"
_CONF = """\
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{folder}/prosody.log" }} }}
run_as_root = true
daemonize = false
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping" }}
modules_disabled = {{ "s2s", "offline" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
VirtualHost "{domain}"
    ssl = {{ certificate = "{folder}/{domain}.crt", key = "{folder}/{domain}.key" }}
Component "{rooms}" "muc"
    restrict_room_creation = false
    muc_room_locking = false
    muc_room_default_public_jids = {shows_people}
"""
_STREAM = "http://etherx.jabber.org/streams"
_CLIENT = "{jabber:client}"


def self_signed(folder: Path) -> Path:
    """A certificate for localhost, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DOMAIN)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{DOMAIN}.crt"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{DOMAIN}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


class Prosody:
    """Started by `start`, killed by `kill`, started again on the same port."""

    def __init__(self, folder: Path, *users: str, shows_people: bool = True) -> None:
        """`shows_people`: whether its rooms tell everybody the real addresses in them."""
        found = shutil.which("prosody")
        if found is None:
            missing("prosody")
        self._program = str(found)
        self.port = free_port()
        self.certificate = self_signed(folder)
        self._folder = folder
        self._conf = folder / "prosody.cfg.lua"
        self._conf.write_text(
            _CONF.format(
                folder=folder,
                port=self.port,
                domain=DOMAIN,
                rooms=ROOMS,
                shows_people="true" if shows_people else "false",
            ),
            encoding="utf-8",
        )
        accounts = folder / "data" / DOMAIN / "accounts"
        accounts.mkdir(parents=True)
        for user in users:
            (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self._folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "--config", str(self._conf), "-F"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "out.log").read_text(errors="replace")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    close = kill


class XmppPerson:
    """Somebody with a client of a few lines."""

    def __init__(self, server: Prosody, user: str, *rooms: str, nick: str = "") -> None:
        self.user, self.jid = user, f"{user}@{DOMAIN}"
        self._messages: list[tuple[str, str, str]] = []
        self._seen: set[str] = set()
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self._socket.settimeout(None)
        self._parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start", "end"))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._open()
        self._reader.start()
        secret = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        self._wait("features", 1)
        self._raw(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
        self._wait("success", 1)
        self._wait("features", 2)
        self._raw("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        until(lambda: "iq bind result" in self._seen)
        self._raw("<presence/>")
        for room in rooms:
            self._raw(
                f"<presence to={quoteattr(f'{room}/{nick or user}')}>"
                "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
            )
            until(lambda: f"presence {room}/{nick or user}" in self._seen)  # noqa: B023

    def _open(self) -> None:
        self._raw(
            f"<stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' xmlns:stream='{_STREAM}'>"
        )

    def _raw(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def _wait(self, tag: str, count: int) -> None:
        until(lambda: f"{tag} {count}" in self._seen)

    def _read(self) -> None:
        counts: dict[str, int] = {}
        while True:
            try:
                data = self._socket.recv(65_536)
            except OSError:
                return
            if not data:
                return
            self._parser.feed(data)
            events: list[Any] = list(self._parser.read_events())
            for event, element in events:
                tag = element.tag.partition("}")[2]
                if event == "end" and tag in ("features", "success"):
                    counts[tag] = counts.get(tag, 0) + 1
                    if tag == "success":
                        # From here on it is a new stream.
                        self._parser = ET.XMLPullParser(("start", "end"))
                        self._open()
                    self._seen.add(f"{tag} {counts[tag]}")
                elif event == "end":
                    self._take(tag, element)

    def _take(self, tag: str, element: ET.Element) -> None:
        sender = element.get("from", "")
        if tag == "iq":
            self._seen.add(f"iq {element.get('id')} {element.get('type')}")
        elif tag == "presence":
            self._seen.add(f"presence {sender}")
        elif tag == "message":
            body = element.findtext(f"{_CLIENT}body")
            if body is not None:
                self._messages.append((sender, element.get("type", ""), body))

    def say(self, to: str, text: str, *, is_room: bool = False) -> None:
        kind = "groupchat" if is_room else "chat"
        self._raw(f"<message to={quoteattr(to)} type='{kind}'><body>{escape(text)}</body></message>")

    def sees_member(self, room: str, nick: str) -> None:
        until(lambda: f"presence {room}/{nick}" in self._seen)

    def messages(self, room: str = "", *, by: str = "crow") -> list[str]:
        """The texts that `by` has said in a room, or to this person."""
        return [
            text
            for sender, kind, text in list(self._messages)
            if (sender == f"{room}/{by}" if room else kind == "chat" and sender.startswith(f"{by}@"))
        ]

    def sees(self, text: str, room: str = "", *, by: str = "crow") -> str:
        until(lambda: any(text in one for one in self.messages(room, by=by)))
        return next(one for one in self.messages(room, by=by) if text in one)

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(5)
        self._socket.close()
