"""A connection to an IRC server that notices its end soon, comes back soon, and knows who speaks.

It stands in the place of the connection of Errbot 6.2.1, which comes back after 50 to 60 s, waits in
`select` for 0.2 s at a time, checks no certificate, and fails on lines of more than 512 bytes. One
thread does everything; `wake` is for the others.
"""

import heapq
import itertools
import logging
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from errbot.backends.irc import IRCConnection

from bot.adapters.errbot.irc_line import NoStrategy, Reactor
from bot.adapters.errbot.irc_login import ACCOUNT_TAG, Login
from bot.adapters.errbot.irc_people import People
from bot.adapters.errbot.irc_queue import LineQueue
from bot.adapters.errbot.protocol import Start, State

log = logging.getLogger(__name__)

# A server that says nothing for so long is asked, and given up when it says nothing then either.
PING_AFTER_S = 20.0
GIVE_UP_AFTER_S = 10.0
WELCOME_WITHIN_S = 30.0
CONNECT_TIMEOUT_S = 10.0
# The pause before a connection is tried again doubles from the first to the longest.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
REJOIN_S = 5.0
RETRY_JOIN_S = 30.0
RETRY_NICK_S = 60.0
_NO_ENTRY: Mapping[str, str] = {
    "nosuchchannel": "there is no such channel",
    "toomanychannels": "we are in too many channels",
    "unavailresource": "the channel is not available now",
    "channelisfull": "the channel is full",
    "inviteonlychan": "we are not invited",
    "bannedfromchan": "we are banned",
    "badchannelkey": "the channel has another key",
    "badchanmask": "that is no name of a channel",
    "477": "only those who are logged in may enter",
}


