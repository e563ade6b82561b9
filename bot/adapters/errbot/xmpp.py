"""Our own XMPP backend for Errbot, whose one cannot start: rooms and direct messages, confirmed.

A room shows us our own messages: what it has shown is there, and what its history shows is not said
again, not even by another child. Of a direct message the server's answer to a ping behind it is all
that one can know.
"""

import asyncio
import logging
import secrets
import time
import types
from collections.abc import Sequence
from typing import Any

import slixmpp
from errbot.backends.base import Message, Person, Room, RoomOccupant
from errbot.core import ErrBot

from bot.adapters.errbot.addressing import addressed, without_name
from bot.adapters.errbot.child import Pipe
from bot.adapters.errbot.cutting import cut, lines_of
from bot.adapters.errbot.protocol import Begun, Done, Heard, Outcome, Progress, Said, Send, Start, State
from bot.adapters.errbot.xmpp_session import NoEntry, Session, Spoken

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CONFIRM_S = 20.0
BURST = 5
# One message holds so many bytes at most; servers take 256 KiB and more.
PART_BYTES = 6_000
# No characters of XML.
_NO_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


class Xmpp(ErrBot):
    speaks_for_itself = True

    def __init__(self, config: types.ModuleType, start: Start) -> None:
        vars(config)["BOT_IDENTITY"] = {"username": start.account}
        super().__init__(config)
        self._start = start
        self._pipe: Pipe | None = None
        self._session: Session | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, list[Send]] = {}
        self._allowed, self._counted_at = float(BURST), 0.0
        self._problem = ""
        self.bot_identifier = Someone(slixmpp.JID(start.account).bare)

    def speak_through(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def say(self, said: Said) -> None:
        if self._pipe is not None:
            self._pipe.say(said)

    def serve_forever(self) -> None:
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            log.debug("we have left")

    def leave(self) -> None:
        """From any thread."""
        if self._loop is not None and self._main is not None:
            self._loop.call_soon_threadsafe(self._main.cancel)

    # the connection

    async def _run(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        pause_s = FIRST_PAUSE_S
        while True:
            session = Session(self._start, heard=self._heard, changed=self._say_state)
            try:
                if await session.open():
                    pause_s = FIRST_PAUSE_S
                    self._session, self._problem = session, ""
                    self.connect_callback()
                    self._say_state()
                    await session.stay()
            finally:
                was_in, self._session = self._session is not None, None
                self._problem = session.problem
                await session.close()
            if was_in:
                self.disconnect_callback()
            self._say_state()
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _say_state(self) -> None:
        session = self._session
        self.say(
            State(
                is_connected=session is not None,
                nickname=session.nickname if session else "",
                channels=tuple(session.rooms) if session else (),
                knows_accounts=True,
                problem=session.problem if session else self._problem,
            )
        )

    # in

    def _heard(self, spoken: Spoken) -> None:
        session = self._session
        if session is None:
            return
        text, is_called = spoken.text.strip(), False
        names = (session.rooms.get(spoken.room, session.nickname), *self._start.names)
        if not spoken.room:
            text = without_name(text, names=names)
        else:
            found = addressed(text, prefix=self._start.prefix, names=names)
            if found is None:
                return
            text, is_called = found.text, found.is_called
        heard = Heard(
            # The room's own id of it, where it gives one.
            key=f"{spoken.room}/{spoken.id}" if spoken.room and spoken.id else "",
            channel=spoken.room,
            person=spoken.person,
            name=spoken.name,
            is_vouched=spoken.is_vouched,
            is_called=is_called,
            text=text,
        )
        message = Message(text, frm=Someone(spoken.address), to=self.bot_identifier, extras={"heard": heard})
        self.callback_message(message)

    def is_from_self(self, _msg: Message) -> bool:
        return False

    # out

    def take(self, send: Send) -> None:
        """From the thread of the pipe."""
        if self._loop is None:
            self.say(Done(id=send.id, outcome=Outcome.LATER, reason="not connected"))
        else:
            self._loop.call_soon_threadsafe(self._queue, send)

    def _queue(self, send: Send) -> None:
        """Those for one room or person after each other."""
        self._waiting.setdefault(send.to, []).append(send)
        if send.to not in self._lanes:
            self._lanes[send.to] = asyncio.get_running_loop().create_task(self._work(send.to))

    async def _work(self, to: str) -> None:
        waiting = self._waiting[to]
        while waiting:
            send = waiting.pop(0)
            try:
                done = await self._sent(send)
            except NoEntry as error:
                done = Done(id=send.id, outcome=Outcome.REFUSED, reason=str(error))
            except slixmpp.InvalidJID:
                done = Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{send.to!r} is no address.")
            self.say(done)
        del self._waiting[to], self._lanes[to]

    async def _sent(self, send: Send) -> Done:
        """Raises NoEntry, InvalidJID."""
        session = self._session
        is_private = send.is_person
        slixmpp.JID(send.to)
        if session is not None and not is_private and send.to not in session.rooms:
            if "@" not in send.to:
                raise NoEntry(f"{send.to!r} is no room: rooms are written like ops@conference.example.org.")
            try:
                await session.enter(send.to)
            except TimeoutError:
                return Done(id=send.id, outcome=Outcome.LATER, reason=f"{send.to} does not answer")
        if session is None or session is not self._session:
            return Done(id=send.id, outcome=Outcome.LATER, reason="not connected")
        taken, token = 0, send.token or secrets.token_hex(8)
        for number, (text, end) in enumerate(_parts(send.lines)):
            message_id = f"{token}-{number}"
            if not session.knows(message_id):
                await self._turn()
                self.say(Begun(id=send.id))
                refusal = await self._confirmed(session, send, text, message_id)
                if refusal is None:
                    return Done(id=send.id, outcome=Outcome.UNKNOWN, lines_taken=taken)
                if refusal:
                    return Done(id=send.id, outcome=Outcome.REFUSED, lines_taken=taken, reason=refusal)
            taken = end
            self.say(Progress(id=send.id, lines_taken=taken))
        return Done(id=send.id, outcome=Outcome.SENT, lines_taken=len(send.lines))

    async def _confirmed(self, session: Session, send: Send, text: str, message_id: str) -> str | None:
        """Empty: it is there; a text: why it is not; None: nobody knows."""
        shown = session.speak(send.to, text, is_room=not send.is_person, message_id=message_id)
        if send.is_person:
            # An error would have come before the answer.
            is_alive = await session.is_alive()
            if not shown.done():
                shown.cancel()
                return "" if is_alive else None
        await asyncio.wait([shown], timeout=CONFIRM_S)
        if not shown.done():
            shown.cancel()
            return None
        return None if shown.cancelled() else shown.result()

    async def _turn(self) -> None:
        """Not more messages than the network bears."""
        rate = self._start.lines_per_s
        now = time.monotonic()
        self._allowed = min(float(BURST), self._allowed + (now - self._counted_at) * rate) - 1
        self._counted_at = now
        if self._allowed < 0:
            await asyncio.sleep(-self._allowed / rate)

    # what Errbot wants of a backend; nothing of it is used

    def build_identifier(self, text_representation: str) -> "Someone":
        return Someone(text_representation)

    def build_reply(self, msg: Message, text: Any = None, **_how: bool) -> Message:
        return Message(text, frm=msg.to, to=msg.frm)

    def prefix_groupchat_reply(self, message: Message, identifier: Any) -> None:
        """Nothing is said through Errbot."""

    def change_presence(self, status: str = "online", message: str = "") -> None:
        """We are there as long as we are."""

    def query_room(self, room: str) -> Room:
        # Errbot wants the method; only its own room commands call it, and those are off.
        raise NotImplementedError(room)

    @property
    def rooms(self) -> Sequence[Room]:
        return ()

    @property
    def mode(self) -> str:
        return "xmpp"


class Someone(RoomOccupant, Person):
    """An address, as Errbot wants to see one."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __str__(self) -> str:
        return self._address

    @property
    def person(self) -> str:
        return self._address

    client = nick = fullname = aclattr = person

    @property
    def room(self) -> Any:
        return None


def _parts(lines: Sequence[str]) -> list[tuple[str, int]]:
    """Texts of one message each, with how many of the lines are whole then."""
    parts: list[tuple[str, int]] = []
    for number, given in enumerate(lines, start=1):
        for line in (piece for one in lines_of(given) for piece in cut(one.translate(_NO_XML), PART_BYTES)):
            before = parts[-1][0] if parts else ""
            if parts and len(before.encode()) + 1 + len(line.encode()) <= PART_BYTES:
                parts[-1] = (f"{before}\n{line}", number)
            else:
                # `/me` at the start would make it something that we do.
                parts.append((f" {line}" if line.startswith("/me ") else line, number))
    return parts
