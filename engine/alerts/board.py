"""The alert board: one episode per fingerprint, one message per episode.

`take` is called in the transaction of each event of the trigger `alerts.alert`: what the board
knows, and what people are shown of it, is committed with the event. What people do (acknowledge,
silence, resolve) is a transaction of its own. A clock ends silences and gathers storms.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from engine.alerts import card as cards
from engine.alerts.routing import Routing
from engine.clock import isoformat, utcnow
from engine.errors import BadInput, NotFound, StoreFailure
from engine.notices import Notice, tell
from engine.records.alert import Alert, AlertStatus, Episode, alert_of
from engine.records.audit import Act
from engine.records.trigger import TriggerInstance
from engine.store import alerts as store
from engine.store import audit, journal, traces
from engine.store.database import Database

log = logging.getLogger(__name__)

TRIGGER = "alerts.alert"
# The journal's kind for what a person did to an alert; its data: {"by", "what", ...}.
HANDLED = "alert.handled"
STORM_WINDOW = timedelta(minutes=1)
# A storm takes in what comes so soon after its newest alert.
STORM_CALM = timedelta(minutes=5)
# A storm's message is edited once in so many seconds at most.
DIGEST_EVERY_S = 1.0
LONGEST_SILENCE = timedelta(days=30)
SHORTEST_ENDING = 6


class AlertBoard:
    def __init__(self, database: Database, *, default_channel: str) -> None:
        self._database = database
        self._default_channel = default_channel
        self.routing = Routing()
        self._wake = threading.Condition()
        self._dirty: set[str] = set()
        self._may_end_silence = True
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    # start and stop

    def start(self) -> None:
        with self._database.read() as connection:
            self._dirty.update(store.open_digests(connection))
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Idempotent."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # events

    def channel_of(self, alert: Alert) -> str:
        return self.routing.channel_of(alert) or self._default_channel

    def place(self, instance: TriggerInstance) -> dict[str, str]:
        """Where the results of actions that an alert starts are posted: in the thread of its message."""
        alert = alert_of(instance.payload)
        return {
            "adapter": "",
            "channel": self.channel_of(alert),
            "thread_key": cards.key_of(alert.source, alert.fingerprint),
        }

    def take(self, connection: Connection, instance: TriggerInstance) -> None:
        """An alert came in; part of its event's transaction."""
        alert = alert_of(instance.payload)
        known = store.newest(connection, alert.source, alert.fingerprint)
        now = instance.occurred_at
        if known is not None and (known.is_open or self._goes_on(known, alert, now)):
            episode = _next(known, alert, now)
            store.change(connection, episode)
        elif alert.status is AlertStatus.RESOLVED:
            return
        else:
            episode = self._begin(connection, instance.id, alert, now, known)
            store.add(connection, episode)
        self._show(connection, episode, now=now)

    def _goes_on(self, known: Episode, alert: Alert, now: datetime) -> bool:
        """Whether a resolved alert that fires again belongs to the episode that it had."""
        ended_at = known.resolved_at
        fires = alert.status is not AlertStatus.RESOLVED
        return fires and ended_at is not None and now - ended_at < self.routing.reopen

    def _begin(
        self, connection: Connection, episode_id: str, alert: Alert, now: datetime, known: Episode | None
    ) -> Episode:
        channel = self.channel_of(alert)
        silence = known if known is not None and known.is_silenced(now) else None
        episode = Episode(
            id=episode_id,
            alert=alert,
            status=alert.status,
            channel=channel,
            first_seen_at=now,
            last_seen_at=now,
            acked_by=alert.by if alert.status is AlertStatus.ACKED else "",
            silenced_until=silence.silenced_until if silence else None,
            silenced_by=silence.silenced_by if silence else "",
        )
        storm = store.open_digest(connection, channel, since=now - STORM_CALM)
        if not storm:
            begun = store.begun_since(connection, channel, now - STORM_WINDOW)
            storm = episode_id if begun >= self.routing.storm_limit else ""
        return replace(episode, digest=storm)

    def _show(self, connection: Connection, episode: Episode, *, now: datetime) -> None:
        if episode.digest:
            # After the commit the clock gathers what came within its pace.
            with self._wake:
                self._dirty.add(episode.digest)
                self._wake.notify()
        elif not episode.is_silenced(now) or not episode.is_open:
            tell(connection, cards.card(episode, now=now))

    # people

    def episode(self, wanted: str) -> Episode:
        """By id, or a unique ending of it. Raises NotFound, BadInput."""
        with self._database.read() as connection:
            found = store.get(connection, wanted)
            if found is not None:
                return found
            several = store.by_ending(connection, wanted) if len(wanted) >= SHORTEST_ENDING else []
        if len(several) > 1:
            raise BadInput(f'More than one alert ends with "{wanted}".', hint="Give more of the id.")
        if not several:
            raise NotFound(f'There is no alert "{wanted}".', hint="List them: alert list")
        return several[0]

    def page(
        self, *, open_only: bool = True, channel: str | None = None, offset: int = 0, limit: int | None = 50
    ) -> tuple[list[Episode], int]:
        """Newest first, and how many there are in all."""
        with self._database.read() as connection:
            return store.page(connection, open_only=open_only, channel=channel, offset=offset, limit=limit)

    def acknowledge(self, wanted: str, *, by: str) -> Episode:
        """Raises NotFound, BadInput when it is over."""

        def change(episode: Episode) -> Episode:
            return replace(episode, status=AlertStatus.ACKED, acked_by=by)

        return self._handle(wanted, "acknowledged", by, change)

    def silence(self, wanted: str, *, by: str, lasting: timedelta) -> Episode:
        """Repeats change nothing in the channel until it ends; rules see them all the same.

        Raises NotFound, BadInput.
        """
        if not timedelta() < lasting <= LONGEST_SILENCE:
            raise BadInput("A silence lasts between 1 second and 30 days.", hint="Write 30m, 1h or 2d.")

        def change(episode: Episode) -> Episode:
            return replace(episode, silenced_until=utcnow() + lasting, silenced_by=by)

        made = self._handle(wanted, "silenced", by, change)
        self._look_at_silences()
        return made

    def unsilence(self, wanted: str, *, by: str) -> Episode:
        """Raises NotFound, BadInput when it is over."""

        def change(episode: Episode) -> Episode:
            return replace(episode, silenced_until=None, silenced_by="")

        return self._handle(wanted, "unsilenced", by, change)

    def resolve(self, wanted: str, *, by: str) -> Episode:
        """For what its source will never resolve. Raises NotFound, BadInput when it is over."""

        def change(episode: Episode) -> Episode:
            return replace(episode, status=AlertStatus.RESOLVED, resolved_at=utcnow(), resolved_by=by)

        return self._handle(wanted, "resolved", by, change)

    def _handle(self, wanted: str, what: str, by: str, change: Callable[[Episode], Episode]) -> Episode:
        episode_id = self.episode(wanted).id

        def work(connection: Connection) -> Episode:
            known = store.get(connection, episode_id)
            if known is None or not known.is_open:
                raise BadInput(f'The alert "{wanted}" is over.', hint="List those that are not: alert list")
            episode = change(known)
            store.change(connection, episode)
            journal.append(connection, HANDLED, episode.id, {"what": what, "by": by})
            audit.record(connection, _act(connection, what, episode, by))
            if episode.digest:
                self._dirty.add(episode.digest)
            else:
                tell(connection, cards.card(episode, now=utcnow()))
            return episode

        made = self._database.write(work)
        with self._wake:
            self._wake.notify()
        return made

    # the clock

    def _look_at_silences(self) -> None:
        with self._wake:
            self._may_end_silence = True
            self._wake.notify()

    def _run(self) -> None:
        pause_s: float | None = 0.0
        while True:
            with self._wake:
                if not self._is_stopping and not self._dirty and not self._may_end_silence:
                    self._wake.wait(pause_s)
                if self._is_stopping:
                    return
                dirty, self._dirty = self._dirty, set()
                self._may_end_silence = False
            try:
                if dirty or self._pause_s() == 0:
                    self._database.write(partial(self._tick, dirty))
                pause_s = self._pause_s()
            except StoreFailure:
                return
            if dirty:
                self._rest()

    def _rest(self) -> None:
        """The pace of a storm's message."""
        with self._wake:
            self._wake.wait_for(lambda: self._is_stopping, DIGEST_EVERY_S)

    def _pause_s(self) -> float | None:
        with self._database.read() as connection:
            due = store.next_silence_end(connection)
        return None if due is None else max(0.0, (due - utcnow()).total_seconds())

    def _tick(self, dirty: set[str], connection: Connection) -> None:
        now = utcnow()
        for storm_id in sorted(dirty):
            episodes = store.in_digest(connection, storm_id)
            if episodes:
                tell(connection, cards.storm(episodes, storm_id=storm_id, channel=episodes[0].channel))
        for episode in store.ended_silences(connection, now):
            loud = replace(episode, silenced_until=None, silenced_by="")
            store.change(connection, loud)
            if loud.digest:
                continue
            tell(connection, cards.card(loud, now=now))
            tell(connection, _silence_over(loud))