class IrcConnection(IRCConnection):
    reactor_class = Reactor

    def __init__(self, bot: Any, start: Start) -> None:
        super().__init__(
            bot,
            start.nickname,
            start.server,
            port=start.port or (6697 if start.tls else 6667),
            password=start.password if start.login == "server" else None,
            private_rate=None,
            channel_rate=None,
        )
        self._start = start
        self._port = start.port or (6697 if start.tls else 6667)
        # Its own strategy waits a minute.
        self.recon = NoStrategy()
        self.people = People(self._send_counted, self.at)
        self.queue = LineQueue(write=self._send, say=bot.say, lines_per_s=start.lines_per_s)
        self._wanted = dict(_channel_and_key(one) for one in start.channels)
        self._login = self._new_login()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._tries = 0
        self._is_leaving = False
        self.is_welcome = False
        self.user_host = ""
        self._joined: dict[str, None] = {}
        self._problem = ""
        self._heard_at = 0.0
        self._asked_at = 0.0

    # the loop

    def start(self) -> None:
        """Connect, and stay connected; returns after `leave`."""
        self._open()
        while not self._is_leaving:
            self._wait()
            while self._calls:
                self._calls.popleft()()
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
            self._look_after(now)
            if self.is_welcome:
                self.queue.pump(now)

    def call(self, work: Callable[[], None]) -> None:
        """Have `work` done by the thread of the connection. From any thread."""
        self._calls.append(work)
        try:
            self._wake_out.send(b"x")
        except BlockingIOError:
            # It is full of wake-ups already.
            return

    def leave(self) -> None:
        self._is_leaving = True
        self.connection.disconnect("Stormcrow is stopped")

    def at(self, delay_s: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), work))

    def _wait(self) -> None:
        now = time.monotonic()
        dues = [self._timers[0][0] - now] if self._timers else []
        if self.connection.is_connected():
            dues.append(self._silence_due() - now)
        queued = self.queue.due_in(now) if self.is_welcome else None
        dues += [queued] if queued is not None else []
        sockets = self.reactor.sockets
        timeout_s = max(0.0, min(dues)) if dues else None
        readable, _, _ = select.select([self._wake_in, *sockets], [], [], timeout_s)
        if self._wake_in in readable:
            self._wake_in.recv(4096)
        ready = [one for one in sockets if one in readable]
        while ready:
            self.reactor.process_data(ready)
            # What is decrypted already shows in no select.
            ready = [one for one in self.reactor.sockets if isinstance(one, ssl.SSLSocket) and one.pending()]

    # connecting

    def _open(self) -> None:
        if self._is_leaving or self.connection.is_connected():
            return
        self._login = self._new_login()
        self._heard_at, self._asked_at = time.monotonic(), 0.0
        self.at(WELCOME_WITHIN_S, self._check_welcome)
        self._connect()

    def connect(self, *args: Any, **kwargs: Any) -> None:
        self.connection.buffer_class.errors = "replace"
        self.connection.connect(*args, connect_factory=self._socket, **kwargs)

    def _socket(self, _address: tuple[str, int]) -> socket.socket:
        where = (self._start.server, self._port)
        try:
            made = socket.create_connection(where, timeout=CONNECT_TIMEOUT_S)
        except OSError as error:
            self._problem = f"{self._start.server}:{self._port}: {error}"
            raise
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._start.tls:
                context = ssl.create_default_context(cafile=self._start.ca_file or None)
                made = context.wrap_socket(made, server_hostname=self._start.server)
            # Before NICK and USER: the server then waits for the end of the negotiation.
            made.sendall(b"CAP LS 302\r\n")
        except OSError as error:
            made.close()
            self._problem = f"{self._start.server}:{self._port}: {error}"
            raise
        return made

    def _new_login(self) -> Login:
        return Login(
            account=self._start.account,
            password=self._start.password,
            uses_sasl=self._start.login == "sasl",
            write=self._send,
            fail=self.say_state,
        )

    def _fail(self, problem: str) -> None:
        self._problem = problem
        self.say_state()

    def _check_welcome(self) -> None:
        if self.connection.is_connected() and not self.is_welcome:
            self.connection.disconnect("The server let us not in in time")

    def _said_disconnect(self, event: Any) -> None:
        was_welcome, self.is_welcome = self.is_welcome, False
        self._joined.clear()
        if event.arguments and event.arguments[0]:
            self._problem = str(event.arguments[0])
        self._tries = 1 if was_welcome else self._tries + 1
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._tries - 1, 10))
        if not self._is_leaving:
            log.info("not connected (%s); trying again in %.1f s", self._problem or "closed", pause_s)
        self.people.forget()
        self.queue.broken()
        if was_welcome:
            self.bot.disconnect_callback()
        self.say_state()
        if not self._is_leaving:
            self.at(pause_s, self._open)

    def _said_welcome(self, _event: Any) -> None:
        self.is_welcome = True
        self._tries = 0
        self._problem = ""
        start = self._start
        if start.login == "nickserv" and start.password:
            self._send_counted(
                f"PRIVMSG NickServ :IDENTIFY {start.account} {start.password}".replace("  ", " ")
            )
        self.bot.connect_callback()
        self._learn_own_address()
        for channel in self._wanted:
            self.join(channel)
        if self.connection.get_nickname() != start.nickname:
            self.at(RETRY_NICK_S, self._retry_nick)
        self.say_state()

    def _learn_own_address(self) -> None:
        nickname = self.connection.get_nickname()

        def known(whois: Any) -> None:
            self.user_host = whois.user_host

        self.people.ask(nickname, known)

    def _said_nicknameinuse(self, event: Any) -> None:
        if not self.is_welcome:
            # The ghost of our last connection has it, or somebody else.
            taken = event.arguments[0] if event.arguments else self._start.nickname
            self.connection.nick(f"{taken}_")

    def _retry_nick(self) -> None:
        if self.is_welcome and self.connection.get_nickname() != self._start.nickname:
            self._send_counted(f"NICK {self._start.nickname}")
            self.at(RETRY_NICK_S, self._retry_nick)

    # keeping it alive

    def _said_all_raw_messages(self, _event: Any) -> None:
        self._heard_at, self._asked_at = time.monotonic(), 0.0

    def _silence_due(self) -> float:
        return self._asked_at + GIVE_UP_AFTER_S if self._asked_at else self._heard_at + PING_AFTER_S

    def _look_after(self, now: float) -> None:
        if not self.connection.is_connected() or now < self._silence_due():
            return
        if self._asked_at:
            self.connection.disconnect("The server says nothing any more")
            return
        self._asked_at = now
        if self.is_welcome:
            self._send_counted("PING :alive")

    def _said_pong(self, event: Any) -> None:
        self.queue.pong(event.arguments[-1] if event.arguments else "")

    def _said_error(self, event: Any) -> None:
        self._problem = str(event.target or "")
        self.connection.disconnect(self._problem)

    # channels

    def join(self, channel: str) -> None:
        if self.is_welcome and channel.lower() not in self._joined:
            self._send_counted(f"JOIN {channel} {self._wanted.get(channel, '')}".rstrip())

    def is_in(self, channel: str) -> bool:
        return channel.lower() in self._joined

    def _said_join(self, event: Any) -> None:
        if event.source.nick == self.connection.get_nickname():
            self._joined[event.target.lower()] = None
            self._problem = ""
            self.user_host = event.source.userhost or self.user_host
            self.say_state()

    def _said_part(self, event: Any) -> None:
        if event.source.nick == self.connection.get_nickname():
            self._left(event.target)

    def _said_kick(self, event: Any) -> None:
        if event.arguments and event.arguments[0] == self.connection.get_nickname():
            self._left(event.target)

    def _left(self, channel: str) -> None:
        self._joined.pop(channel.lower(), None)
        self.say_state()
        self.at(REJOIN_S, lambda: self._rejoin(channel))

    def _rejoin(self, channel: str) -> None:
        for wanted in self._wanted:
            if wanted.lower() == channel.lower():
                self.join(wanted)

    def no_entry(self, channel: str, reason: str) -> None:
        self._fail(f"{channel} cannot be entered: {reason}.")
        self.queue.refused(channel, f"{channel} cannot be entered: {reason}.", is_closed=True)
        self.at(RETRY_JOIN_S, lambda: self._rejoin(channel))

    def _said_nick(self, event: Any) -> None:
        if event.target == self.connection.get_nickname():
            self.say_state()

    # what the server says to itself or to us

    def _said_cap(self, event: Any) -> None:
        self._login.capability(event.arguments)

    def _said_authenticate(self, event: Any) -> None:
        self._login.authenticate(str(event.target or ""))

    def _said_saslsuccess(self, _event: Any) -> None:
        self._login.authenticated()

    def _said_whoisuser(self, event: Any) -> None:
        nick, user, host = event.arguments[:3]
        self.people.user(nick, user, host)

    def _said_whoisaccount(self, event: Any) -> None:
        self.people.account(*event.arguments[:2])

    def _said_endofwhois(self, event: Any) -> None:
        self.people.end(event.arguments[0])

    def _said_cannotsendtochan(self, event: Any) -> None:
        self.queue.refused(event.arguments[0], _last(event, "we may not speak there"))

    def _said_nosuchnick(self, event: Any) -> None:
        self.queue.refused(event.arguments[0], _last(event, "there is no such nickname or channel"))

    def _dispatcher(self, _connection: Any, event: Any) -> None:
        """Every event comes here; what Errbot does with topics, notices and files is not done."""
        if event.type in _NO_ENTRY and event.arguments:
            self.no_entry(event.arguments[0], _NO_ENTRY[event.type])
        elif event.type in ("saslfail", "nicklocked", "sasltoolong", "saslaborted"):
            self._login.refused(_last(event, ""))
        elif handler := getattr(self, f"_said_{event.type}", None):
            handler(event)

    # what people say

    def _said_pubmsg(self, event: Any) -> None:
        self.bot.said(event, channel=event.target)

    def _said_privmsg(self, event: Any) -> None:
        self.bot.said(event, channel="")

    @property
    def tags_accounts(self) -> bool:
        return ACCOUNT_TAG in self._login.enabled

    # sending

    def _send(self, line: str) -> None:
        if self.connection.is_connected():
            self.connection.send_raw(line)

    def _send_counted(self, line: str) -> None:
        self.queue.spend()
        self._send(line)

    def say_state(self) -> None:
        self.bot.say(
            State(
                is_connected=self.is_welcome,
                nickname=self.connection.get_nickname() if self.is_welcome else "",
                channels=tuple(self._joined),
                knows_accounts=self.tags_accounts,
                problem=self._problem or self._login.problem,
            )
        )


def _channel_and_key(written: str) -> tuple[str, str]:
    """`#ops` or `#ops key`."""
    channel, _, key = written.strip().partition(" ")
    return channel, key.strip()


def _last(event: Any, default: str) -> str:
    return str(event.arguments[-1]) if len(event.arguments) > 1 else default
