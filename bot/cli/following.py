"""What an execution prints, shown while it comes: goes on where it was when the connection breaks."""

import json
import random
import threading
from collections.abc import Callable

from bot.cli.client import Client
from bot.cli.exits import CommandError

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


def pause_s(failures: int) -> float:
    """Doubles with each failure in a row; half of it by chance, so that jobs do not come back together."""
    longest: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Follower:
    """A thread of its own, until the end of the execution. `write` is called from it."""

    def __init__(self, client: Client, execution_id: str, write: Callable[[str], None]) -> None:
        self._client = client
        self._execution_id = execution_id
        self._write = write
        self._place = ""
        self._unwritten: OSError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def finish(self, *, timeout_s: float) -> None:
        """Until all is shown, or for so long; then nothing more is.

        Raises OSError where it cannot be written.
        """
        self._thread.join(timeout_s)
        self._stopping.set()
        if self._unwritten is not None:
            raise self._unwritten

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            before = self._place
            try:
                if self._reads_to_its_end():
                    return
            except CommandError as error:
                if 400 <= error.status < 500:
                    # Whoever waits for the end hears the same, and says it.
                    return
            except OSError as error:
                self._unwritten = error
                return
            failures = 0 if self._place != before else failures + 1
            self._stopping.wait(pause_s(failures))

    def _reads_to_its_end(self) -> bool:
        query = {"follow": "true"}
        for event in self._client.events(
            "executions", self._execution_id, "output", query=query, last_id=self._place
        ):
            if event.name == "EOF":
                return True
            if self._stopping.is_set():
                return True
            self._place = event.id or self._place
            self._write(str(json.loads(event.data)["data"]))
        return False