def _next(known: Episode, alert: Alert, now: datetime) -> Episode:
    """The episode after one more word of its source."""
    changed = replace(known, alert=alert, last_seen_at=max(now, known.last_seen_at))
    if alert.status is AlertStatus.RESOLVED:
        return replace(changed, status=AlertStatus.RESOLVED, resolved_at=now, resolved_by=alert.by)
    if alert.status is AlertStatus.ACKED:
        return replace(
            changed, status=AlertStatus.ACKED, acked_by=alert.by or known.acked_by, resolved_at=None
        )
    # What somebody has in hand stays so when it fires once more.
    status = known.status if known.is_open else AlertStatus.FIRING
    acked_by = known.acked_by if known.is_open else ""
    return replace(
        changed, status=status, acked_by=acked_by, count=known.count + 1, resolved_at=None, resolved_by=""
    )


def _act(connection: Connection, what: str, episode: Episode, by: str) -> Act:
    alert = episode.alert
    details = {"title": alert.title, "source": alert.source, "channel": episode.channel}
    if what == "silenced" and episode.silenced_until is not None:
        details["until"] = isoformat(episode.silenced_until)
    # An alert has the id of the event that began it.
    trace_id = traces.of_instance(connection, episode.id) or ""
    return Act(kind=f"alert.{what}", object=episode.id, user=by, details=details, trace_id=trace_id)


def _silence_over(episode: Episode) -> Notice:
    return Notice(
        key=f"alert-loud:{episode.id}",
        generation=f"{utcnow():%Y%m%d%H%M%S}",
        channel=episode.channel,
        thread_key=cards.key_of(episode.alert.source, episode.alert.fingerprint),
        text=f"The silence is over, and it is still {episode.status.value} (×{episode.count}).",
        tone="warning",
    )
