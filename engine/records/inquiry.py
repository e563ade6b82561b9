"""Inquiries: what is asked of people, who has said what to it, and how it ended.

An inquiry is an execution of the runner `inquirer`; its id is the execution's. Secret members of
responses are ******** in all of this; in clear they stand in `sealed` columns only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# The journal's kinds; the subject is the inquiry's id, the data what `told` makes.
RAISED = "inquiry.raised"
CHANGED = "inquiry.changed"
ANSWERED = "inquiry.answered"
EXPIRED = "inquiry.expired"
KINDS = (RAISED, CHANGED, ANSWERED, EXPIRED)

OnTimeout = Literal["fail", "reject", "escalate"]
Change = Literal["raised", "vote", "reminder", "escalation", "canceled", "answered", "expired"]


class InquiryRow(Table, table=True):
    """JSON columns are bytes made by orjson."""

    __tablename__ = "inquiry"
    __table_args__ = (Index("inquiry_by_wake", "wake_at"), Index("inquiry_by_state", "state", "raised_at"))

    id: str = Field(primary_key=True, max_length=24)
    action: str
    state: str
    version: int = 0
    """Counts the changes; whoever makes one names the version that it starts from."""
    raised_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    level: int = 0
    level_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    deadline_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reminders: int = 0
    wake_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When something is due: a reminder, an escalation, the deadline. None once it is over."""
    asked: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    outcome: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """The response in clear, where something in it is secret."""


class InquiryVoteRow(Table, table=True):
    """What one person has said; everybody has one vote."""

    __tablename__ = "inquiry_vote"

    inquiry_id: str = Field(primary_key=True, max_length=24)
    user: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    vote: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who may answer: whoever is in each of the lists that are not empty. All empty: everybody."""

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def is_everybody(self) -> bool:
        return not (self.users or self.roles or self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many people must approve; each counts once."""

    people: int = 1
    """Different people in all."""
    each: Mapping[str, int] = field(default_factory=dict)
    """So many of each of these groups or roles."""
    veto: tuple[str, ...] = ()
    """Users, groups or roles who may reject although they may not approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an approval is for: this action with exactly these parameters."""

    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """As they are shown: secrets are ********."""
    digest: str
    """SHA-256 over the action and the parameters in clear, 64 hexadecimal characters."""
    plan: str = ""
    """What it would do, as an action has foretold it; empty: nobody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPlace:
    """Where it is asked. Adapter and channel may be empty: the first chat, `events.channel`."""

    adapter: str = ""
    channel: str = ""
    thread: str | None = None
    thread_key: str = ""
    """It stands in the thread of the notice with this key."""
    is_command: bool = False
    """It is where the command was given that led to the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is asked besides, when nobody has answered."""

    after_min: int | None = None
    """Minutes after it was raised; None: when its time is over."""
    audience: Audience = field(default_factory=Audience)
    places: tuple[AskedPlace, ...] = ()
    route: str = ""
    ttl_min: int
    """How long these have, where the first deadline is over by then."""
    then: Literal["fail", "reject"] = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where it comes from."""

    execution_id: str
    """The execution at the root: the workflow's, or the inquiry's own."""
    action: str
    task: str = ""
    """The workflow's task that asks."""
    user: str
    """Whom it runs as."""
    name: str
    """The person as they are shown."""
    people: tuple[str, ...]
    """Everybody who is behind it: users and names."""
    is_by_agent: bool = False
    """A program of theirs wanted it, which decides by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked, of whom, and how it goes on without an answer. Never changes."""

    text: str = ""
    schema: Mapping[str, Any]
    route: str = ""
    audience: Audience = field(default_factory=Audience)
    ttl_min: int
    """Minutes; 0 or less: it never expires."""
    on_timeout: OnTimeout = "fail"
    remind_min: int = 0
    """Minutes between reminders; 0: none."""
    escalation: Escalation | None = None
    quorum: Quorum | None = None
    is_separate: bool = False
    """Who is behind the request may not answer."""
    break_glass: tuple[str, ...] = ()
    """Users, groups and roles who may approve it alone in an emergency."""
    needs_reason: bool = False
    subject: Subject | None = None
    decision: str = ""
    """The member of the response that says yes or no; empty: it has none."""
    is_approval: bool = False
    """It succeeds when approved and fails when rejected; otherwise every answer is a success."""
    places: tuple[AskedPlace, ...] = ()
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Who answers, and from where."""

    user: str
    """The engine's user."""
    name: str = ""
    """As they are shown; empty: the user."""
    account: str = ""
    """In a chat: its own ids."""
    surface: str = "api"
    """api, web, terminal, ..."""
    is_verified: bool = True
    """Somebody vouches for the user: an API key, a chat that has checked who it is."""
    execution_id: str | None = None
    """The running action that answers with the token of its run."""
    is_agent: bool = False
    """A program that decides by itself, or an action that such a one began."""
    breaks_glass: bool = False
    """They say themselves that it is an emergency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one person said."""

    user: str
    name: str
    at: datetime
    is_yes: bool | None = None
    """None: the inquiry does not ask for yes or no."""
    reason: str = ""
    response: Any = None
    surface: str = ""
    memberships: tuple[str, ...] = ()
    """Groups and roles of the person that the quorum counts."""
    is_break_glass: bool = False
    """It decides alone, whoever else is wanted."""


