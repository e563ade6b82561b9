"""How a webhook is doing: what it took and refused since the start, and when to tell somebody."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.webhooks.delivery import RefusalKind

_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Tally:
    """Of one URL; changed by the event loop only, read by anybody."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    last_accepted_at: datetime | None = None
    last_refused_at: datetime | None = None
    last_reason: str = ""
    reasons: Counter[str] = field(default_factory=Counter)
    """How many were refused, by the kind of the reason."""
    _hour_began_at: datetime | None = None
    _in_hour: int = 0

    def accept(self, now: datetime, *, is_duplicate: bool) -> None:
        if is_duplicate:
            self.duplicates += 1
        else:
            self.accepted += 1
            self.last_accepted_at = now

    def refuse(self, now: datetime, reason: str, kind: RefusalKind) -> int:
        """How many were refused in this hour, this one included."""
        self.refused += 1
        self.reasons[kind] += 1
        self.last_refused_at = now
        self.last_reason = reason
        if self._hour_began_at is None or now - self._hour_began_at >= _HOUR:
            self._hour_began_at = now
            self._in_hour = 0
        self._in_hour += 1
        return self._in_hour


@dataclass(slots=True)
class Tallies:
    """By URL. Addresses that nobody set up share one, so that strangers cannot fill the memory."""

    known: dict[str, Tally] = field(default_factory=dict)
    others: Tally = field(default_factory=Tally)

    def of(self, url: str, *, is_known: bool) -> Tally:
        if not is_known:
            return self.others
        found = self.known.get(url)
        if found is None:
            found = self.known[url] = Tally()
        return found
