"""One process of a sensor from its start to its end: its messages answered, its limits watched."""

import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from engine.clock import utcnow
from engine.errors import Busy, EngineError
from engine.records.trigger import Emitted
from engine.sensors.log import SensorLog
from engine.sensors.process import SensorProcess, Wakeup
from engine.sensors.requests import Refused, SensorRequests, log_level
from engine.sensors.tally import Tally
from engine.settings.events import SensorSettings

# Events of one sensor that may be under way at once; they share commits.
WINDOW = 256
# How long an event waits to be tried again when too many wait already.
_BUSY_PAUSE_S = 0.05
_MEMORY_LOOK_S = 2.0
_MEGABYTE = 1_048_576

Triggers = Mapping[str, Mapping[str, Any]]
# The triggers that the sensor should know; None: this process is to end.
Wanted = Callable[[], Triggers | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a process ended. `error` is empty when it ended well, or because it was told to."""

    code: int
    age_s: float
    was_told: bool
    error: str = ""


class Life:
    """Lived in the thread that made the process."""

    def __init__(
        self,
        process: SensorProcess,
        *,
        triggers: Triggers,
        requests: SensorRequests,
        log: SensorLog,
        tally: Tally,
        wakeup: Wakeup,
        settings: SensorSettings,
    ) -> None:
        """`triggers`: those it was started with."""
        self._process = process
        self._known = dict(triggers)
        self._requests = requests
        self._log = log
        self._tally = tally
        self._wakeup = wakeup
        self._settings = settings
        self._under_way = 0
        # Filled by whatever thread commits; emptied by ours.
        self._done: deque[tuple[Any, Future[Emitted]]] = deque()
        self._held: deque[dict[str, Any]] = deque()
        self._held_until = 0.0
        self._kill_at = float("inf")
        self._memory_at = time.monotonic() + _MEMORY_LOOK_S if settings.memory_limit_mb else float("inf")
        self._was_told = False
        self._error = ""

    def live(self, wanted: Wanted, *, on_running: Callable[[], None], on_good: Callable[[], None]) -> End:
        """Until the process has ended. `on_good` is called once it has run for a good while."""
        self._on_running = on_running
        good_at = self._process.started_at_s + self._settings.good_run_s
        try:
            while not self._process.is_over:
                self._process.pump(self._timeout_s(good_at), self._take)
                self._work(wanted)
                if time.monotonic() >= good_at:
                    good_at = float("inf")
                    on_good()
        except EngineError as error:
            self._error = self._error or error.message
            self._process.kill()
        code = self._process.finish(self._take)
        return End(
            code=code,
            age_s=self._process.age_s,
            was_told=self._was_told,
            error=self._error or ("" if self._was_told else _code_text(code, self._log)),
        )

    def _timeout_s(self, good_at: float) -> float | None:
        due = min(good_at, self._kill_at, self._memory_at)
        if self._held:
            due = min(due, self._held_until)
        return None if due == float("inf") else max(0.0, due - time.monotonic())

    def _work(self, wanted: Wanted) -> None:
        self._answer_done()
        self._try_held()
        self._process.want_messages(not self._held and self._under_way < WINDOW)
        triggers = wanted()
        if triggers is None:
            self._stop()
        else:
            self._tell_triggers(triggers)
        now = time.monotonic()
        if now >= self._memory_at:
            self._memory_at = now + _MEMORY_LOOK_S
            self._look_at_memory()
        if now >= self._kill_at or self._process.is_deaf:
            self._kill_at = float("inf")
            self._process.kill()

    def _stop(self) -> None:
        if not self._was_told:
            self._was_told = True
            self._kill_at = min(self._kill_at, time.monotonic() + self._settings.stop_s)
            self._process.terminate()

    def _tell_triggers(self, triggers: Triggers) -> None:
        for ref in self._known.keys() - triggers.keys():
            self._process.send({"op": "remove_trigger", "trigger": self._known.pop(ref)})
        for ref, trigger in triggers.items():
            if self._known.get(ref) != trigger:
                method = "update_trigger" if ref in self._known else "add_trigger"
                self._process.send({"op": method, "trigger": trigger})
                self._known[ref] = trigger

    def _look_at_memory(self) -> None:
        limit = self._settings.memory_limit_mb
        used = self._process.memory_bytes() / _MEGABYTE
        if used > limit and not self._error:
            self._error = f"It used {used:.0f} MB of memory; sensors.memory_limit_mb is {limit:g}."
            self._stop()

    # what it says

    def _take(self, message: dict[str, Any]) -> None:
        operation = message.get("op")
        if operation == "dispatch":
            self._submit(message)
        elif operation == "log":
            self._log.say(log_level(message), f"{message.get('logger')}: {message.get('text')}")
        elif operation == "refused":
            self._refuse(message, str(message.get("reason")))
        elif operation == "running":
            self._on_running()
        elif operation == "failed":
            self._failed(message)
        elif "n" in message:
            self._process.send({**self._requests.answer(message), "n": message["n"]})

    def _failed(self, message: Mapping[str, Any]) -> None:
        self._error = f"{message.get('phase')}: {message.get('error')}"
        self._log.note(logging.ERROR, str(message.get("traceback") or self._error))
        # It has nothing left to do but to end; its cleanup() may not hold it up for ever.
        self._kill_at = time.monotonic() + self._settings.stop_s

    def _submit(self, message: dict[str, Any]) -> None:
        if self._held:
            # In their order: one before it waits to be tried again.
            self._held.append(message)
            return
        number = message.get("n")
        try:
            future = self._requests.submit(message)
        except Refused as refusal:
            self._refuse(message, str(refusal))
            self._process.send({"n": number})
        except Busy:
            self._held.append(message)
            self._held_until = time.monotonic() + _BUSY_PAUSE_S
        except EngineError as error:
            self._process.send({"n": number, "error": str(error)})
        else:
            self._under_way += 1
            future.add_done_callback(lambda done: self._tell_done(number, done))
        self._process.want_messages(not self._held and self._under_way < WINDOW)

    def _refuse(self, message: Mapping[str, Any], reason: str) -> None:
        self._tally.refused += 1
        self._log.say(logging.WARNING, f"an event for {message.get('trigger')} is not accepted: {reason}")

    def _tell_done(self, number: Any, future: "Future[Emitted]") -> None:
        self._done.append((number, future))
        self._wakeup.set()

    def _answer_done(self) -> None:
        while self._done:
            number, future = self._done.popleft()
            self._under_way -= 1
            # There is room again.
            self._held_until = 0.0
            error = future.exception()
            if error is None:
                self._tally.events += 1
                self._tally.last_event_at = utcnow()
                self._process.send({"n": number})
            else:
                self._process.send({"n": number, "error": str(error)})

    def _try_held(self) -> None:
        if not self._held or time.monotonic() < self._held_until:
            return
        waiting, self._held = self._held, deque()
        for message in waiting:
            self._submit(message)


def _code_text(code: int, log: SensorLog) -> str:
    """Why a process ended that said nothing about it itself."""
    if code == 0:
        return ""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        more = " (out of memory?)" if -code == signal.SIGKILL else ""
        return f"It was ended by {name}{more}."
    if code == 128 + signal.SIGTERM:
        return "It was ended by SIGTERM."
    said = log.lines()
    return f"It ended with exit code {code}{f': {said[-1].text}' if said else ''}."
