"""One network of Errbot as a chat of ours: its child process, its boxes, and an event loop for both."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from bot.adapters.errbot.carrier import DIRECT, ErrbotCarrier
from bot.adapters.errbot.dialogues import Dialogues
from bot.adapters.errbot.process import Child
from bot.adapters.errbot.protocol import Heard, Start, State
from bot.chat import Author, Message, Place, Standing
from bot.inbox import Inbox
from bot.outbox import QueuedAdapter
from bot.port import Ask, Capabilities, Outgoing, Receive, Respond
from engine.chat_states import ChatState
from engine.clock import utcnow
from engine.errors import StoreFailure
from engine.networks import IRC, XMPP, Network
from engine.records.deliveries import Delivery
from engine.service import Engine
from engine.settings import Settings

log = logging.getLogger(__name__)

_MAX_LENGTH = 20_000
# How long a start waits for the network: long enough for a near one.
FIRST_TRY_S = 3.0
STOP_S = 10.0
_PAUSE_S = 5.0
# Our names for the backends that Errbot has under others.
_BACKENDS = {IRC: "IRC", XMPP: "XMPP"}
_MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How it stands with a network."""

    is_connected: bool
    nickname: str
    channels: tuple[str, ...]
    knows_accounts: bool
    """Whether the network says who somebody is; without that nobody can approve there."""
    problem: str
    pid: int
    """0: no child runs."""
    restarts: int


