"""The command lines of all processes while tests run, kept to be looked through at the end."""

import contextlib
import threading
from pathlib import Path
from types import TracebackType

PAUSE_S = 0.25


class ProcessLists:
    """Writes each command line once into a file, until it is left."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="process-lists", daemon=True)

    def __enter__(self) -> "ProcessLists":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with self._file.open("ab") as file:
            while not self._over.wait(PAUSE_S):
                # Not with glob, which looks whether each is there and fails for one that ends meanwhile.
                for process in Path("/proc").iterdir():
                    if not process.name.isdigit():
                        continue
                    with contextlib.suppress(OSError):
                        line = (process / "cmdline").read_bytes()
                        if line not in self._seen:
                            self._seen.add(line)
                            file.write(line.replace(b"\0", b" ") + b"\n")
