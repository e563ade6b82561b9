"""The web chat as an adapter: a post is a row, shown to the open pages through the hub."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.adapters.web import wire
from bot.adapters.web.hub import Hub
from bot.chat import Answer, Author, Message, Place, Reply
from bot.naming import named
from bot.port import Ask, Asked, Capabilities, ChatAdapter, Outgoing, Receive, Respond
from engine.errors import StoreFailure
from engine.records.outbox import SAID
from engine.service import Engine
from engine.store import chat as store
from engine.store import journal

# Longest text in one message; what is longer is read in the execution's details.
MAX_LENGTH = 200_000
CHANNEL_LENGTH = 40
_NOT_IN_CHANNELS = re.compile(r"[^a-z0-9_-]+")


def message_id(key: str) -> str:
    """24 hexadecimal characters, the same for the same delivery: a message sent twice is one."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _place(outgoing: Outgoing) -> Place:
    """What is for one person stands in the channel that they alone see."""
    place, private = outgoing.place, f"@{outgoing.only_for}"
    if not outgoing.only_for or place.channel == private:
        return place
    return Place(channel=private, reply_to=place.reply_to)


class WebAdapter(ChatAdapter):
    """`bot.adapters.web.app.mount` puts its pages into the server."""

    name = "web"
    capabilities = Capabilities(max_length=MAX_LENGTH)
    is_own = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.hub = Hub(engine.database, self.name)
        self._receive: Receive | None = None
        self._respond: Respond | None = None
        self._ask: Ask | None = None
        # Channels are never taken away, so what was seen once is there.
        self._channels: set[str] = set()

    def start(self, receive: Receive, respond: Respond, ask: Ask) -> None:
        for channel in self.engine.settings.chat.channels:
            self.ensure_channel(channel, made_by=wire.BOT)
        self.hub.start()
        self._receive = receive
        self._respond = respond
        self._ask = ask

    def stop(self) -> None:
        self._receive = None
        self._respond = None
        self._ask = None
        self.hub.stop()

    def deliver(self, message: Message) -> None:
        """Returns when the message and what it asks for are committed."""
        if self._receive is None:
            raise StoreFailure("The server is starting or stopping.", hint="Send it again in a moment.")
        self._receive(message)

    def answer(self, answer: Answer) -> Reply:
        """What came of it, for the person who answered. Raises EngineError."""
        if self._respond is None:
            raise StoreFailure("The server is starting or stopping.", hint="Try again in a moment.")
        return self._respond(answer)

    def asked(self, prompt_id: str, author: Author) -> Asked:
        """What a prompt asks of this person. Raises EngineError."""
        if self._ask is None:
            raise StoreFailure("The server is starting or stopping.", hint="Try again in a moment.")
        return self._ask(prompt_id, author)

    def ensure_channel(self, channel: str, *, made_by: str) -> None:
        """Make the channel where it is not there yet."""
        if channel in self._channels:
            return
        with self.engine.database.read() as connection:
            is_known = store.has_channel(connection, self.name, channel)
        if not is_known:
            self.engine.database.write(
                lambda connection: store.ensure_channel(connection, self.name, channel, made_by=made_by)
            )
        self._channels.add(channel)

    def channel_named(self, wanted: str) -> str:
        """`#Web Team` is web-team; what begins with @ is somebody's direct channel."""
        if wanted.startswith("@"):
            return wanted
        plain = _NOT_IN_CHANNELS.sub("-", wanted.strip().lower()).strip("-_")
        return plain[:CHANNEL_LENGTH]

    def message_id(self, key: str) -> str:
        return message_id(key)

    def posting_job(self, outgoing: Sequence[Outgoing]) -> Callable[[Connection], object]:
        placed = [
            replace(one, place=_place(one), reply=named(one.reply, self.engine.names, chat=self.name))
            for one in outgoing
        ]
        ready = [
            (wire.bot_message(one, adapter=self.name, message_id=message_id(one.key)), one.may_replace)
            for one in placed
        ]
        answered = [one.answers for one in placed if one.answers]
        # Not remembered as made: the transaction may still fail.
        new_channels = {one.place.channel for one in placed} - self._channels

        def job(connection: Connection) -> None:
            for channel in sorted(new_channels):
                store.ensure_channel(connection, self.name, channel, made_by=wire.BOT)
            for message, may_replace in ready:
                if may_replace:
                    store.put(connection, message)
                else:
                    store.add(connection, message, is_shown=True)
            for execution_id in answered:
                # The row is the message.
                journal.mention(connection, SAID, execution_id, {})

        return job

    def show(self, outgoing: Outgoing) -> None:
        """Only the open pages see it; nothing is written."""
        place = outgoing.place
        data = {
            "id": message_id(outgoing.key),
            "channel": place.channel,
            "thread": place.thread,
            "body": wire.posted_body(outgoing),
        }
        self.hub.flash(place.channel, "live", data)
