"""One output stream of a remote command: decoded, masked, limited, and passed on line by line."""

import codecs
from collections.abc import Callable

from engine.expressions.masking import ValueMasker

# A line without an end is passed on in pieces of this size.
_LONGEST_LINE = 8_192


class OutputCapture:
    """Takes bytes as they come; memory stays bounded by the limit."""

    def __init__(self, masker: ValueMasker, *, limit_bytes: int, emit: Callable[[str], None] | None) -> None:
        """`emit` takes masked text, whole lines as a rule."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._masker = masker.stream()
        self._limit_bytes = limit_bytes
        self._emit = emit
        self._kept_bytes = 0
        self._dropped_bytes = 0
        self._parts: list[str] = []
        self._line = ""

    @property
    def is_truncated(self) -> bool:
        return self._dropped_bytes > 0

    def feed(self, data: bytes) -> None:
        kept = data[: self._limit_bytes - self._kept_bytes]
        self._kept_bytes += len(kept)
        self._dropped_bytes += len(data) - len(kept)
        if kept:
            self._add(self._masker.feed(self._decoder.decode(kept)))

    def finish(self) -> str:
        """All that was kept; with a last line that says how much was not."""
        if self.is_truncated:
            # What the masker holds back may be the beginning of a secret whose end was dropped.
            self._add(f"\n[truncated {self._dropped_bytes} bytes]\n")
        else:
            self._add(self._masker.feed(self._decoder.decode(b"", final=True)))
            self._add(self._masker.flush())
        if self._line and self._emit is not None:
            self._emit(self._line)
        self._line = ""
        return "".join(self._parts)

    def _add(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        if self._emit is None:
            return
        self._line += text
        end = self._line.rfind("\n") + 1
        if end == 0 and len(self._line) >= _LONGEST_LINE:
            end = len(self._line)
        if end:
            self._emit(self._line[:end])
            self._line = self._line[end:]
