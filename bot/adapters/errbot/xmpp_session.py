"""One connection to an XMPP server: let in or not, rooms entered, people known by their real address."""

import asyncio
import logging
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout, PresenceError

from bot.adapters.errbot.protocol import Start

log = logging.getLogger(__name__)

DIRECT_TLS_PORT = 5223
LET_IN_WITHIN_S = 30.0
JOIN_WITHIN_S = 15.0
REJOIN_S = 5.0
# A server that says nothing for so long is asked, and given up when it says nothing then either.
PING_AFTER_S = 20.0
GIVE_UP_AFTER_S = 10.0
# Of a room's history, to know which of our messages are there.
_HISTORY = 50
_REMEMBERED = 2_000
_NO_ENTRY = {
    "conflict": "the nickname is taken",
    "not-authorized": "it has a password",
    "forbidden": "we are banned",
    "registration-required": "only members may enter",
    "item-not-found": "there is no such room",
    "not-allowed": "we may not make it",
    "remote-server-not-found": "there is no such server",
    "service-unavailable": "it is full, or there is no such service",
}


class NoEntry(Exception):
    """A room does not let us in; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Something that somebody has said."""

    room: str
    """Empty: to us alone."""
    address: str
    """Where it came from: of a room the occupant."""
    person: str
    """Their real address without resource; where nobody vouches for it that of the occupant."""
    name: str
    is_vouched: bool
    text: str
    id: str