class InquiryState(StrEnum):
    PENDING = "pending"
    ANSWERED = "answered"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended, and by whom."""

    state: InquiryState
    at: datetime
    user: str = ""
    """Empty: by the clock."""
    name: str = ""
    reason: str = ""
    response: Any = None
    surface: str = ""
    is_break_glass: bool = False
    """One person approved it alone, in an emergency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A line of the tally."""

    name: str
    """A group or role; empty: people in all."""
    have: int
    need: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Everything that is shown of an inquiry, as it was when it was read."""

    id: str
    action: str
    """The ref of the action that asks, core.ask."""
    asked: Asked
    state: InquiryState = InquiryState.PENDING
    version: int = 0
    raised_at: datetime
    level: int = 0
    """1: it was escalated."""
    level_at: datetime
    """When it was asked of these people."""
    deadline_at: datetime | None = None
    at_deadline: OnTimeout = "fail"
    """What happens then."""
    reminders: int = 0
    next_at: datetime | None = None
    """The next reminder, escalation, or the deadline."""
    votes: tuple[Vote, ...] = ()
    """In the order in which they came."""
    tally: tuple[Count, ...] = ()
    """Empty without a quorum."""
    nobody: str = ""
    """Why nobody can bring it to an end as things stand; empty: somebody can."""
    outcome: Outcome | None = None

    @property
    def is_pending(self) -> bool:
        return self.state is InquiryState.PENDING

    @property
    def places(self) -> tuple[AskedPlace, ...]:
        """Where its prompts stand, those of an escalation last."""
        more = self.asked.escalation.places if self.level and self.asked.escalation else ()
        return (*self.asked.places, *more)

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """Who is in one of these may answer."""
        escalation = self.asked.escalation
        return (self.asked.audience, *([escalation.audience] if self.level and escalation else []))


def told(inquiry: Inquiry, change: Change) -> dict[str, Any]:
    """What the journal says: {"change": word, "adapters": names, "inquiry": all of it}."""
    adapters = list(dict.fromkeys(place.adapter for place in inquiry.places))
    return {
        "change": change,
        "adapters": adapters,
        "inquiry": _codec(Inquiry).dump_python(inquiry, mode="json"),
    }


def inquiry_of(data: Mapping[str, Any]) -> Inquiry:
    """The inquiry of a journal entry's data."""
    found: Inquiry = _codec(Inquiry).validate_python(data["inquiry"])
    return found


def dump(value: Asked | Vote | Outcome) -> bytes:
    kind: Any = type(value)
    return _codec(kind).dump_json(value)


def load_asked(data: bytes) -> Asked:
    found: Asked = _codec(Asked).validate_json(data)
    return found


def load_vote(data: bytes) -> Vote:
    found: Vote = _codec(Vote).validate_json(data)
    return found


def load_outcome(data: bytes) -> Outcome:
    found: Outcome = _codec(Outcome).validate_json(data)
    return found


@cache
def _codec(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
