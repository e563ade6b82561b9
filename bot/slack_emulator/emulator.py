"""A whole Slack in this process, on a free port of the loopback interface and in a thread of its own."""

from types import TracebackType
from typing import Self

from aiohttp import web

from bot.slack_emulator.acting import Acting
from bot.slack_emulator.api import WebApi
from bot.slack_emulator.control import Control
from bot.slack_emulator.deliveries import Deliveries
from bot.slack_emulator.faults import Faults
from bot.slack_emulator.founding import Founding
from bot.slack_emulator.hooks import Hooks
from bot.slack_emulator.http_mode import Requests
from bot.slack_emulator.interactions import Interactions
from bot.slack_emulator.looking import Looking
from bot.slack_emulator.loop import LoopThread
from bot.slack_emulator.rates import Rates
from bot.slack_emulator.site import Site
from bot.slack_emulator.sockets import Sockets
from bot.slack_emulator.switches import Limits, Timing
from bot.slack_emulator.trouble import Trouble
from bot.slack_emulator.uploads import Uploads
from bot.slack_emulator.world import App, World

_UPLOAD_MAX_BYTES = 64 * 1024 * 1024


class Emulator(Founding, Acting, Looking):
    """`with Emulator() as slack:` is a Slack with one workspace and our app in it, and nobody else yet.

    Everything in it may be called from any thread but the app's own event loop: it waits for the app.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        team: str = "Crow Works",
        timing: Timing | None = None,
        limits: Limits | None = None,
        secret: str = "",
    ) -> None:
        """`secret`: the same gives the same tokens again; empty: new ones."""
        self._port = port
        self._first_team = team
        self._thread = LoopThread()
        self._timing = timing or Timing()
        self._limits = limits or Limits()
        world = World(self._thread.touch, secret=secret)
        faults = Faults()
        deliveries = Deliveries(self._timing, faults, self._thread.touch)
        self._site = Site(
            world=world,
            timing=self._timing,
            limits=self._limits,
            faults=faults,
            rates=Rates(self._limits),
            deliveries=deliveries,
        )
        self._interactions = Interactions(self._site)
        self._requests: dict[str, Requests] = {}

    def start(self) -> None:
        """Raises OSError: the port is taken."""
        self._thread.start()
        try:
            self._thread.wait(self._start())
        except OSError:
            self._thread.wait(self._runner.cleanup())
            self._thread.stop()
            raise
        self.team = self.add_team(self._first_team)
        """The id of the first workspace."""
        self.trouble = Trouble(self._thread, self._site, self._sockets)

    async def _start(self) -> None:
        site = self._site
        self._sockets = Sockets(
            deliveries=site.deliveries,
            faults=site.faults,
            limits=site.limits,
            touch=self._thread.touch,
        )
        site.deliveries.sockets = self._sockets
        self._api = WebApi(site, self._sockets)
        app = web.Application(client_max_size=_UPLOAD_MAX_BYTES)
        app.router.add_route("*", "/api/{method}", self._api.answer)
        app.router.add_get("/link/", self._sockets.connect)
        app.router.add_post("/hooks/{key:.+}", Hooks(site).answer)
        app.router.add_post("/upload/v1/{key}", Uploads(site).answer)
        Control(self).add_to(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        listening = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await listening.start()
        self._port = self._runner.addresses[0][1]
        site.url = f"http://127.0.0.1:{self._port}/"

    def stop(self) -> None:
        self._thread.wait(self._stop())
        self._thread.stop()

    async def _stop(self) -> None:
        self._api.stopping.set()
        await self._site.deliveries.stop()
        await self._sockets.stop()
        for carrier in self._requests.values():
            await carrier.stop()
        await self._runner.cleanup()

    def use_http(self, url: str, *, team: str = "") -> bool:
        """Deliver to this URL from now on, if it answers Slack's challenge; empty: over sockets again."""
        return self._thread.wait(self._use_http(url, team))

    async def _use_http(self, url: str, team: str) -> bool:
        app = self._site.world.apps[self._team(team).app]
        over_http = self._site.deliveries.over_http
        over_http.pop(app.id, None)
        former = self._requests.pop(app.id, None)
        if former is not None:
            await former.stop()
        if not url:
            return True
        self._requests[app.id] = Requests(self._site, url, app)
        if not await self._requests[app.id].verify():
            return False
        over_http[app.id] = self._requests[app.id]
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what the app is configured with

    @property
    def url(self) -> str:
        """The base URL of the Web API, as slack_sdk wants it: with `/api/` at its end."""
        return f"{self._site.url}api/"

    @property
    def root_url(self) -> str:
        """Where the control API is."""
        return self._site.url

    @property
    def app_id(self) -> str:
        """Of the first workspace, as what follows."""
        return self.app_of("").id

    @property
    def app_token(self) -> str:
        return self.app_of("").token

    @property
    def signing_secret(self) -> str:
        return self.app_of("").signing_secret

    def app_of(self, team: str) -> App:
        """Id, app-level token and signing secret of a workspace's app."""
        return self._thread.call(lambda: self._site.world.apps[self._team(team).app])

    @property
    def bot_token(self) -> str:
        return self.bot_token_of("")

    def bot_token_of(self, team: str) -> str:
        return self._thread.call(lambda: self._team(team).bot_token)

    @property
    def bot_user(self) -> str:
        """The user id of our bot in the first workspace."""
        return self._thread.call(lambda: self._team().bot_user)
