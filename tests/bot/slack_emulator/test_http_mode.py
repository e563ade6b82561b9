"""HTTP mode: a real slack-bolt app behind a URL checks our signatures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.loop import LoopThread
from bot.slack_emulator.switches import Timing


class Behind:
    """The app, its requests as they came, and how it fails."""

    def __init__(self, slack: Emulator, *, secret: str) -> None:
        self.requests: list[dict[str, str]] = []
        self.failures: list[web.Response] = []
        self.texts: list[str] = []
        self._slack = slack
        self._secret = secret

    async def start(self) -> None:
        client = AsyncWebClient(token=self._slack.bot_token, base_url=self._slack.url)
        self.app = AsyncApp(client=client, signing_secret=self._secret)

        @self.app.event("message")
        async def hear(event: dict[str, Any]) -> None:
            self.texts.append(event["text"])

        @self.app.command("/storm")
        async def command(ack: Any) -> None:
            await ack("on it")

        routes = web.Application()
        routes.router.add_post("/slack/events", self.answer)
        self.runner = web.AppRunner(routes)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/slack/events"

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.headers))
        if self.failures:
            return self.failures.pop(0)
        body = await request.text()
        asked = AsyncBoltRequest(body=body, headers=dict(request.headers))
        answered = await self.app.async_dispatch(asked)
        kind = answered.first_headers().get("content-type", "text/plain").partition(";")[0]
        return web.Response(status=answered.status, text=answered.body, content_type=kind)


@contextmanager
def listening(slack: Emulator, *, secret: str = "") -> Iterator[Behind]:
    thread = LoopThread()
    thread.start()
    made = Behind(slack, secret=secret or slack.signing_secret)
    thread.wait(made.start())
    try:
        yield made
    finally:
        slack.use_http("")
        thread.wait(made.runner.cleanup())
        thread.stop()


@pytest.fixture
def slack() -> Iterator[Emulator]:
    with Emulator(timing=Timing(ack_s=30.0, retries_s=(0.0, 0.2, 0.2))) as made:
        made.add_user("ada")
        made.add_channel("ops")
        yield made


def test_a_signed_event_arrives_and_is_acknowledged(slack: Emulator) -> None:
    with listening(slack) as behind:
        assert slack.use_http(behind.url)
        slack.say("ada", "ops", "hello")
        slack.wait_for(lambda: behind.texts == ["hello"])
        slack.wait_for(lambda: slack.deliveries("message")[0].is_acknowledged)


def test_a_command_is_answered_in_the_response(slack: Emulator) -> None:
    with listening(slack) as behind:
        assert slack.use_http(behind.url)
        slack.command("ada", "ops", "/storm help")
        assert [each.text for each in slack.ephemerals("ada")] == ["on it"]


def test_an_app_with_another_secret_refuses_everything(slack: Emulator) -> None:
    with listening(slack, secret="0" * 32) as behind:
        assert not slack.use_http(behind.url)
        assert behind.texts == []


def test_a_failed_request_is_repeated_and_says_so(slack: Emulator) -> None:
    with listening(slack) as behind:
        assert slack.use_http(behind.url)
        behind.failures.append(web.Response(status=500))
        slack.say("ada", "ops", "hello")
        slack.wait_for(lambda: behind.texts == ["hello"])
        again = behind.requests[-1]
        assert (again["X-Slack-Retry-Num"], again["X-Slack-Retry-Reason"]) == ("1", "http_error")


def test_an_app_may_ask_for_no_repetition(slack: Emulator) -> None:
    with listening(slack) as behind:
        assert slack.use_http(behind.url)
        behind.failures.append(web.Response(status=500, headers={"X-Slack-No-Retry": "1"}))
        slack.say("ada", "ops", "hello")
        slack.wait_for(lambda: slack.deliveries("message")[0].is_lost)
        assert len(slack.deliveries("message")[0].attempts) == 1
