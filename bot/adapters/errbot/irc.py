"""Errbot's IRC backend, mended: our connection in it, and what is sent goes past its rendering."""

import types
from collections import deque
from dataclasses import dataclass
from typing import Any

from errbot.backends.base import Message
from errbot.backends.irc import IRCBackend, IRCPerson, IRCRoom, IRCRoomOccupant

from bot.adapters.errbot.addressing import addressed, without_name
from bot.adapters.errbot.child import Pipe
from bot.adapters.errbot.irc_connection import IrcConnection
from bot.adapters.errbot.irc_people import Whois
from bot.adapters.errbot.irc_queue import room_bytes
from bot.adapters.errbot.protocol import Done, Heard, Outcome, Said, Send, Start

# So many messages wait for what the server knows of their authors; the others are from nobody it vouches for.
_WAITING_LIMIT = 100
# Somebody who is away is looked for again after so long, in seconds.
_ABSENT_S = 60.0
_CHANNELS = "#&+!"


@dataclass(slots=True, kw_only=True)
class _Unsure:
    """A message whose author is being asked for; messages go on in their order."""

    event: Any
    channel: str
    text: str
    is_called: bool
    account: str | None = None
    """None: not known yet."""


class Irc(IRCBackend):
    speaks_for_itself = True

    def __init__(self, config: types.ModuleType, start: Start) -> None:
        vars(config)["BOT_IDENTITY"] = {"nickname": start.nickname, "server": start.server}
        self._pipe: Pipe | None = None
        self._start = start
        self._unsure: deque[_Unsure] = deque()
        super().__init__(config)
        # In the place of the one that Errbot has made, which has connected to nothing yet.
        self.conn = IrcConnection(self, start)

    def speak_through(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def say(self, said: Said) -> None:
        if self._pipe is not None:
            self._pipe.say(said)

    def serve_forever(self) -> None:
        self.conn.start()

    def leave(self) -> None:
        self.conn.call(self.conn.leave)

    def is_from_self(self, msg: Message) -> bool:
        return bool(msg.frm.nick == self.conn.connection.get_nickname())

    # in

    def said(self, event: Any, *, channel: str) -> None:
        """A PRIVMSG. `channel` is empty for what is said to us alone."""
        if event.source is None or not event.source.userhost:
            # The server itself.
            return
        text, is_called = event.arguments[0].strip(), False
        names = (self.conn.connection.get_nickname(), *self._start.names)
        if not channel:
            text = without_name(text, names=names)
        else:
            found = addressed(text, prefix=self._start.prefix, names=names)
            if found is None:
                return
            text, is_called = found.text, found.is_called
        tags = {tag["key"]: tag["value"] for tag in event.tags or ()}
        unsure = _Unsure(event=event, channel=channel.lower(), text=text, is_called=is_called)
        if self.conn.tags_accounts:
            unsure.account = tags.get("account") or ""
        elif len(self._unsure) >= _WAITING_LIMIT:
            unsure.account = ""
        self._unsure.append(unsure)
        if unsure.account is None:
            self.conn.people.ask(event.source.nick, lambda whois: self._known(unsure, whois))
        self._deliver()

    def _known(self, unsure: _Unsure, whois: Whois) -> None:
        # Somebody else may have the nickname by now.
        is_same = whois.user_host == unsure.event.source.userhost
        unsure.account = whois.account if is_same else ""
        self._deliver()

    def _deliver(self) -> None:
        while self._unsure and self._unsure[0].account is not None:
            one = self._unsure.popleft()
            source = one.event.source
            whois = Whois(nick=source.nick, user_host=source.userhost, account=one.account or "")
            self.conn.people.seen(whois.person, source.nick)
            heard = Heard(
                key="",
                channel=one.channel,
                person=whois.person,
                name=source.nick,
                is_vouched=bool(one.account),
                is_bot="bot" in {tag["key"] for tag in one.event.tags or ()},
                is_called=one.is_called,
                text=one.text,
            )
            self.callback_message(self._message(one, heard))

    def _message(self, one: _Unsure, heard: Heard) -> Message:
        message = Message(one.text, extras={"heard": heard})
        if one.channel:
            room = IRCRoom(one.channel, self)
            message.frm = IRCRoomOccupant(one.event.source, room)
            message.to = room
        else:
            message.frm = IRCPerson(one.event.source)
            message.to = self.bot_identifier
        return message

    # out

    def take(self, send: Send) -> None:
        """From the thread of the pipe."""
        if self.conn.is_welcome:
            self.conn.call(lambda: self._queue(send))
        else:
            self.say(Done(id=send.id, outcome=Outcome.LATER, reason="not connected"))

    def _queue(self, send: Send) -> None:
        if not self.conn.is_welcome:
            self.say(Done(id=send.id, outcome=Outcome.LATER, reason="not connected"))
        elif send.is_person:
            nick = self.conn.people.nick_of(send.to)
            if not _is_nickname(nick):
                self.say(Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{send.to!r} is nobody on IRC."))
                return
            self.conn.people.ask(nick, lambda whois: self._to_person(send, whois))
        elif not _is_channel(send.to):
            self.say(Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{send.to!r} is no channel of IRC."))
        else:
            # The server does one after the other: in a channel that lets us in the lines follow.
            self.conn.join(send.to)
            self._lines(send, send.to)

    def _to_person(self, send: Send, whois: Whois) -> None:
        """Only to the person who is meant: somebody else may have the nickname by now."""
        if whois.user_host and whois.person == send.to:
            self._lines(send, whois.nick)
        elif not self.conn.is_welcome or "!" not in send.to:
            reason = f"{send.to} is not here"
            self.say(Done(id=send.id, outcome=Outcome.LATER, reason=reason, retry_after_s=_ABSENT_S))
        else:
            self.say(Done(id=send.id, outcome=Outcome.REFUSED, reason=f"{send.to} is not here any more."))

    def _lines(self, send: Send, target: str) -> None:
        if not self.conn.is_welcome:
            self.say(Done(id=send.id, outcome=Outcome.LATER, reason="not connected"))
            return
        nickname = self.conn.connection.get_nickname()
        limit = room_bytes(target, nickname=nickname, user_host=self.conn.user_host)
        self.conn.queue.add(send, target, max(limit, 64))


def _is_channel(name: str) -> bool:
    return name[:1] in _CHANNELS and len(name) > 1 and not set(name) & set(" ,\x07\r\n\0:")


def _is_nickname(name: str) -> bool:
    return bool(name) and name[0] not in _CHANNELS + ":" and not set(name) & set(" ,!@*?\r\n\0")