class Session(slixmpp.ClientXMPP):
    """`run` it once; it belongs to the running event loop."""

    def __init__(self, start: Start, *, heard: Callable[[Spoken], None], changed: Callable[[], None]) -> None:
        """`changed`: which rooms we are in, or why not, is another now."""
        super().__init__(start.account, start.password)
        self._start = start
        self._heard = heard
        self._changed = changed
        self.nickname = start.nickname or self.boundjid.user
        self.rooms: dict[str, str] = {}
        """Room -> our nickname in it."""
        self.shows_people = False
        """Whether one of them says who its people are."""
        self.problem = ""
        self._is_in: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._reflections: dict[str, asyncio.Future[str]] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._doors: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.enable_plaintext = not start.tls
        if start.server:
            # One way to connect, and so one failure.
            self.enable_direct_tls = start.tls and start.port == DIRECT_TLS_PORT
            self.enable_starttls = start.tls and not self.enable_direct_tls
        self.auto_subscribe = False
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0203", "xep_0359"):
            self.register_plugin(plugin)
        for event, handler in (
            ("session_start", self._on_start),
            ("failed_all_auth", self._on_refused),
            ("connection_failed", self._on_failed),
            ("ssl_invalid_chain", self._on_certificate),
            ("disconnected", self._on_end),
            ("message", self._on_message),
            ("groupchat_message", self._on_room_message),
            ("groupchat_message_error", self._on_error),
            ("message_error", self._on_error),
            ("groupchat_presence", self._on_room_presence),
        ):
            self.add_event_handler(event, handler)

    def get_ssl_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._start.ca_file or None)

    # the connection

    async def open(self) -> bool:
        """Whether we were let in; `problem` says why not."""
        if self._start.server:
            self.connect(self._start.server, self._start.port or 5222)
        else:
            self.connect()
        try:
            return await asyncio.wait_for(self._is_in, LET_IN_WITHIN_S)
        except TimeoutError:
            self.problem = self.problem or "The server let us not in in time."
            return False

    async def stay(self) -> None:
        """Returns when the connection is over."""
        for room in self._start.channels:
            self._later(0.0, room)
        ended = asyncio.ensure_future(self.disconnected)
        while not ended.done():
            await asyncio.wait([ended], timeout=PING_AFTER_S)
            if not ended.done() and not await self.is_alive():
                self.problem = "The server says nothing any more."
                self.abort()

    async def is_alive(self) -> bool:
        """Whether the server answers; by then it has taken all that was sent before."""
        try:
            await self["xep_0199"].send_ping(self.boundjid.host, timeout=GIVE_UP_AFTER_S)
        except IqTimeout:
            return False
        except IqError:
            # An answer too.
            return True
        return True

    async def close(self) -> None:
        self.cancel_connection_attempt()
        for task in self._tasks:
            task.cancel()
        if self.is_connected():
            try:
                await asyncio.wait_for(self.disconnect(wait=1.0), 2.0)
            except TimeoutError:
                log.debug("the server does not say goodbye")
        self.abort()

    def _on_start(self, _event: Any) -> None:
        self.send_presence()
        self._let_in(is_in=True)

    def _on_refused(self, _event: Any) -> None:
        self.problem = f"The server refuses {self.boundjid.bare}: wrong password?"
        self._let_in(is_in=False)

    def _on_failed(self, error: Any) -> None:
        self.problem = f"{self._start.server or self.boundjid.host}: {error}"
        if self._start.server:
            self._let_in(is_in=False)

    def _on_certificate(self, error: Any) -> None:
        self.problem = f"The server's certificate is not trusted: {error}"
        self._let_in(is_in=False)

    def _on_end(self, reason: Any) -> None:
        self.problem = self.problem or str(reason or "")
        self._let_in(is_in=False)
        for reflection in self._reflections.values():
            if not reflection.done():
                reflection.cancel()

    def _let_in(self, *, is_in: bool) -> None:
        if not self._is_in.done():
            self._is_in.set_result(is_in)

    # rooms

    async def enter(self, room: str) -> None:
        """Returns when we are in it. Raises NoEntry, TimeoutError."""
        async with self._doors.setdefault(room, asyncio.Lock()):
            await self._enter(room)

    async def _enter(self, room: str) -> None:
        nickname = self.nickname
        while room not in self.rooms:
            try:
                presence, _, _, history = await self["xep_0045"].join_muc_wait(
                    slixmpp.JID(room), nickname, maxstanzas=_HISTORY, timeout=JOIN_WITHIN_S
                )
            except PresenceError as error:
                if error.condition == "conflict" and len(nickname) < len(self.nickname) + 5:
                    # The ghost of our last connection has it, or somebody else.
                    nickname += "_"
                    continue
                reason = _NO_ENTRY.get(error.condition, error.condition)
                raise NoEntry(f"{room} cannot be entered: {reason}.") from error
            for message in history:
                self._remember(message["id"])
            self.rooms[room] = presence["from"].resource
            self._changed()

    def _later(self, delay_s: float, room: str) -> None:
        """Enter it, and try again until it lets us in."""

        async def work() -> None:
            await asyncio.sleep(delay_s)
            while room not in self.rooms:
                try:
                    await self.enter(room)
                except (NoEntry, TimeoutError) as error:
                    self.problem = str(error) or f"{room} does not answer."
                    self._changed()
                    await asyncio.sleep(REJOIN_S * 6)

        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_room_presence(self, presence: Any) -> None:
        room, nickname = presence["from"].bare, presence["from"].resource
        if presence["muc"]["jid"]:
            self.shows_people = True
        if presence["type"] == "unavailable" and self.rooms.get(room) == nickname:
            # Put out, or the room is gone.
            del self.rooms[room]
            self._changed()
            if room in self._start.channels:
                self._later(REJOIN_S, room)

    # what people say

    def _on_room_message(self, message: Any) -> None:
        room, nickname = message["from"].bare, message["from"].resource
        if nickname and nickname == self.rooms.get(room):
            self._remember(message["id"])
            reflection = self._reflections.get(message["id"])
            if reflection is not None and not reflection.done():
                reflection.set_result("")
            return
        if nickname and message["body"] and not message.get_plugin("delay", check=True):
            self._speak(message, room=room)

    def _on_message(self, message: Any) -> None:
        is_said = message["type"] in ("chat", "normal") and message["body"]
        if is_said and not message.get_plugin("delay", check=True):
            self._speak(message, room="")

    def _speak(self, message: Any, *, room: str) -> None:
        sender = message["from"]
        is_occupant = sender.bare in self.rooms
        real = self._real_address(sender) if is_occupant else sender.bare
        stanza_id = message.get_plugin("stanza_id", check=True)
        self._heard(
            Spoken(
                room=room,
                address=sender.full,
                person=real or sender.full,
                name=sender.resource if is_occupant else sender.user,
                is_vouched=bool(real),
                text=message["body"],
                id=stanza_id["id"] if stanza_id is not None else "",
            )
        )

    def _real_address(self, occupant: Any) -> str:
        """Only rooms of our own server are believed: another one could say anything."""
        own = self.boundjid.host
        if occupant.host != own and not occupant.host.endswith(f".{own}"):
            return ""
        real = self["xep_0045"].get_jid_property(occupant.bare, occupant.resource, "jid")
        return slixmpp.JID(real).bare if real else ""

    # what we say

    def knows(self, message_id: str) -> bool:
        """Whether a message of ours with this id is in one of the rooms."""
        return message_id in self._known

    def _remember(self, message_id: str) -> None:
        self._known[message_id] = None
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def speak(self, to: str, text: str, *, is_room: bool, message_id: str) -> "asyncio.Future[str]":
        """Send it. Done when the room shows it: empty, or why it does not; cancelled at the end."""
        message = self.make_message(mto=to, mbody=text, mtype="groupchat" if is_room else "chat")
        message["id"] = message_id
        # Nothing in it is markup.
        message.xml.append(slixmpp.xmlstream.ET.Element("{urn:xmpp:styling:0}unstyled"))
        reflection: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reflections[message_id] = reflection
        reflection.add_done_callback(lambda _: self._reflections.pop(message_id, None))
        message.send()
        return reflection

    def _on_error(self, message: Any) -> None:
        reflection = self._reflections.get(message["id"])
        if reflection is not None and not reflection.done():
            said = message["error"]["text"] or message["error"]["condition"]
            reflection.set_result(f"{message['from'].bare}: {said}")
