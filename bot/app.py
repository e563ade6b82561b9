"""The composition root: settings -> engine -> chats -> server; start and stop in named stages."""

import gc
import logging
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from bot.adapters.web.adapter import WebAdapter
from bot.adapters.web.app import mount
from bot.announcer import Announcer
from bot.commands import Commands
from bot.listening import Listening
from bot.logs import set_up_logging
from bot.port import ChatAdapter
from engine.api.app import create_app
from engine.api.server import server_config
from engine.clock import utcnow
from engine.errors import EngineError
from engine.metrics.log_counts import LogCounts
from engine.networks import networks
from engine.service import Engine
from engine.settings import Settings, local_url
from engine.store.vault import write_private
from engine.workspaces import workspaces

log = logging.getLogger(__name__)

# So many new objects may stand before the collector looks through them.
YOUNG_OBJECTS = 20_000


class _Server(uvicorn.Server):
    """Ends the event streams before it waits for open requests: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, *, before_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_shutdown = before_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_shutdown()
        await super().shutdown(sockets=sockets)


class App:
    """One Stormcrow: `start`, `serve` until told to stop, `stop`."""

    def __init__(self, settings: Settings) -> None:
        """Takes the ports, without listening yet, and the data folder. Raises BadSettings, StoreFailure."""
        self._networks = networks(settings)
        self._workspaces = workspaces(settings)
        self._listening = Listening(settings)
        self.settings = self._listening.settings
        try:
            self.engine = Engine(self.settings)
        except EngineError:
            self._listening.close()
            raise
        self.chats: Mapping[str, ChatAdapter] = {}
        """All that run, by their names."""
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._server: uvicorn.Server | None = None
        self._has_served = threading.Event()
        self._end_streams: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Everything but the door: the port answers only when what is behind it works."""
        self._stage("engine", self.engine.start, self.engine.stop)
        self._http = create_app(self.engine)
        self._start_chats()
        if self.settings.content.watch:
            from engine.content.watch import watch  # noqa: PLC0415 - off by default, and slow to import

            self._undo.append(("watch", watch(self._content_folders(), self.reload)))

    def serve(self, *, announce: Callable[["App"], None]) -> None:
        """Open the door, call `announce`, and block until SIGTERM or SIGINT; SIGHUP reloads content.

        For the main thread.
        """
        self._server = _Server(
            server_config(self._http, self.settings), before_shutdown=self._end_all_streams
        )
        try:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGHUP, self._reload_soon)
            # What stands now stands for good: the collector need not walk through it again and again.
            gc.collect()
            gc.freeze()
            # Fifty requests at once hold more than Python's 700, and are no garbage.
            gc.set_threshold(YOUNG_OBJECTS)
            gc.enable()
            sockets = self._listening.open()
            address = self.engine.folder / "server.url"
            write_private(address, f"{local_url(self.settings)}\n".encode())
            self._undo.append(("address", lambda: address.unlink(missing_ok=True)))
            # Behind an open port: what they ask the API waits for its answer, and is not refused.
            self._stage("sensors", self.engine.sensors.start, self.engine.sensors.stop)
            announce(self)
            self._server.run(sockets=sockets)
        finally:
            self._has_served.set()

    def _end_all_streams(self) -> None:
        self._http.stream.stop()
        self._end_streams()

    def stop(self) -> None:
        """In the opposite order of the start; a stage that fails does not keep the others up."""
        if self._server is not None:
            self._server.should_exit = True
            # Nothing is taken away from under requests that are still being answered.
            self._has_served.wait(self.settings.server.shutdown_s + 5)
        while self._undo:
            name, undo = self._undo.pop()
            try:
                undo()
            except Exception:  # the rest must stop all the same
                log.exception("stopping the %s failed", name)
        self._listening.close()

    def at_stop(self, name: str, work: Callable[[], object]) -> None:
        """Have `work` done before all else that stops."""
        self._undo.append((name, work))

    def reload(self) -> None:
        registry = self.engine.reload()
        log.info(
            "content is reloaded: %d actions, %d unavailable",
            len(registry.actions),
            len(registry.unavailable),
        )

    def _stage(self, name: str, start: Callable[[], object], stop: Callable[[], object]) -> None:
        started = utcnow()
        self._undo.append((name, stop))
        start()
        log.debug("%s: %.0f ms", name, (utcnow() - started).total_seconds() * 1000)

    def _start_chats(self) -> None:
        """The first one also says what names no chat; the page is the last, for people are in the others."""
        chats: list[ChatAdapter] = []
        if self._workspaces:
            chats += self._in_slack()
        for network in self._networks:
            from bot.adapters.errbot.adapter import ErrbotAdapter  # noqa: PLC0415 - few have such a network

            chats.append(ErrbotAdapter(self.engine, network))
        if self.settings.chat.web:
            web = WebAdapter(self.engine)
            mount(self._http, web)
            self._end_streams = web.hub.stop
            chats.append(web)
        self.chats = {one.name: one for one in chats}
        names = self._named(chats)
        for chat in chats:
            self._start_chat(chat, names)

    def _named(self, chats: Sequence[ChatAdapter]) -> Sequence[str]:
        """Their names, the one that hears what names no chat first: where people are, before our own page."""
        wanted = self.settings.chat.first
        if wanted and wanted not in self.chats:
            running = ", ".join(self.chats) or "none"
            log.warning("chat.first: there is no chat %r; those that run: %s", wanted, running)
        order = sorted(chats, key=lambda chat: (chat.name != wanted, chat.is_own))
        return [chat.name for chat in order]

    def _in_slack(self) -> Sequence[ChatAdapter]:
        # Slow to import, and not everybody's.
        from bot.adapters.slack.adapter import SlackAdapter  # noqa: PLC0415
        from bot.adapters.slack.http import mount as mount_slack  # noqa: PLC0415

        adapters = [SlackAdapter(self.engine, workspace) for workspace in self._workspaces]
        for adapter in adapters:
            adapter.siblings = adapters
        if self.settings.slack.mode == "http":
            mount_slack(self._http, adapters)
        return adapters

    def _start_chat(self, adapter: ChatAdapter, names: Sequence[str]) -> None:
        """`names`: of all chats that run."""
        self.engine.rights.join(adapter.name, adapter.channel_named)
        announcer = Announcer(self.engine, adapter, chats=names)
        commands = Commands(self.engine, adapter, announcer)
        self.engine.chats.join(adapter.name, adapter.state)
        self._stage(f"announcer of {adapter.name}", announcer.start, announcer.stop)
        responses = commands.responses
        self._stage(
            f"chat {adapter.name}",
            lambda: adapter.start(commands.receive, responses.respond, responses.asked),
            adapter.stop,
        )

    def _reload_soon(self, _number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=self.reload, name="reload", daemon=True).start()

    def _content_folders(self) -> list[Path]:
        content = self.settings.content
        return [
            self.settings.path(name)
            for name in (
                *content.packs,
                content.aliases,
                content.configs,
                content.overrides,
                content.webhooks,
                content.rights,
            )
        ]


def run(settings: Settings, *, announce: Callable[[App], None] = lambda _app: None) -> None:
    """Start, call `announce`, serve until stopped. Raises StoreFailure when it cannot start."""
    hide_in_log = set_up_logging(settings.log)
    app = App(settings)
    hide_in_log(app.engine.live_secrets.hide)
    logging.getLogger().addHandler(LogCounts(app.engine.watching.metrics))
    try:
        app.start()
        app.serve(announce=announce)
    finally:
        app.stop()
