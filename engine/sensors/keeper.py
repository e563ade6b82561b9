"""Keeps one sensor as it is wanted: started, started again after failures, ended. One thread each."""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.clock import utcnow
from engine.errors import Busy, EngineError
from engine.log_facts import learn
from engine.records.sensor import SensorHealth, SensorLine, SensorState
from engine.records.trigger import Emitted, Event
from engine.sensors.launching import Start
from engine.sensors.life import End, Life, Triggers
from engine.sensors.log import SensorLog
from engine.sensors.news import SensorNews
from engine.sensors.plan import SensorPlan
from engine.sensors.process import SensorProcess, Wakeup
from engine.sensors.requests import SensorRequests, Submit
from engine.sensors.tally import Tally
from engine.settings.events import SensorSettings
from engine.store.datastore import Datastore


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all keepers share."""

    settings: SensorSettings
    prepare: Callable[[SensorPlan], Start]
    submit: Submit
    datastore: Datastore
    news: SensorNews
    holds: Callable[[str], bool]
    """Whether this server is the one that runs the sensor of that ref."""


class Keeper:
    """Its methods may be called from any thread and return at once; the thread follows."""

    def __init__(self, plan: SensorPlan, around: Surroundings) -> None:
        self.ref = plan.ref
        self._around = around
        self._settings = around.settings
        self._log = SensorLog(plan.ref, keep=self._settings.log_lines)
        self._tally = Tally()
        self._requests = SensorRequests(
            plan.ref, submit=self._accept, datastore=around.datastore, log=self._log
        )
        self._wakeup = Wakeup()
        self._lock = threading.Lock()
        # What is wanted; written under the lock by others.
        self._plan = plan
        self._is_stopped = False
        self._is_closing = False
        self._has_ended = False
        self._generation = 0
        # How it is; written by the thread.
        self._state = SensorState.STARTING
        self._process: SensorProcess | None = None
        self._started_at: datetime | None = None
        self._start_at = 0.0
        self._incident = ""
        self._thread = threading.Thread(target=self._run, name=f"sensor:{self.ref}", daemon=True)
        self._thread.start()

    # what is wanted

    def assign(self, plan: SensorPlan) -> None:
        """The plan of a new generation of content. It is started anew when its digest is another."""
        with self._lock:
            is_changed = plan.digest != self._plan.digest or plan.enabled != self._plan.enabled
            self._plan = plan
            if is_changed:
                self._begin_anew()
        self._wakeup.set()

    def start(self) -> None:
        """Also at once when it waits to be started again."""
        with self._lock:
            if self._is_stopped or self._has_ended or self._process is None:
                self._begin_anew()
            self._is_stopped = False
        self._wakeup.set()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
        self._wakeup.set()

    def restart(self) -> None:
        with self._lock:
            self._is_stopped = False
            self._begin_anew()
        self._wakeup.set()

    def look_again(self) -> None:
        """Who may run it has changed."""
        self._wakeup.set()

    def close(self) -> None:
        """End it for good; `join` waits for that."""
        with self._lock:
            self._is_closing = True
        self._wakeup.set()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_enabled(self) -> bool:
        return self._plan.enabled

    def _begin_anew(self) -> None:
        """Under the lock."""
        self._generation += 1
        self._has_ended = False
        self._start_at = 0.0

    # how it is

    def health(self) -> SensorHealth:
        with self._lock:
            plan, state, tally, process = self._plan, self._state, self._tally, self._process
            waits = state is SensorState.WAITING
            left_s = self._start_at - time.monotonic()
            return SensorHealth(
                ref=self.ref,
                sensor_type=plan.sensor.ref,
                instance=plan.instance,
                pack=plan.pack.ref,
                description=plan.sensor.description,
                state=state,
                pid=process.pid if process is not None else None,
                started_at=self._started_at if process is not None else None,
                last_event_at=tally.last_event_at,
                events=tally.events,
                refused=tally.refused,
                restarts=tally.restarts,
                failures=tally.failures,
                last_error=tally.last_error,
                last_error_at=tally.last_error_at,
                next_start_at=utcnow() + timedelta(seconds=max(0.0, left_s)) if waits else None,
            )

    def lines(self) -> list[SensorLine]:
        return self._log.lines()

    # the thread

    def _run(self) -> None:
        learn(sensor=self.ref)
        while True:
            with self._lock:
                if self._is_closing:
                    break
                plan, generation = self._plan, self._generation
                resting = self._resting()
                left_s = self._start_at - time.monotonic()
                if resting is not None:
                    self._state = resting
                elif left_s > 0:
                    self._state = SensorState.WAITING
                else:
                    self._state = SensorState.STARTING
            if resting is not None:
                self._incident = ""
                self._wakeup.wait(None)
            elif left_s > 0:
                self._wakeup.wait(left_s)
            else:
                self._live(plan, generation)
        self._wakeup.close()

    def _resting(self) -> SensorState | None:
        """Why it should not run now; None: it should. Under the lock."""
        return _resting_state(
            self._plan,
            is_stopped=self._is_stopped,
            has_ended=self._has_ended,
            holds=self._around.holds(self.ref),
        )

    def _live(self, plan: SensorPlan, generation: int) -> None:
        try:
            start = self._around.prepare(plan)
        except EngineError as error:
            self._failed(str(error))
            return
        try:
            self._log.hide(start.secrets)
            process = SensorProcess(start.launch, self._log, self._wakeup)
            end = self._follow(process, plan, generation)
        except (EngineError, OSError) as error:
            self._failed(str(error))
        else:
            self._ended(end)
        finally:
            start.give_back()

    def _follow(self, process: SensorProcess, plan: SensorPlan, generation: int) -> End:
        with self._lock:
            self._process, self._started_at = process, utcnow()
        self._log.note(logging.INFO, f"started as process {process.pid}")
        self._around.news.spawned(self.ref, process.pid, process.command)
        life = Life(
            process,
            triggers=plan.triggers,
            requests=self._requests,
            log=self._log,
            tally=self._tally,
            wakeup=self._wakeup,
            settings=self._settings,
        )
        try:
            end = life.live(lambda: self._wanted(generation), on_running=self._ran, on_good=self._is_good)
        finally:
            with self._lock:
                self._process = None
        self._around.news.exited(self.ref, end.code)
        return end

    def _wanted(self, generation: int) -> Triggers | None:
        """The triggers of the process that was started for `generation`; None when it is to end."""
        with self._lock:
            if self._is_closing or generation != self._generation or self._resting() is not None:
                return None
            return self._plan.triggers

    def _accept(self, event: Event) -> "Future[Emitted]":
        if not self._around.holds(self.ref):
            # Another server may run it already; this process is ended, and its events are not taken.
            raise Busy("This server does not run the sensor any more.")
        return self._around.submit(event)

    def _ran(self) -> None:
        with self._lock:
            self._state = SensorState.RUNNING

    def _is_good(self) -> None:
        """It has run for a good while: what was before is over."""
        incident, self._incident = self._incident, ""
        failures, self._tally.failures = self._tally.failures, 0
        if incident:
            self._around.news.well(self.ref, incident, failures=failures)

    def _ended(self, end: End) -> None:
        if end.error:
            if end.age_s >= self._settings.good_run_s:
                self._tally.failures = 0
            self._failed(end.error)
        elif end.was_told:
            self._log.note(logging.INFO, "stopped")
        else:
            self._log.note(logging.WARNING, "run() has returned: it is not started again by itself")
            with self._lock:
                self._has_ended = True

    def _failed(self, error: str) -> None:
        error = self._log.masked(error)
        tally = self._tally
        tally.failures += 1
        tally.restarts += 1
        tally.last_error, tally.last_error_at = error, utcnow()
        pause_s = restart_pause_s(
            tally.failures, first_s=self._settings.restart_s, longest_s=self._settings.restart_longest_s
        )
        with self._lock:
            self._start_at = time.monotonic() + pause_s
            self._state = SensorState.WAITING
        self._log.note(logging.ERROR, f"failed ({tally.failures} in a row): {error}")
        self._log.note(logging.INFO, f"it is started again in {pause_s:.1f} s")
        if tally.failures >= self._settings.tell_after:
            self._incident = self._around.news.failing(self.ref, self._incident, tally, pause_s=pause_s)


def _resting_state(plan: SensorPlan, *, is_stopped: bool, has_ended: bool, holds: bool) -> SensorState | None:
    if not plan.enabled:
        return SensorState.DISABLED
    if is_stopped:
        return SensorState.STOPPED
    if has_ended:
        return SensorState.ENDED
    if plan.needs_rules and not plan.triggers:
        return SensorState.IDLE
    return None if holds else SensorState.ELSEWHERE


def restart_pause_s(failures: int, *, first_s: float, longest_s: float) -> float:
    """Seconds before the next start after so many failures in a row, from 1.

    Doubles each time; somewhere in the upper half of that, so that sensors that failed together
    (their service was away) do not come back together.
    """
    whole: float = min(longest_s, first_s * 2 ** min(failures - 1, 30))
    return random.uniform(whole / 2, whole)  # noqa: S311 - a pause, not a secret
