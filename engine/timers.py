"""Timers: one thread that sleeps until the next one is due, and fires it exactly once.

The rows are the truth. A fire is one transaction: the event with all that follows from it, and the
row moved on from the time it had; so neither a crash nor a second server on the same database can
lose one or make two of it. The thread waits on the monotonic clock and decides by the wall clock.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from engine.clock import isoformat, utcnow
from engine.errors import BadInput, EngineError
from engine.log_facts import about
from engine.records.timer import TimerState
from engine.records.trigger import Emitted, Event
from engine.rules.evaluate import RuleEngine
from engine.rules.identity import Trigger
from engine.store import timers as store
from engine.store.database import Database
from engine.timing.misfire import MISFIRE_KEY, Due, Fire, Misfire, due
from engine.timing.timer import CRON, DATE, INTERVAL, TIMER_TYPES, timer_of
from engine.triggers import PreparedEvent, Triggers

log = logging.getLogger(__name__)

# The longest sleep: so late a wall clock that was set forward, and a timer that another server
# added, are noticed. (Waking up costs one look into an index.)
GUARD_S = 10.0
# How many timers are fired before the clock is looked at again.
BATCH = 200
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# A timer that no rule wants any more keeps its phase for so long.
REST = timedelta(days=30)
# How far the wall clock must have been set back until times that were acted on count again. What
# clocks show is acted on once, as cron does it; an interval is time that passes.
_SET_BACK = {INTERVAL: timedelta(minutes=1), CRON: timedelta(hours=3)}
_ORDER = tuple(Misfire)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """What one timer did in one transaction."""

    trigger: str
    emitted: tuple[Emitted, ...]
    passed: int
    """How many times were passed over."""
    is_over: bool
    """It never fires again."""


OnFire = Callable[[Connection, Fired], bool]
"""Called inside the transaction of a fire; True: it changed stored content, which is read again then."""


class Timers:
    """`refresh` reads stored content again, where another server may have changed it."""

    def __init__(
        self, database: Database, triggers: Triggers, rules: RuleEngine, *, refresh: Callable[[], object]
    ) -> None:
        self.clock: Callable[[], datetime] = utcnow
        self.on_fire: OnFire = lambda _connection, _fired: False
        self._database = database
        self._triggers = triggers
        self._rules = rules
        self._refresh = refresh
        self._wanted: Mapping[str, tuple[Trigger, Misfire]] = {}
        self._foreign: set[str] = set()
        """Due, and not known here: another server's."""
        self._seen: datetime | None = None
        self._wake = threading.Condition()
        self._is_woken = True
        self._has_changed = True
        self._stopping = False
        self._thread: threading.Thread | None = None

    # start and stop

    def start(self) -> None:
        self._stopping = False
        self._has_changed = True
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """What is being fired is committed first. Idempotent."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self, *, rules_changed: bool = False) -> None:
        """Look at the clock now; also at the rules, when they have changed."""
        with self._wake:
            self._is_woken = True
            self._has_changed = self._has_changed or rules_changed
            self._wake.notify()

    # read

    def states(self) -> dict[str, TimerState]:
        """Every timer by its trigger's ref, also those that rest."""
        with self._database.read() as connection:
            return store.everything(connection)

    def state_of(self, trigger: Trigger, misfire: Misfire) -> TimerState:
        """A timer that begins now. For who adds it together with its rule. Raises BadInput."""
        now = self.clock()
        timer = timer_of(trigger.type_ref, trigger.parameters)
        return TimerState(
            trigger=trigger.ref,
            trigger_type=trigger.type_ref,
            parameters=trigger.parameters,
            misfire=misfire.value,
            anchor_at=now,
            next_fire_at=timer.next_after(now, anchor=now),
            last_fire_at=None,
            moved_at=now,
            resting_since=None,
        )

    # the thread

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        wait_s = 0.0
        while True:
            with self._wake:
                if not (self._is_woken or self._stopping):
                    self._wake.wait(wait_s)
                if self._stopping:
                    return
                self._is_woken = False
                has_changed, self._has_changed = self._has_changed, False
            try:
                wait_s = self.look(rules_changed=has_changed)
                pause_s = FIRST_PAUSE_S
            except Exception:  # whatever fails, timers must go on: it is tried again, from the rows
                log.exception("timers: trying again in %.1f s", pause_s)
                wait_s, pause_s = pause_s, min(LONGEST_PAUSE_S, pause_s * 2)
                self._has_changed = True

    def look(self, *, rules_changed: bool = False) -> float:
        """Do what is due; how long to sleep then, in seconds. For the one thread that runs timers."""
        now = self.clock()
        if rules_changed:
            self._match_rules(now)
        if self._seen is None or now < self._seen:
            self._after_set_back(now)
        self._seen = now
        while self._fire_due(now):
            now = self.clock()
        with self._database.read() as connection:
            ahead = store.next_at(connection, without=self._foreign)
        if ahead is None:
            return GUARD_S
        return min(GUARD_S, max(0.0, (ahead - self.clock()).total_seconds()))

    # rules -> rows

    def _match_rules(self, now: datetime) -> None:
        table = self._rules.table
        wanted: dict[str, tuple[Trigger, Misfire]] = {}
        for trigger in (one for kind in TIMER_TYPES for one in table.triggers_of(kind)):
            rules = (*table.standard(trigger.ref), *table.backstop(trigger.ref))
            words = [Misfire(rule.spec.extensions.get(MISFIRE_KEY, Misfire.ONE)) for rule in rules]
            # Rules that share a timer get what the most demanding of them asks for.
            wanted[trigger.ref] = (trigger, max(words, key=_ORDER.index))
        self._wanted = wanted
        self._foreign.clear()
        known = self.states()
        jobs = [
            job
            for ref, (trigger, misfire) in wanted.items()
            if (job := self._wanting(trigger, misfire, known.get(ref), now)) is not None
        ]
        jobs += [
            job
            for ref, state in known.items()
            if ref not in wanted and (job := _resting(state, now)) is not None
        ]
        if jobs:
            self._database.write(partial(_all, jobs))

    def _wanting(
        self, trigger: Trigger, misfire: Misfire, state: TimerState | None, now: datetime
    ) -> Callable[[Connection], object] | None:
        """What to write for a timer that enabled rules want."""
        if state is None:
            try:
                made = self.state_of(trigger, misfire)
            except BadInput as error:
                log.warning("timer %s: %s", trigger.ref, error)
                return None
            return partial(store.add, state=made)
        values: dict[str, object] = {}
        if state.misfire != misfire:
            values["misfire"] = misfire.value
        if state.resting_since is not None:
            timer = timer_of(state.trigger_type, state.parameters)
            ahead = timer.next_after(now, anchor=state.anchor_at)
            values |= {"resting_since": None, "next_fire_at": ahead, "moved_at": now}
        return partial(store.change, trigger=trigger.ref, values=values) if values else None

    def _after_set_back(self, now: datetime) -> None:
        """The wall clock shows an earlier time than before: nothing may wait until it has caught up."""
        for state in self.states().values():
            far = _SET_BACK.get(state.trigger_type)
            if state.next_fire_at is None or far is None or state.moved_at <= now + far:
                continue
            timer = timer_of(state.trigger_type, state.parameters)
            ahead = timer.next_after(now, anchor=state.anchor_at)
            if ahead is None or ahead >= state.next_fire_at:
                continue
            log.warning("the clock was set back: timer %s is due at %s", state.trigger, isoformat(ahead))
            self._database.write(partial(store.move, state=state, to=ahead, last=state.last_fire_at, now=now))

    # fire

    def _fire_due(self, now: datetime) -> bool:
        """Fire what is due; whether there may be more."""
        with self._database.read() as connection:
            states = store.due(connection, now, limit=BATCH, without=self._foreign)
        if not states:
            return False
        if not self._database.is_sqlite:
            # Another server may have stored rules: an event must meet all of them.
            self._refresh()
            self._match_rules(now)
        ours = [state for state in states if state.trigger in self._wanted]
        self._foreign.update(state.trigger for state in states if state.trigger not in self._wanted)
        # All are on their way before the first is waited for: they share a commit.
        waiting = [self._database.submit(self._fire(state, now)) for state in ours]
        failed = [error for one in waiting if (error := one.exception()) is not None]
        if any(one.exception() is None and one.result() for one in waiting):
            self._refresh()
        if failed:
            raise failed[0]
        return len(states) == BATCH

    def _fire(self, state: TimerState, now: datetime) -> Callable[[Connection], bool]:
        """The transaction of one timer; it answers whether stored content was changed."""
        with about(trigger=state.trigger):
            return self._firing(state, now)

    def _firing(self, state: TimerState, now: datetime) -> Callable[[Connection], bool]:
        first = state.next_fire_at or now
        plan = due(
            timer_of(state.trigger_type, state.parameters),
            first=first,
            anchor=state.anchor_at,
            now=now,
            misfire=Misfire(state.misfire),
        )
        if plan.passed:
            log.warning("timer %s: %d times were missed", state.trigger, plan.passed)
        prepared = self._prepared(state, plan, now)
        last = plan.fires[-1].due_at if plan.fires else state.last_fire_at

        def work(connection: Connection) -> bool:
            if not store.move(connection, state, to=plan.next_at, last=last, now=now):
                # Another server was first.
                return False
            emitted = tuple(one.insert(connection) for one in prepared)
            fired = Fired(
                trigger=state.trigger, emitted=emitted, passed=plan.passed, is_over=plan.next_at is None
            )
            return self.on_fire(connection, fired)

        return work

    def _prepared(self, state: TimerState, plan: Due, now: datetime) -> list[PreparedEvent]:
        try:
            return [self._triggers.prepare(_event(state, fire, now)) for fire in plan.fires]
        except EngineError:
            # The type is gone, or it allows no such payload: the next time may be better.
            log.exception("timer %s fired, and its event was not accepted", state.trigger)
            return []


def _event(state: TimerState, fire: Fire, now: datetime) -> Event:
    pack, _, type_name = state.trigger_type.partition(".")
    name = state.trigger.removeprefix(f"{pack}.")
    late_s = max(0.0, (now - fire.due_at).total_seconds())
    return Event(
        trigger=state.trigger_type,
        parameters=state.parameters,
        # The first two are StackStorm's.
        payload={
            "executed_at": str(now),
            "schedule": None,
            "due_at": isoformat(fire.due_at),
            "late_s": round(late_s, 3),
            "missed": fire.missed,
        },
        source=f"timer:{state.trigger}",
        trace_tag=f"{type_name}-{name}",
        occurred_at=now,
    )


def _resting(state: TimerState, now: datetime) -> Callable[[Connection], object] | None:
    """What to write for a timer that nobody wants any more."""
    if state.trigger_type == DATE or (state.resting_since and state.resting_since < now - REST):
        return partial(store.remove, trigger=state.trigger)
    if state.resting_since is not None:
        return None
    values = {"next_fire_at": None, "resting_since": now}
    return partial(store.change, trigger=state.trigger, values=values)


def _all(jobs: list[Callable[[Connection], object]], connection: Connection) -> None:
    for job in jobs:
        job(connection)
