"""A child spoken with over its pipe, as the server does, line by line."""

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, TypeVar

from bot.adapters.errbot.protocol import Done, Heard, Said, Start, State, line_of, said_in
from tests.bot.adapters.errbot.servers import until

_ROOT = Path(__file__).resolve().parents[4]
_Kind = TypeVar("_Kind", bound=Said)


class RawChild:
    """`said` is all that the child has said; `errors` what it printed is in `log`."""

    def __init__(self, folder: Path, **start: Any) -> None:
        self.log = folder / "child.log"
        self._ours, theirs = socket.socketpair()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot.adapters.errbot.child", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        theirs.close()
        self.said: list[Said] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.say(
            Start(**{"network": "irc", "backend": "IRC", "nickname": "crow", "lines_per_s": 50, **start})
        )

    def say(self, said: Said) -> None:
        self._ours.sendall(line_of(said))

    def _read(self) -> None:
        with self._ours.makefile("rb") as stream:
            try:
                for line in stream:
                    self.said.append(said_in(line))
            except OSError:
                return

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        return [one for one in list(self.said) if isinstance(one, kind)]

    def is_in(self, *channels: str) -> None:
        """Wait until it is connected and in these channels."""
        until(lambda: bool(states := self.all(State)) and set(channels) <= set(states[-1].channels))

    def done(self, number: int) -> Done:
        until(lambda: any(one.id == number for one in self.all(Done)))
        return next(one for one in self.all(Done) if one.id == number)

    def heard(self, text: str) -> Heard:
        until(lambda: any(one.text == text for one in self.all(Heard)))
        return next(one for one in self.all(Heard) if one.text == text)

    def hang_up(self) -> int:
        """As a server that was killed; the exit code of the child."""
        self._ours.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._ours.close()
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._ours.close()
        self._reader.join(5)
