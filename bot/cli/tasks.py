"""A task of a workflow, as who follows the workflow is told of it."""

from dataclasses import dataclass

from bot.cli.exits import CODE_OF
from bot.cli.output import duration

_NO_FAULT = frozenset({"succeeded", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One execution of a workflow. `name`: with those of the workflows around it, `deploy/canary[2]`."""

    id: str
    name: str
    action: str
    status: str
    elapsed_s: float | None
    prints: bool
    """Its action runs by itself; others are workflows and questions."""

    @property
    def has_failed(self) -> bool:
        return self.status in CODE_OF and self.status not in _NO_FAULT

    def ending(self, status: str) -> str:
        """`build: failed after 2.1 s  6a5b...`; `status`: the word as it is to be written."""
        took = f" after {duration(self.elapsed_s)}" if self.elapsed_s is not None else ""
        where = f"  {self.id}" if self.has_failed else ""
        return f"{self.name}: {status}{took}{where}"


class Lines:
    """Output that comes in pieces, as whole lines."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> list[str]:
        *lines, self._rest = (self._rest + text).split("\n")
        return lines

    def end(self) -> list[str]:
        """The last line, where it has no end of its own."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []
