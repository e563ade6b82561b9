"""What Slack delivers to the app, until it is acknowledged: again where Slack does so."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.slack_emulator.faults import Faults
from bot.slack_emulator.switches import Timing
from bot.slack_emulator.world import Json

_KEPT = 20_000
# Why a delivery failed, where the app asks Slack not to send it again.
NO_RETRY = "no_retry"


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """One event, command or interaction on its way."""

    kind: str
    """events_api, slash_commands or interactive."""
    payload: Json
    accepts_answer: bool
    attempts: list[str] = field(default_factory=list)
    """The envelope ids it went out under."""
    sent_at: float = field(default_factory=time.monotonic)
    acked_after_s: float | None = None
    answer: Any = None
    """What came with the acknowledgement."""
    is_lost: bool = False
    """Given up: Slack will not deliver it again."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Acknowledged, or given up."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """And what the answer asks for is done."""

    @property
    def app_id(self) -> str:
        return str(self.payload.get("api_app_id", ""))

    @property
    def type(self) -> str:
        """Slack's word for what it is, for example message, app_mention, block_actions."""
        event = self.payload.get("event")
        return str(event["type"] if isinstance(event, dict) else self.payload.get("type", ""))

    @property
    def is_acknowledged(self) -> bool:
        return self.acked_after_s is not None


class Carrier(Protocol):
    """Socket Mode or a request URL."""

    async def carry(self, delivery: Delivery, envelope_id: str, *, retry: int, reason: str) -> str:
        """Hand it over and wait for the acknowledgement; why there was none, or an empty string."""
        ...


class Deliveries:
    """Each delivery is a task of its own: a slow one holds up nobody."""

    def __init__(self, timing: Timing, faults: Faults, touch: Callable[[], None]) -> None:
        self.timing = timing
        self.sockets: Carrier | None = None
        self.over_http: dict[str, Carrier] = {}
        """By their ids the apps that want their deliveries as requests; all others have sockets."""
        self.sent: list[Delivery] = []
        """All of them in their order, the oldest dropped at some time."""
        self._faults = faults
        self._touch = touch
        self._by_envelope: dict[str, Delivery] = {}
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def send(
        self,
        kind: str,
        payload: Json,
        *,
        accepts_answer: bool = False,
        then: Callable[[Delivery], None] | None = None,
    ) -> Delivery:
        """Begin to deliver; `then` is called when it was acknowledged or given up."""
        delivery = Delivery(kind=kind, payload=payload, accepts_answer=accepts_answer)
        if len(self.sent) >= _KEPT:
            del self.sent[: _KEPT // 2]
            self._by_envelope = {each: d for d in self.sent for each in d.attempts}
        self.sent.append(delivery)
        if self._faults.reordered:
            self._hold(delivery, then)
        else:
            self._start(delivery, then)
        return delivery

    def _hold(self, delivery: Delivery, then: Callable[[Delivery], None] | None) -> None:
        self._held.append(delivery)
        if len(self._held) >= self._faults.reordered:
            self._faults.reordered = 0
            for each in reversed(self._held):
                self._start(each, then)
            self._held.clear()

    def _start(self, delivery: Delivery, then: Callable[[Delivery], None] | None) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, then: Callable[[Delivery], None] | None) -> None:
        reason = await self._attempt(delivery, retry=0, reason="")
        # Commands and clicks are not delivered again: a person sees that they failed, and repeats them.
        pauses = self.timing.retries_s if delivery.kind == "events_api" else ()
        for retry, pause in enumerate(pauses, start=1):
            if not reason or reason == NO_RETRY:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(delivery.ended.wait(), pause)
            reason = (
                "" if delivery.ended.is_set() else await self._attempt(delivery, retry=retry, reason=reason)
            )
        if not delivery.ended.is_set():
            delivery.is_lost = True
            delivery.ended.set()
        if then is not None:
            then(delivery)
        delivery.settled.set()
        self._touch()

    async def _attempt(self, delivery: Delivery, *, retry: int, reason: str) -> str:
        envelope_id = str(uuid.uuid4())
        delivery.attempts.append(envelope_id)
        self._by_envelope[envelope_id] = delivery
        carrier = self.over_http.get(delivery.app_id, self.sockets)
        if carrier is None:
            return "connection_failed"
        copies = 1
        if self._faults.duplicates:
            self._faults.duplicates -= 1
            copies = 2
        carried = [carrier.carry(delivery, envelope_id, retry=retry, reason=reason) for _ in range(copies)]
        reasons = await asyncio.gather(*carried)
        return "" if "" in reasons else reasons[0]

    def acknowledge(self, envelope_id: str, answer: Any) -> None:
        """The app has it; an acknowledgement that comes late still ends the redelivery."""
        if self._faults.unheard:
            self._faults.unheard -= 1
            return
        delivery = self._by_envelope.get(envelope_id)
        if delivery is None or delivery.ended.is_set():
            return
        delivery.acked_after_s = time.monotonic() - delivery.sent_at
        delivery.answer = answer
        delivery.ended.set()
        self._touch()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
