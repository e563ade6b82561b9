"""Slack as a chat of ours: one adapter per workspace, in an event loop of its own."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import troubles
from bot.adapters.slack.carrier import SlackCarrier
from bot.adapters.slack.connection import Envelope, Sockets
from bot.adapters.slack.deliveries import EDIT, MESSAGE, SLASH, Myself, Sorter
from bot.adapters.slack.directory import Directory
from bot.adapters.slack.health import Health
from bot.adapters.slack.hearing import Hearing
from bot.adapters.slack.interactions import Interactions
from bot.adapters.slack.loop import LoopThread
from bot.adapters.slack.receiving import Receiver
from bot.chat import Author
from bot.inbox import Inbox
from bot.outbox import QueuedAdapter
from bot.port import Ask, Capabilities, Receive, Respond
from engine.chat_states import ChatState
from engine.clock import utcnow
from engine.errors import EngineError, StoreFailure
from engine.records.deliveries import Delivery
from engine.service import Engine
from engine.workspaces import Workspace

log = logging.getLogger(__name__)

CALL_S = 10.0
ANSWER_S = 2.0
FIRST_TRY_S = 3.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
STOP_S = 5.0

T = TypeVar("T")


class Away(EngineError):
    """Slack could not be asked; what was delivered stays kept."""


class SlackAdapter(QueuedAdapter):
    # What is longer than a message goes along as a file.
    capabilities = Capabilities(max_length=200_000)

    def __init__(self, engine: Engine, workspace: Workspace) -> None:
        super().__init__(engine, workspace.chat)
        self.workspace = workspace
        self._settings = engine.settings.slack
        is_socket = self._settings.mode == "socket"
        self.health = Health(chat=self.name, sockets_wanted=self._settings.sockets if is_socket else 0)
        self._loop = LoopThread(workspace.chat)
        self._inbox = Inbox(engine, workspace.chat, self._handle)
        self.interactions = Interactions(self)
        self.siblings: Sequence[SlackAdapter] = (self,)
        """Of all workspaces. One app may be in several, and then its sockets are for all of them."""
        self._receiver: Receiver | None = None
        self._main: Future[None] | None = None
        self._leave_names: Callable[[], None] = lambda: None
        self._me: Myself | None = None
        self._is_made, self._is_tried, self._is_known, self._stopping = (threading.Event() for _ in range(4))

    # the port

    def start(self, receive: Receive, respond: Respond, ask: Ask) -> None:
        self.receive, self.respond, self.ask = receive, respond, ask
        self._loop.start()
        self._loop.run(self._make(), timeout_s=CALL_S)
        self._is_made.set()
        self._main = self._loop.submit(self._run())
        self.engine.people.join(self.name, self.directory.group_members)
        self._leave_names = self.engine.names.join(self.name, self.directory)
        self._inbox.start()
        self._is_tried.wait(FIRST_TRY_S)

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._leave_names()
        # Who waits for it wakes up.
        self._is_known.set()
        # What is delivered from here on is still kept, for the next server.
        self._inbox.stop()
        if self._main is not None:
            self._main.cancel()
            try:
                self._loop.run(self._end(), timeout_s=STOP_S)
            except TimeoutError:
                log.warning("%s: what was being sent is given up", self.name)
        self._loop.stop()

    def state(self) -> ChatState:
        return self.health.state()

    def recheck(self, author: Author) -> Author:
        return self.directory.recheck(author)

    def channel_named(self, wanted: str) -> str:
        # The announcer goes on with the journal before we are there.
        if not self._is_made.wait(CALL_S):
            raise OSError(f"{self.name} has not started.")
        return self.directory.channel_named(wanted)

    # for deliveries that come over HTTP, or over the sockets of another workspace

    def is_meant(self, payload: Mapping[str, Any]) -> bool:
        """Whether it is for this workspace; also when we do not know yet who we are."""
        sorter = None if self._receiver is None else self._receiver.sorter
        return sorter is None or sorter.is_from_our_team(payload)

    def deliver(self, envelope: Envelope) -> "Future[Mapping[str, Any] | None]":
        """The body of the answer, when it is kept. Raises StoreFailure: Slack must send it again."""
        if self._receiver is None:
            raise StoreFailure(f"{self.name}: a delivery came before the start.", hint="It comes again.")
        self.health.last_event_at = utcnow()
        return self._loop.submit(self._receiver.deliver(envelope))

    async def _from_socket(self, envelope: Envelope) -> Mapping[str, Any] | None:
        meant = next((one for one in self.siblings if one.is_meant(envelope.payload)), self)
        return await asyncio.wrap_future(meant.deliver(envelope))

    def sees(self, author: Author, channel: str) -> bool:
        if not channel.startswith("D"):
            return True
        try:
            direct = self.ask_slack(lambda _web: self.directory.direct_channel(author.id), timeout_s=ANSWER_S)
        except (SlackClientError, *troubles.AWAY) as error:
            log.warning("%s: the direct channel of %s: %s", self.name, author.id, troubles.in_words(error))
            return False
        return direct == channel

    # for what buttons and forms do

    def ask_slack(
        self, question: Callable[[AsyncWebClient], Awaitable[T]], *, timeout_s: float = CALL_S
    ) -> T:
        """Call the Web API from another thread, once. Raises SlackClientError, OSError, TimeoutError."""
        return self._loop.run(_awaited(question(self._web)), timeout_s=timeout_s)

    def person(self, user_id: str) -> Author:
        """Somebody by their id; waits until Slack can be asked. Raises Away when we stop before."""
        return self._patiently(lambda: self.directory.person(user_id))

    def place_of(self, channel_id: str, user_id: str) -> str:
        """That channel where we can speak in it, else the one between that person and us; waits."""
        found = self._patiently(lambda: self.directory.channel(channel_id)) if channel_id else None
        return channel_id if found is not None and found.is_member else self.direct_channel(user_id)

    def direct_channel(self, user_id: str) -> str:
        """Between that person and us; waits as `person` does."""
        return self._patiently(lambda: self.directory.direct_channel(user_id))

    # in the loop

    async def _make(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S))
        self._socket_session = aiohttp.ClientSession()
        base_url = self._settings.base_url or AsyncWebClient.BASE_URL
        self._web = AsyncWebClient(
            token=self.workspace.bot_token,
            base_url=f"{base_url.rstrip('/')}/",
            # Its time limit counts, and none that is given here.
            session=self._session,
            # Whether a message may be sent again is ours to decide.
            retry_handlers=[],
        )
        chat = self.engine.settings.chat
        self.directory = Directory(self._web, self._loop, platform=self.name)
        called = f"@{chat.names[0]} " if chat.names else chat.prefix
        self._hearing = Hearing(self.directory, chat=self.name, called=called, prefix=chat.prefix)
        self._receiver = Receiver(
            chat=self.name, take=self._inbox.take, interactions=self.interactions, heard=self.directory.heard
        )
        self._carrier = SlackCarrier(self._web, self.directory, self.health)
        self._sockets = Sockets(
            self._web,
            self._socket_session,
            app_token=self.workspace.app_token,
            deliver=self._from_socket,
            health=self.health,
        )

    async def _run(self) -> None:
        """From our first word with Slack to `stop`."""
        while True:
            try:
                await self._introduce()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.outbox.run(self._carrier))
                    group.create_task(self._sockets.run())
            except Exception:  # whatever it is, being in the chat again is better than being away
                log.exception("%s: starting again", self.name)
                await asyncio.sleep(LONGEST_PAUSE_S)

    async def _introduce(self) -> None:
        """Returns when Slack has told us who we are."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                answer = await self._web.auth_test()
                break
            except (SlackClientError, *troubles.AWAY) as error:
                least_s = self.health.failed("questions", error)
                self._is_tried.set()
                await asyncio.sleep(max(pause_s, least_s))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        me = Myself(
            team=str(answer["team_id"]),
            user=str(answer["user_id"]),
            bot=str(answer.get("bot_id") or ""),
            name=str(answer.get("user") or ""),
            url=str(answer.get("url") or ""),
        )
        chat = self.engine.settings.chat
        self._me = self._carrier.me = me
        self.directory.team = me.team
        if self._receiver is not None:
            self._receiver.sorter = Sorter(me, prefix=chat.prefix, names=chat.names)
        self.health.mended("questions")
        log.info("%s: we are %s in %s", self.name, me.name, me.url or me.team)
        self._is_tried.set()
        self._is_known.set()

    async def _end(self) -> None:
        """After the cancellation of what ran."""
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.wait(running, timeout=STOP_S / 2) if running else None
        await self._session.close()
        await self._socket_session.close()

    # in a thread of the inbox

    def _handle(self, delivery: Delivery) -> None:
        self._is_known.wait()
        me = self._me
        if me is None:
            raise Away(f"{self.name}: stopped before Slack was reached.")
        kind, body = delivery.kind, delivery.body
        if kind in (MESSAGE, EDIT):
            self.receive(self._patiently(lambda: self._hearing.message(body, me, kind=kind)))
        elif kind == SLASH and body.get("text"):
            command = self._patiently(lambda: self._hearing.command(body))
            self.receive(command)
            self.interactions.ask_rest(command, str(body.get("trigger_id")))
        else:
            self.interactions.handle(kind, body)

    def _patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        """Asked until Slack answers, for as long as we run."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                found = self._loop.run(_awaited(question()), timeout_s=CALL_S)
            except (SlackClientError, *troubles.AWAY) as error:
                least_s = self.health.failed("questions", error)
                if self._stopping.wait(max(pause_s, least_s)):
                    raise Away(f"{self.name}: stopped before Slack could be asked.") from error
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            else:
                self.health.mended("questions")
                return found


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
