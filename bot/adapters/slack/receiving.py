"""What Slack delivers is kept first, then acknowledged, then worked on.

Slack waits three seconds for an acknowledgement, and delivers an event again that got none; a command
or a press of a button it never repeats. So a delivery is acknowledged when it is committed, whatever the
engine is busy with. Only what asks for something and changes nothing (the options of a menu, the faults of
a form) is answered in the acknowledgement itself.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import orjson
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.adapters.slack.connection import Envelope
from bot.adapters.slack.deliveries import ACTION, SHORTCUT, SLASH, VIEW, Sorter, ends_us
from engine.errors import StoreFailure
from engine.records.deliveries import Delivery

log = logging.getLogger(__name__)

# Slack gives up after three seconds.
ANSWER_S = 2.5
# What may open a modal.
_OPENING = frozenset({ACTION, SHORTCUT, SLASH})

Take = Callable[[Delivery], "Future[bool]"]


class Interactions(Protocol):
    """What buttons, menus, forms and the Home tab do. Called in threads of ours."""

    def opens(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Open the modal that a kept delivery asks for: Slack takes it for three seconds. Raises nothing."""

    def options(self, payload: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The options of a menu, for what was typed into it (`block_suggestion`); within a second."""

    def problems(self, payload: Mapping[str, Any]) -> Mapping[str, str]:
        """What is wrong in a submitted form, by the id of its block; within a second.

        Empty: it may be kept.
        """

    def handle(self, kind: str, payload: Mapping[str, Any]) -> None:
        """`action`, `view`, `shortcut` or `home`, as Slack sent it; at least once."""


class Receiver:
    """`deliver` is called in the loop, for each delivery of a socket or of a request over HTTP."""

    def __init__(
        self, *, chat: str, take: Take, interactions: Interactions, heard: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """`heard`: is told of each event, before it is decided whether it asks for anything."""
        self._chat = chat
        self._take = take
        self._interactions = interactions
        self._heard = heard
        self.sorter: Sorter | None = None
        """Known when we know who we are; until then nothing is acknowledged."""
        self._opening: set[asyncio.Task[None]] = set()

        async def authorize(team_id: str) -> AuthorizeResult:
            """No method: Bolt reads the names of the parameters, and would fill in `self` too."""
            me = self.sorter.me if self.sorter is not None else None
            return AuthorizeResult(
                enterprise_id=None,
                team_id=team_id,
                bot_user_id=me.user if me else None,
                bot_id=me.bot if me else None,
            )

        self._app = AsyncApp(
            authorize=authorize,
            before_authorize=self._keep,
            request_verification_enabled=False,
            url_verification_enabled=False,
            ignoring_self_events_enabled=False,
        )
        self._app.options(re.compile(".*", re.DOTALL))(self._options)

    async def deliver(self, envelope: Envelope) -> Mapping[str, Any] | None:
        """The body of the acknowledgement. Raises StoreFailure: there must be none."""
        context = {"kind": envelope.kind}
        request = AsyncBoltRequest(mode="socket_mode", body=dict(envelope.payload), context=context)
        response: BoltResponse = await self._app.async_dispatch(request)
        if response.status != 200:
            raise StoreFailure(
                f"{self._chat}: a delivery ({envelope.kind}) is not kept.", hint="It comes again."
            )
        body = orjson.loads(response.body) if response.body else None
        return body if isinstance(body, dict) else None

    async def _options(self, ack: Any, body: Mapping[str, Any]) -> None:
        await ack(options=list(await asyncio.to_thread(self._interactions.options, body)))

    async def _keep(self, request: AsyncBoltRequest, next_: Callable[[], Any]) -> BoltResponse | None:
        """Before anything else: what is kept needs no further step, and no other service."""
        payload, sorter = request.body, self.sorter
        if sorter is None:
            return BoltResponse(status=503)
        if not self._is_for_us(payload, sorter):
            return BoltResponse(status=200)
        if payload.get("type") == "block_suggestion":
            await next_()
            return None
        ended = ends_us(payload)
        if ended:
            log.error("%s: %s; install the app again, and give us the new token", self._chat, ended)
        self._heard(payload.get("event") or {})
        delivery = sorter.delivery(str(request.context.get("kind", "")), payload)
        if delivery is None:
            return BoltResponse(status=200)
        if delivery.kind == VIEW:
            problems = await asyncio.to_thread(self._interactions.problems, payload)
            if problems:
                return BoltResponse(status=200, body={"response_action": "errors", "errors": dict(problems)})
        taken = asyncio.wrap_future(self._take(delivery))
        # Shielded: what is under way may still be committed, and then the next delivery of it is known.
        is_new = await asyncio.wait_for(asyncio.shield(taken), ANSWER_S)
        if is_new and delivery.kind in _OPENING:
            opening = asyncio.create_task(asyncio.to_thread(self._interactions.opens, delivery.kind, payload))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)
        return BoltResponse(status=200)

    def _is_for_us(self, payload: Mapping[str, Any], sorter: Sorter) -> bool:
        if not sorter.is_from_our_team(payload):
            log.warning("%s: a delivery for another workspace is left out", self._chat)
            return False
        return True
