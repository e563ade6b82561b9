"""A chat that is not our own, in memory: it takes what the outbox carries, late, or not at all."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

from bot.announcer import Announcer
from bot.chat import Author, Message
from bot.commands import Commands
from bot.outbox import Carrier, Later, Letter, OutcomeUnknown, QueuedAdapter, Refused
from bot.port import Ask, Capabilities, Outgoing, Receive, Respond
from engine.service import Engine
from engine.settings.watching import TracingSettings
from tests.bot.conftest import make_settings


class Elsewhere(QueuedAdapter, Carrier):
    """`open` it with an engine; its ids are 1, 2, 3 ... in the order of its messages."""

    name = "elsewhere"

    def __init__(self, *, edits: bool = True) -> None:
        self.capabilities = Capabilities(edits=edits)
        self.said: list[tuple[str, Outgoing]] = []
        self.letters: list[Letter] = []
        """What it has, each message as it was posted or edited last."""
        self.failures = 0
        """So many are put off."""
        self.lost = 0
        """Of so many it takes the message, and its answer is lost."""
        self.refuses = ""
        """A message with this text it never takes."""
        self.changed = threading.Condition()
        self.ids: dict[str, str] = {}
        self.searches = 0

    def open(self, engine: Engine) -> None:
        super().__init__(engine, "elsewhere")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="elsewhere", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self.outbox.run(self))
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def start(self, receive: Receive, respond: Respond, ask: Ask) -> None:
        self.receive = receive
        self.respond = respond
        self.ask = ask

    def stop(self) -> None:
        """Whatever is under way is given up, as by a kill."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(self._loop)])
            self._thread.join(10)

    async def post(self, letter: Letter) -> str:
        return self._take("post", letter)

    async def edit(self, letter: Letter, message_id: str) -> str:
        return self._take("edit" if self.capabilities.edits else "post", letter, message_id)

    async def find(self, letter: Letter) -> str | None:
        self.searches += 1
        return self.ids.get(letter.key)

    def _take(self, kind: str, letter: Letter, message_id: str = "") -> str:
        with self.changed:
            if self.failures > 0:
                self.failures -= 1
                raise Later(0.05)
            if self.refuses and self.refuses in str(letter.reply):
                raise Refused("not in this chat")
            place = letter.place
            if kind == "post" and message_id and place.thread is None:
                place = replace(place, thread=message_id)
            outgoing = Outgoing(key=letter.key, place=place, reply=letter.reply, only_for=letter.only_for)
            self.said.append((kind, outgoing))
            self.letters.append(letter)
            given = message_id if kind == "edit" else str(len(self.said))
            self.ids[letter.key] = given
            self.changed.notify_all()
            if self.lost:
                self.lost -= 1
                raise OutcomeUnknown("no answer")
            return given

    def until(self, count: int, *, status: str = "") -> list[tuple[str, Outgoing]]:
        def is_there() -> bool:
            wanted = [one for one in self.said if not status or one[1].reply.status == status]
            return len(wanted) >= count

        with self.changed:
            assert self.changed.wait_for(is_there, timeout=60), self.said
            return list(self.said)


class Desk:
    """The engine with one chat of that kind."""

    def __init__(self, folder: Path, adapter: Elsewhere, *, tracing: TracingSettings | None = None) -> None:
        self.adapter = adapter
        settings = make_settings(folder)
        self.engine = Engine(settings if tracing is None else replace(settings, tracing=tracing))
        self._count = 0
        self.start()

    def start(self) -> None:
        self.engine.start()
        self.adapter.open(self.engine)
        self.announcer = Announcer(self.engine, self.adapter)
        self.announcer.start()
        commands = Commands(self.engine, self.adapter, self.announcer)
        self.adapter.start(commands.receive, commands.responses.respond, commands.responses.asked)

    def say(self, text: str, *, thread: str | None = None) -> None:
        self._count += 1
        author = Author(id="U1", name="ann", team="T")
        self.adapter.receive(
            Message(
                adapter="elsewhere",
                id=f"m{self._count}",
                channel="C",
                thread=thread,
                author=author,
                text=text,
                is_direct=True,
            )
        )

    def stop(self) -> None:
        self.announcer.stop()
        self.adapter.stop()
        self.engine.stop()

    def restart(self) -> None:
        """A new server on the same data."""
        self.stop()
        self.engine = Engine(self.engine.settings)
        self.start()
