"""Webhooks as the API holds them: which there are, what they took and refused, and their events."""

import logging
import random
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.alerts.board import TRIGGER as ALERT
from engine.alerts.normalise import normalise
from engine.clock import utcnow
from engine.content.registry import Content, Registry
from engine.errors import Busy
from engine.notices import Notice, tell
from engine.records.journal import JournalEntry
from engine.records.trigger import Event, TriggerInstance
from engine.rules.evaluate import RuleEngine
from engine.rules.identity import WEBHOOK, Trigger
from engine.rules.table import RuleTable
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.webhooks.delivery import HIDDEN, Delivery, RefusalKind, delivery_id, payload
from engine.webhooks.fetched import Fetched
from engine.webhooks.hooks import Hook, HookTable, compile_hooks, source_of, urls_of_rules
from engine.webhooks.tally import Tallies

log = logging.getLogger(__name__)

# So much of bodies may wait for their commit; more is refused, and sent again later.
WAITING_LIMIT_BYTES = 67_108_864
_LONGEST_TAG = 255
_KEY_KINDS = frozenset({"datastore.changed", "datastore.removed"})
_REFUSED_KEY = "webhook-refused"


class Webhooks:
    """`get` and what follows from it belong to the event loop; `refresh` blocks.

    `fetched` may be replaced before the start: tests give out certificates of their own.
    """

    def __init__(
        self,
        *,
        content: Content,
        rules: RuleEngine,
        database: Database,
        datastore: Datastore,
        refused_limit: int,
    ) -> None:
        self._content = content
        self._rules = rules
        self._database = database
        self._datastore = datastore
        self._refused_limit = refused_limit
        self.fetched = Fetched()
        self.tallies = Tallies()
        self._lock = threading.Lock()
        self._table = HookTable()
        self._is_stale = True
        self._urls: tuple[RuleTable | None, dict[str, Trigger]] = (None, {})
        self._waiting_bytes = 0

    def start(self) -> None:
        self._content.attach(self._reloaded)
        self._database.attach_everywhere(self._committed)

    def _reloaded(self, _registry: Registry) -> None:
        self._is_stale = True

    def _committed(self, entries: list[JournalEntry]) -> None:
        if any(entry.kind in _KEY_KINDS for entry in entries):
            self._is_stale = True

    # which there are

    @property
    def is_stale(self) -> bool:
        """Whether content or a secret has changed, so that `refresh` must come first."""
        ends_at = self._table.good_until
        return self._is_stale or (ends_at is not None and utcnow() >= ends_at)

    def refresh(self) -> None:
        with self._lock:
            if self.is_stale:
                # Before reading: what changes meanwhile makes it stale again.
                self._is_stale = False
                specs = self._content.current.webhooks.values()
                self._table = compile_hooks(specs, self._datastore, self.fetched)

    def get(self, url: str) -> Hook | None:
        return self._table.hooks.get(url)

    def hooks(self) -> Sequence[Hook]:
        """Those of files, by URL."""
        return tuple(self._table.hooks.values())

    def rule_triggers(self) -> dict[str, Trigger]:
        """What rules listen to, by URL."""
        table = self._rules.table
        known, urls = self._urls
        if known is not table:
            urls = urls_of_rules(table)
            self._urls = (table, urls)
        return urls

    # events

    def event(self, hook: Hook, delivery: Delivery, body: Any) -> tuple[Event, list[Event]]:
        """A verified delivery as an event, and the alerts that it also is."""
        spec = hook.spec
        found = payload(delivery.headers, body, hidden=hook.hidden)
        key = delivery_id(spec.delivery_id, delivery, body) or delivery.headers.get("idempotency-key", "")
        event = Event(
            trigger=WEBHOOK,
            parameters=hook.trigger.parameters,
            payload=found,
            source=hook.source,
            trace_tag=trace_tag(delivery, spec.url),
            dedupe_key=key,
        )
        return event, self._alerts(hook, body, found["headers_lower"])

    def keyed_event(
        self, url: str, delivery: Delivery, body: Any, *, user: str, depth: int = 0, trace_id: str = ""
    ) -> Event:
        """What came from the holder of an API key to the webhook of a rule."""
        key = delivery.headers.get("idempotency-key", "")
        return Event(
            trigger=WEBHOOK,
            parameters=self.rule_triggers()[url].parameters,
            payload=payload(delivery.headers, body, hidden=_without_key(delivery)),
            source=source_of(url),
            user=user,
            trace_tag=trace_tag(delivery, url),
            trace_id=trace_id,
            dedupe_key=f"{user}\0{key}" if key else "",
            depth=depth,
        )

    def replayed(self, instance: TriggerInstance, *, user: str) -> tuple[Event, list[Event]]:
        """A delivery once more, as a new event, with the alerts that it is by today's hook."""
        event = Event(
            trigger=instance.trigger_type,
            parameters=instance.parameters,
            payload=instance.payload,
            source=instance.source,
            user=user,
            trace_tag=f"replay-{instance.id}",
        )
        hook = self.get(str(instance.parameters.get("url", "")))
        if hook is None or not isinstance(instance.payload, dict):
            return event, []
        return event, self._alerts(
            hook, instance.payload.get("body"), instance.payload.get("headers_lower") or {}
        )

    def _alerts(self, hook: Hook, body: Any, headers: dict[str, str]) -> list[Event]:
        spec = hook.spec
        if not spec.alerts:
            return []
        try:
            alerts = normalise(spec.preset, body, headers, hook=spec.url, channel=spec.channel)
        except Exception:  # the delivery itself is good: it is kept, whatever is wrong with our reading
            log.exception("webhook %s: a delivery could not be read as alerts", spec.url)
            return []
        return [Event(trigger=ALERT, payload=alert.payload(), source=hook.source) for alert in alerts]

    def admit(self, size_bytes: int) -> None:
        """Raises Busy when too much waits for its commit; else `release` must follow."""
        if self._waiting_bytes + size_bytes > WAITING_LIMIT_BYTES:
            raise Busy("Too much waits to be stored; this delivery was not accepted.", hint="Send it again.")
        self._waiting_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        self._waiting_bytes -= size_bytes

    # counts

    def accept(self, url: str, *, is_duplicate: bool) -> None:
        self.tallies.of(url, is_known=True).accept(utcnow(), is_duplicate=is_duplicate)

    def refuse(self, url: str, reason: str, *, kind: RefusalKind, address: str) -> None:
        """Count a delivery that was not verified; tell the operations channel when there are many."""
        now = utcnow()
        is_known = self.get(url) is not None or url in self.rule_triggers()
        count = self.tallies.of(url, is_known=is_known).refuse(now, reason, kind)
        # A flood of them must not fill the disk with what is said already.
        level = logging.WARNING if count <= self._refused_limit else logging.DEBUG
        log.log(level, "webhook %s refused a delivery from %s: %s", url, address, reason)
        if is_known and count == self._refused_limit:
            self._tell(url, reason, address, now)

    def _tell(self, url: str, reason: str, address: str, now: datetime) -> None:
        notice = Notice(
            key=f"{_REFUSED_KEY}:{url}:{now:%Y%m%d%H}",
            channel="",
            title=f"The webhook {url} refuses deliveries",
            text=f"{self._refused_limit} within an hour could not be verified. The last one: {reason}.",
            tone="warning",
            fields=(("webhook", url), ("from", address)),
        )
        self._database.submit(lambda connection: tell(connection, notice))


def trace_tag(delivery: Delivery, url: str) -> str:
    """The sender's own word, or StackStorm's form of one."""
    given = delivery.headers.get("st2-trace-tag", "")
    return given[:_LONGEST_TAG] or f"webhook-{url}-{random.getrandbits(128):032x}"


def _without_key(delivery: Delivery) -> frozenset[str]:
    """StackStorm keeps `Authorization`; where it is our own API key, it stays out."""
    is_ours = delivery.headers.get("authorization", "").lower().startswith("bearer ")
    return HIDDEN | {"authorization"} if is_ours else HIDDEN
