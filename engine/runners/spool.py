"""The spool: what actions wrote and how they ended, on disk, written by the shim and read by us.

The format is described in pack_runtime/_stormcrow/running.py, which writes it. Entries are named
`<execution id>.<attempt>`.
"""

import codecs
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import StoreFailure

END, STDOUT, STDERR, RESULT, PROCESS = range(5)
_FRAME = struct.Struct(">dBI")
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an action ended, as the shim saw it."""

    reason: str
    """exited, timeout, cancelled, stopped, unstarted, lost, or gone (the shim itself died)"""
    exit: int | None
    """Exit code, negative for a signal; None: not known."""
    error: str = ""
    dropped: tuple[int, int, int] = (0, 0, 0)
    """Bytes over the limit: stdout, stderr, result."""
    kept: int | None = None
    """Bytes in the spool, of all three; None: not known."""

    @classmethod
    def of(cls, written: dict[str, Any]) -> "Ended":
        dropped = [seen - kept for seen, kept in zip(written["seen"], written["kept"], strict=True)]
        return cls(
            reason=written["reason"],
            exit=written["exit"],
            error=written["error"],
            dropped=(dropped[0], dropped[1], dropped[2]),
            kept=sum(written["kept"]),
        )


class Spool:
    """A folder of entries, mode 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailure(
                f"The spool {self.folder} cannot be made: {error.strerror}.",
                hint="Set store.data to a folder that this account may write.",
            ) from error

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def end(self, name: str) -> Ended | None:
        """How the entry ended; None while it runs, and when there is none."""
        written = self._frame(name, END)
        return None if written is None else Ended.of(written)

    def process(self, name: str) -> dict[str, Any] | None:
        """{"pid", "start", "boot"} of the entry's first process, where the shim has noted it."""
        return self._frame(name, PROCESS)

    def _frame(self, name: str, kind: int) -> dict[str, Any] | None:
        for found, data in OutputReader(self, name).read():
            if found == kind:
                written: dict[str, Any] = json.loads(data)
                return written
        return None

    def entries(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if not path.name.startswith("shim"))

    def forget(self, name: str) -> None:
        """Remove an entry; nothing happens when it is not there."""
        (self.folder / name).unlink(missing_ok=True)


class OutputReader:
    """Reads an entry from where it was, frame by frame."""

    def __init__(self, spool: Spool, name: str) -> None:
        self._path = spool.folder / name
        self._position = 0

    def read(self) -> Iterator[tuple[int, bytes]]:
        """(kind, bytes) of every frame that is there now and was not read before."""
        try:
            file = self._path.open("rb", buffering=0)
        except FileNotFoundError:
            return
        with file:
            file.seek(self._position)
            waiting = b""
            while data := file.read(_READ_BYTES):
                waiting += data
                offset = 0
                for end, kind, body in _frames(waiting):
                    offset = end
                    yield kind, body
                self._position += offset
                waiting = waiting[offset:]


def _frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(offset behind it, kind, bytes) of each whole frame."""
    offset = 0
    while offset + _FRAME.size <= len(data):
        _, kind, size = _FRAME.unpack_from(data, offset)
        begin = offset + _FRAME.size
        if begin + size > len(data):
            return
        offset = begin + size
        yield offset, kind, data[begin:offset]


class TextDecoder:
    """Bytes to text, piece by piece: UTF-8, and what is not stays visible as `\\xff`.

    A NUL becomes `\\x00` spelled out: no database keeps it in text.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def feed(self, data: bytes, *, final: bool = False) -> str:
        return self._decoder.decode(data, final).replace("\0", "\\x00")
