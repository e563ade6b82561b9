"""How the chats stand that run: each says it when somebody asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatState:
    name: str
    is_up: bool
    """Whether what people say there is heard."""
    about: str = ""
    """For people, for example `2 of 2 sockets`."""
    trouble: str = ""
    """What is wrong, and what to do; empty: nothing."""
    since: datetime | None = None
    """Of the trouble."""
    connections: int = 0
    """How many are open: sockets, or a process that is connected."""
    connections_wanted: int = 0
    """0: it needs none of its own."""


class ChatStates:
    """May be asked from any thread."""

    def __init__(self) -> None:
        self.names = Names()
        """What they call people and channels."""
        self._sources: dict[str, Callable[[], ChatState]] = {}

    def join(self, name: str, source: Callable[[], ChatState]) -> None:
        self._sources[name] = source

    def all(self) -> list[ChatState]:
        """In the order in which they were started."""
        return [source() for source in list(self._sources.values())]
