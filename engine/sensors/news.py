"""What others hear of a sensor's life: people in the operations channel, and rules on its processes."""

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from engine.errors import EngineError
from engine.notices import Notice
from engine.records.trigger import Event
from engine.sensors.tally import Tally
from engine.triggers import Triggers

log = logging.getLogger(__name__)

SPAWN = "core.st2.sensor.process_spawn"
EXIT = "core.st2.sensor.process_exit"
_LONGEST_ERROR = 600


class SensorNews:
    """`tell` has a notice posted, and raises EngineError when it cannot be stored."""

    def __init__(self, *, tell: Callable[[Notice], None], triggers: Triggers, channel: str) -> None:
        self._tell = tell
        self._triggers = triggers
        self._channel = channel

    def failing(self, ref: str, incident: str, tally: Tally, *, pause_s: float) -> str:
        """It keeps failing. One message per incident, which is edited; its key. `incident`: the key, or
        empty for the first time."""
        key = incident or f"sensor:{ref}:{secrets.token_hex(6)}"
        notice = Notice(
            key=key,
            channel=self._channel,
            title=f"Sensor {ref} keeps failing",
            text=tally.last_error[:_LONGEST_ERROR],
            tone="bad",
            fields=(
                ("Failed in a row", str(tally.failures)),
                ("Next try", f"in {pause_s:.0f} s"),
                ("Its log", f"stormcrow sensor logs {ref}"),
            ),
        )
        self._post(notice)
        return key

    def well(self, ref: str, incident: str, *, failures: int) -> None:
        self._post(
            Notice(
                key=f"{incident}:well",
                channel=self._channel,
                title=f"Sensor {ref} is well again",
                text=f"It runs, after {failures} failures in a row.",
                tone="good",
            )
        )

    def spawned(self, ref: str, pid: int, command: str) -> None:
        self._emit(SPAWN, {"id": ref, "timestamp": int(time.time()), "pid": pid, "cmd": command})

    def exited(self, ref: str, code: int) -> None:
        self._emit(EXIT, {"id": ref, "timestamp": int(time.time()), "exit_code": code})

    def _post(self, notice: Notice) -> None:
        try:
            self._tell(notice)
        except EngineError as error:
            log.warning("the channel was not told about %s: %s", notice.title, error)

    def _emit(self, trigger: str, payload: dict[str, Any]) -> None:
        if not self._triggers.listens(trigger):
            return
        try:
            self._triggers.submit(Event(trigger=trigger, payload=payload, source="engine"))
        except EngineError as error:
            log.warning("no event %s for %s: %s", trigger, payload["id"], error)
