"""An inquiry from its rows to what is shown, and what the clock will do with it."""

from datetime import datetime, timedelta
from typing import Literal

from engine.inquiries import quorum
from engine.people import People
from engine.records.inquiry import Asked, Inquiry, OnTimeout
from engine.store.inquiries import StoredInquiry

Due = Literal["end", "escalate", "remind"]


def shown(stored: StoredInquiry, people: People) -> Inquiry:
    asked = stored.asked
    return Inquiry(
        id=stored.id,
        action=stored.action,
        asked=asked,
        state=stored.state,
        version=stored.version,
        raised_at=stored.raised_at,
        level=stored.level,
        level_at=stored.level_at,
        deadline_at=stored.deadline_at,
        at_deadline=at_deadline(stored),
        reminders=stored.reminders,
        next_at=stored.wake_at,
        votes=stored.votes,
        tally=quorum.tally(asked.quorum, stored.votes) if asked.quorum else (),
        nobody=nobody(stored, people),
        outcome=stored.outcome,
    )


def nobody(stored: StoredInquiry, people: People) -> str:
    asked = stored.asked
    audiences = [asked.audience]
    if stored.level and asked.escalation is not None:
        audiences.append(asked.escalation.audience)
    excluded = asked.origin.people if asked.is_separate else ()
    return quorum.why_nobody(asked.quorum, audiences, people, excluded)


def at_deadline(stored: StoredInquiry) -> OnTimeout:
    """What happens at the deadline, as far as it has come."""
    asked = stored.asked
    if stored.level and asked.escalation is not None:
        # Who was asked besides before the time was over has the time of all.
        return asked.escalation.then if asked.on_timeout == "escalate" else asked.on_timeout
    return asked.on_timeout


def deadline_after(moment: datetime, ttl_min: int) -> datetime | None:
    """None: it never expires."""
    return moment + timedelta(minutes=ttl_min) if ttl_min > 0 else None


def next_due(stored: StoredInquiry) -> tuple[datetime, Due] | None:
    """What the clock has to do next, and when; of several at one moment the gravest."""
    found: list[tuple[datetime, Due]] = []
    if stored.deadline_at is not None:
        found.append((stored.deadline_at, "end" if at_deadline(stored) != "escalate" else "escalate"))
    escalation = stored.asked.escalation
    if escalation is not None and escalation.after_min is not None and not stored.level:
        found.append((stored.raised_at + timedelta(minutes=escalation.after_min), "escalate"))
    if stored.asked.remind_min:
        every = timedelta(minutes=stored.asked.remind_min)
        found.append((stored.level_at + (stored.reminders + 1) * every, "remind"))
    return min(found, key=lambda one: (one[0], _GRAVITY.index(one[1])), default=None)


_GRAVITY: tuple[Due, ...] = ("end", "escalate", "remind")


def reminders_by(stored: StoredInquiry, now: datetime) -> int:
    """How many reminders are past; those missed while nobody was there to send them are not made up."""
    return int((now - stored.level_at) / timedelta(minutes=stored.asked.remind_min))


def wake_at(stored: StoredInquiry) -> datetime | None:
    ahead = next_due(stored)
    return None if ahead is None else ahead[0]


def rejection(asked: Asked) -> dict[str, bool]:
    """The response that says no."""
    return {asked.decision: False} if asked.decision else {}
