"""What goes wrong on purpose: answers that fail, come late or never, deliveries twice or in another order."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

Hello = Literal["silence", "close", "reset"]
Effect = Literal["answer", "delay", "swallow", "reset"]


@dataclass(slots=True, kw_only=True)
class AnswerFault:
    """What happens to the next `times` calls of a method (`*`: of any)."""

    method: str
    times: int
    effect: Effect
    status: int = 200
    """`answer`: given instead of doing anything."""
    error: str = ""
    retry_after_s: int = 0
    delay_s: float = 0.0
    """`delay` and `swallow`: how long after the method did its work."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """The switches; only the emulator's loop reads and turns them."""

    answers: list[AnswerFault] = field(default_factory=list)
    duplicates: int = 0
    """So many of the next deliveries are sent twice."""
    reordered: int = 0
    """So many of the next deliveries are collected, and sent the last one first."""
    ignore_pings: bool = False
    refuse_sockets: bool = False
    """No new connection: apps.connections.open and the WebSocket answer 503."""
    hellos: list[Hello] = field(default_factory=list)
    """How the next connections begin, in place of a hello."""
    cut_deliveries: int = 0
    """So many of the next deliveries are the last that their socket carries: it is reset behind them."""
    unheard: int = 0
    """So many of the next acknowledgements get lost on the way to Slack."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    """The faults that took place: method and effect."""

    def take(self, method: str) -> AnswerFault | None:
        """The fault for this call, counted; None: it goes well."""
        for fault in self.answers:
            if fault.method in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self.answers.remove(fault)
                self.recent.append(f"{method} {fault.effect} {fault.status}")
                return fault
        return None

    def clear(self) -> None:
        """Everything goes well again."""
        self.answers.clear()
        self.hellos.clear()
        self.duplicates = self.reordered = self.unheard = self.cut_deliveries = 0
        self.ignore_pings = self.refuse_sockets = False
