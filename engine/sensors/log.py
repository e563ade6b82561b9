"""What a sensor says: into the server's log under its name, masked and bounded; the last lines are kept."""

import codecs
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable

from engine.clock import utcnow
from engine.expressions.masking import StreamMasker, ValueMasker
from engine.records.sensor import SensorLine

LONGEST_LINE = 4096
# Lines a second that a sensor may go on saying, and how many at once before that counts.
LINES_A_SECOND = 100.0
BURST = 1000.0
# A printed line without an end is cut here.
_LONGEST_UNENDED = 65_536


class SensorLog:
    """Used by the sensor's thread; `lines` by any."""

    def __init__(self, ref: str, *, keep: int) -> None:
        self._ref = ref
        self._logger = logging.getLogger(f"sensor.{ref}")
        self._lock = threading.Lock()
        self._lines: deque[SensorLine] = deque(maxlen=keep)
        self._secrets: set[str] = set()
        self._masker = ValueMasker(())
        self._budget = BURST
        self._filled_at = time.monotonic()
        self._left_out = 0

    def lines(self) -> list[SensorLine]:
        """The last ones, oldest first."""
        with self._lock:
            return list(self._lines)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these too, from now on."""
        fresh = set(secrets) - self._secrets
        if fresh:
            self._secrets |= fresh
            self._masker = ValueMasker(self._secrets)

    def masked(self, text: str) -> str:
        return self._masker.text(text)

    def printed(self, level: int) -> "PrintedText":
        """Takes what the sensor prints, in pieces."""
        return PrintedText(self, level, self._masker.stream())

    def say(self, level: int, text: str) -> None:
        """Of the sensor's own words, one entry per line."""
        for line in self.masked(text).splitlines():
            self.write(level, line)

    def write(self, level: int, line: str) -> None:
        """A line that is masked already. Too many of them are left out, and counted."""
        if not line.strip():
            return
        if not self._has_budget():
            self._left_out += 1
            return
        if self._left_out:
            self._put(logging.WARNING, f"{self._left_out} lines were left out: too many a second.")
            self._left_out = 0
        self._put(level, line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ...")

    def note(self, level: int, text: str) -> None:
        """Of our own words about the sensor: never left out."""
        for line in self.masked(text).splitlines():
            self._put(level, line)

    def _has_budget(self) -> bool:
        now = time.monotonic()
        self._budget = min(BURST, self._budget + (now - self._filled_at) * LINES_A_SECOND)
        self._filled_at = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _put(self, level: int, line: str) -> None:
        name = logging.getLevelName(level).lower() if level in _NAMED else "info"
        with self._lock:
            self._lines.append(SensorLine(at=utcnow(), level=name, text=line))
        self._logger.log(level, "%s", line, extra={"sensor": self._ref})


_NAMED = frozenset({logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL})


class PrintedText:
    """Bytes of a stream, as they come, to whole lines; secrets are found over the borders of pieces."""

    def __init__(self, log: SensorLog, level: int, masker: StreamMasker) -> None:
        self._log = log
        self._level = level
        self._masker = masker
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> None:
        self._take(self._masker.feed(self._decoder.decode(data)))

    def finish(self) -> None:
        self._take(self._masker.feed(self._decoder.decode(b"", final=True)) + self._masker.flush())
        self._write(self._rest)
        self._rest = ""

    def _take(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write(line)
        if len(self._rest) > _LONGEST_UNENDED:
            self._write(self._rest)
            self._rest = ""

    def _write(self, line: str) -> None:
        # Once more: a secret that became known after the start is not in the stream's masker.
        self._log.write(self._level, self._log.masked(line))
