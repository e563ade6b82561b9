"""The output of one action on its way from the spool: live to whoever watches, whole into the result."""

from engine.expressions.masking import ValueMasker
from engine.runners.base import OutputKind, RunControl
from engine.runners.spool import RESULT, STDERR, STDOUT, Ended, OutputReader, TextDecoder

# A line that gets longer than this is shown before its end.
LONGEST_LINE = 8192


class _Stream:
    """One of stdout and stderr."""

    def __init__(self, kind: OutputKind, control: RunControl, masker: ValueMasker) -> None:
        self.pieces: list[str] = []
        self._kind = kind
        self._control = control
        self._decoder = TextDecoder()
        self._mask = masker.stream()
        self._line = ""

    def feed(self, data: bytes, *, final: bool = False) -> None:
        text = self._decoder.feed(data, final=final)
        if text:
            self.pieces.append(text)
            self._show(self._mask.feed(text))

    def finish(self, remark: str) -> None:
        """`remark` is added on a line of its own when it is not empty."""
        self.feed(b"", final=True)
        if remark:
            begun = bool(self.pieces) and not self.pieces[-1].endswith("\n")
            remark = ("\n" if begun else "") + remark + "\n"
            self.pieces.append(remark)
        self._line += self._mask.flush() + remark
        if self._line:
            self._control.output(self._kind, self._line)
        self._line = ""

    def _show(self, text: str) -> None:
        self._line += text
        end = self._line.rfind("\n") + 1
        if len(self._line) - end > LONGEST_LINE:
            end = len(self._line)
        if end:
            self._control.output(self._kind, self._line[:end])
            self._line = self._line[end:]


class Output:
    """Collects stdout, stderr and the bytes of a result; every piece is read once."""

    def __init__(self, reader: OutputReader, control: RunControl, masker: ValueMasker) -> None:
        self._reader = reader
        self._streams = {
            STDOUT: _Stream("stdout", control, masker),
            STDERR: _Stream("stderr", control, masker),
        }
        self._result = bytearray()
        self._taken = 0

    def take(self) -> None:
        """Read what has come since the last time."""
        for kind, data in self._reader.read():
            if kind == RESULT:
                self._result += data
                self._taken += len(data)
            elif kind in self._streams:
                self._streams[kind].feed(data)
                self._taken += len(data)

    def finish(self, ended: Ended) -> None:
        """Read the rest, and say what is missing."""
        if ended.kept is None or ended.kept > self._taken:
            self.take()
        for index, stream in enumerate((STDOUT, STDERR)):
            dropped = ended.dropped[index]
            self._streams[stream].finish(f"[truncated {dropped} bytes]" if dropped else "")

    @property
    def stdout(self) -> str:
        """Unmasked."""
        return "".join(self._streams[STDOUT].pieces)

    @property
    def stderr(self) -> str:
        """Unmasked."""
        return "".join(self._streams[STDERR].pieces)

    @property
    def result(self) -> bytes:
        return bytes(self._result)