class ErrbotAdapter(QueuedAdapter):
    capabilities = Capabilities(threads=False, edits=False, buttons=False, max_length=_MAX_LENGTH)

    def __init__(self, engine: Engine, network: Network) -> None:
        super().__init__(engine, network.chat)
        self._network = network
        if network.password:
            engine.live_secrets.note([network.password])
        self._chat = engine.settings.chat
        self._inbox = Inbox(engine, network.chat, self._handle)
        self._receive: Receive | None = None
        self._dialogues: Dialogues | None = None
        self._child: Child | None = None
        self._main: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Without their keys.
        self._wanted = tuple(one.strip().partition(" ")[0].lower() for one in network.channels)
        self._was_connected = False
        self._away_since = utcnow()
        self._is_tried = threading.Event()
        self._thread = threading.Thread(target=self._work, name=network.chat, daemon=True)

    # the port

    def start(self, receive: Receive, respond: Respond, ask: Ask) -> None:
        self._receive = receive
        self._dialogues = Dialogues(
            self.engine, self.name, posting_job=super().posting_job, respond=respond, ask=ask
        )
        self._inbox.start()
        self._thread.start()
        self._is_tried.wait(FIRST_TRY_S)

    def stop(self) -> None:
        loop, main = self._loop, self._main
        self._inbox.stop()
        if self._thread.is_alive() and loop is not None and main is not None:
            loop.call_soon_threadsafe(main.cancel)
            self._thread.join(STOP_S)
            if self._thread.is_alive():
                log.warning("%s: the child does not end; it ends with us", self.name)

    def posting_job(self, outgoing: Sequence[Outgoing]) -> Callable[[Connection], object]:
        placed = [replace(one, place=_place(one)) for one in outgoing]
        post = super().posting_job(placed)
        if self._dialogues is None:
            return post
        begin = self._dialogues.job(placed)

        def job(connection: Connection) -> None:
            for work in (post, *begin):
                work(connection)

        return job

    def channel_named(self, wanted: str) -> str:
        """`ops` is #ops on IRC; what begins with @ is one person."""
        name = wanted.strip()
        if not name or name.startswith(DIRECT) or self._network.backend != IRC:
            return name
        name = name.replace(" ", "-").lower()
        return name if name[0] in "#&+!" else f"#{name}"

    def health(self) -> Health:
        child = self._child
        state = child.state if child is not None else State(is_connected=False)
        return Health(
            is_connected=state.is_connected,
            nickname=state.nickname,
            channels=state.channels,
            knows_accounts=state.knows_accounts,
            problem=state.problem,
            pid=child.pid if child is not None else 0,
            restarts=child.restarts if child is not None else 0,
        )

    def state(self) -> ChatState:
        now = self.health()
        parts = (
            [f"as {now.nickname}, in {', '.join(now.channels) or 'no channel'}"] if now.is_connected else []
        )
        missing = [one for one in self._wanted if one not in now.channels] if now.is_connected else []
        trouble = now.problem or (f"not in {', '.join(missing)}" if missing else "")
        if now.is_connected and not now.knows_accounts:
            parts.append("asks the network who people are, with each message")
        if now.restarts:
            parts.append(f"{now.restarts} restarts of its process")
        return ChatState(
            name=self.name,
            is_up=now.is_connected,
            about="; ".join(parts),
            trouble=trouble or ("" if now.is_connected else "not connected"),
            since=None if now.is_connected else self._away_since,
            connections=int(now.is_connected),
            connections_wanted=1,
        )

    # the loop

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except asyncio.CancelledError:
            log.debug("%s: stopped", self.name)

    async def _run(self) -> None:
        self._main = asyncio.current_task()
        child = Child(
            start_of(self._network, names=self._chat.names, prefix=self._chat.prefix),
            python=interpreter(self.engine.settings),
            heard=self._heard,
            changed=self._changed,
        )
        carrier = ErrbotCarrier(child, prefix=self._chat.prefix, max_lines=self._network.max_lines)
        self._child = child
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(child.run())
                    group.create_task(self.outbox.run(carrier))
            except Exception:  # whatever it is, being in the chat again is better than being away
                log.exception("%s: starting again", self.name)
                await asyncio.sleep(_PAUSE_S)

    def _changed(self, state: State) -> None:
        self._is_tried.set()
        if self._was_connected and not state.is_connected:
            self._away_since = utcnow()
        self._was_connected = state.is_connected
        if state.is_connected:
            where = ", ".join(state.channels) or "no channel yet"
            log.info("%s: connected as %s, in %s", self.name, state.nickname, where)
        if state.problem:
            log.warning("%s: %s", self.name, state.problem)

    # in

    def _heard(self, heard: Heard) -> None:
        body = asdict(heard)
        lane = heard.channel or f"{DIRECT}{heard.person}"
        delivery = Delivery(key=heard.key, lane=lane, kind=_MESSAGE, body=body)
        taken = self._inbox.take(delivery)
        taken.add_done_callback(lambda done: self._taken(heard.key, done))

    def _taken(self, key: str, done: "Future[bool]") -> None:
        """It is committed, or known already; without an acknowledgement it comes again."""
        error = done.exception()
        if error is not None:
            log.warning("%s: a message could not be kept, and will come again: %s", self.name, error)
        elif self._child is not None:
            self._child.acknowledge(key)

    def _handle(self, delivery: Delivery) -> None:
        """In a thread of the inbox. Raises StoreFailure."""
        if self._receive is None or self._dialogues is None:
            raise StoreFailure(f"{self.name}: the chat has not started.")
        message = self._message(Heard(**delivery.body))
        if not self._dialogues.take(message):
            self._receive(message)

    def _message(self, heard: Heard) -> Message:
        text = heard.text
        if heard.is_called and not text.startswith(self._chat.prefix or " "):
            # By the name that the network knows us by; the settings have another.
            text = f"@{self._chat.names[0]} {text}" if self._chat.names else f"{self._chat.prefix}{text}"
        return Message(
            adapter=self.name,
            id=heard.key,
            channel=heard.channel or f"{DIRECT}{heard.person}",
            author=Author(
                id=heard.person,
                name=heard.name,
                standing=Standing.BOT if heard.is_bot else Standing.MEMBER,
                team=self._network.team,
                is_vouched=heard.is_vouched,
            ),
            text=text,
            is_direct=not heard.channel,
            delivery_key=heard.key,
        )


def _place(outgoing: Outgoing) -> Place:
    """What is for one person is said to them alone; there are no threads."""
    if outgoing.only_for:
        return Place(channel=f"{DIRECT}{outgoing.only_for}", reply_to=outgoing.place.reply_to)
    return replace(outgoing.place, thread=None)


def interpreter(settings: Settings) -> str:
    """What runs the child; empty: what runs us."""
    named = settings.errbot.python
    # Not resolved: the link is what makes it the interpreter of its environment.
    return str(settings.root.absolute() / named) if named else ""


def start_of(network: Network, *, names: Sequence[str], prefix: str) -> Start:
    """What its child is told first, over the pipe."""
    return Start(
        network=network.chat,
        backend=_BACKENDS.get(network.backend, network.backend),
        server=network.server,
        port=network.port,
        tls=network.tls,
        ca_file=network.ca_file,
        nickname=network.nickname,
        account=network.account,
        password=network.password,
        login=network.login,
        channels=network.channels,
        lines_per_s=network.lines_per_s,
        prefix=prefix,
        names=tuple(names),
        repeat_after_s=network.repeat_after_s,
        options=dict(network.options),
    )
