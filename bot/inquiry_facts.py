"""Lines about an inquiry: who may answer, until when, who has said what, how it ended."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot import formatting
from engine.clock import utcnow
from engine.records.inquiry import Audience, Count, Inquiry, InquiryState, Outcome, Vote

_LINE = 400
_WORDS: Mapping[InquiryState, str] = {
    InquiryState.PENDING: "Waits for an answer",
    InquiryState.ANSWERED: "Answered",
    InquiryState.APPROVED: "Approved",
    InquiryState.REJECTED: "Rejected",
    InquiryState.EXPIRED: "Expired: nobody answered in time",
    InquiryState.CANCELED: "Cancelled",
}


def rows(inquiry: Inquiry) -> Iterator[tuple[str, str]]:
    asked, origin = inquiry.asked, inquiry.asked.origin
    task = f", task {formatting.clean(origin.task)}" if origin.task else ""
    word = formatting.short_id(origin.execution_id)
    agent = " through an agent" if origin.is_by_agent else ""
    yield (
        "asked by",
        f"{formatting.clean(origin.name)}{agent} · {formatting.clean(origin.action)} {word}{task}",
    )
    yield "who", who_may(inquiry)
    if asked.quorum is not None and asked.quorum.veto:
        yield "may reject", formatting.clean(_listed(asked.quorum.veto, "and"))
    if asked.needs_reason:
        yield "reason", "must be given"
    yield "until", until(inquiry)
    if inquiry.tally:
        yield "so far", tally(inquiry.tally)


def who_may(inquiry: Inquiry) -> str:
    """`2 people: 1 of sre and 1 of security, not ann`."""
    asked = inquiry.asked
    quorum = asked.quorum
    audience = " or ".join(dict.fromkeys(_audience(one) for one in inquiry.audiences))
    if quorum is None:
        said = audience
    else:
        groups = [f"{need} of {formatting.clean(name)}" for name, need in quorum.each.items()]
        of = [_listed(groups, "and")] if groups else []
        # Who is in a group that must be there need not be said to be in it twice.
        is_said = all(
            set(one.groups) <= quorum.each.keys() and not one.users and not one.roles
            for one in inquiry.audiences
        )
        said = f"{_count(quorum.people)}: {'; '.join([*of, *([] if of and is_said else [audience])])}"
    return f"{said}, not {formatting.clean(asked.origin.name)}" if asked.is_separate else said


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


def _audience(audience: Audience) -> str:
    if audience.is_everybody:
        return "everybody"
    parts = []
    if audience.users:
        parts.append(_listed(audience.users, "or"))
    if audience.roles:
        parts.append(f"role {_listed(audience.roles, 'or')}")
    if audience.groups:
        parts.append(f"group {_listed(audience.groups, 'or')}")
    return formatting.clean(", and in ".join(parts))


def _listed(names: Sequence[str], word: str) -> str:
    clean = [formatting.clean(name) for name in names]
    return clean[0] if len(clean) == 1 else f"{', '.join(clean[:-1])} {word} {clean[-1]}"


def until(inquiry: Inquiry) -> str:
    """`03:24 UTC, then it is rejected`."""
    if inquiry.deadline_at is None:
        return "somebody answers; it does not expire"
    escalation = inquiry.asked.escalation
    at = moment(inquiry.deadline_at)
    if inquiry.at_deadline == "escalate" and escalation is not None:
        return f"{at}, then {_audience(escalation.audience)} is asked as well"
    then = "it is rejected" if inquiry.at_deadline == "reject" else "it fails"
    more = ""
    if escalation is not None and not inquiry.level and escalation.after_min is not None:
        others = _audience(escalation.audience)
        more = f"; after {formatting.span(escalation.after_min * 60)} {others} is asked too"
    return f"{at}, then {then}{more}"


def moment(at: datetime) -> str:
    """With the day where it is not today."""
    return f"{at:%H:%M} UTC" if at.date() == utcnow().date() else f"{at:%Y-%m-%d %H:%M} UTC"


def tally(counts: Sequence[Count]) -> str:
    """`1/2 people, sre 1/1`."""
    return ", ".join(
        f"{formatting.clean(one.name)} {one.have}/{one.need}" if one.name else f"{one.have}/{one.need} people"
        for one in counts
    )


def vote_line(vote: Vote) -> str:
    said = {True: "✓ approved", False: "✕ rejected", None: "✓ answered"}[vote.is_yes]
    reason = f": {one_line(vote.reason)}" if vote.reason else ""
    said += " alone, in an emergency" if vote.is_break_glass else ""
    return f"{said} by {one_line(vote.name or vote.user)} {moment(vote.at)}{reason}"


def decision(inquiry: Inquiry) -> str:
    """`Approved by ann, 03:09 UTC: reason`; the word alone before anybody has decided."""
    outcome: Outcome | None = inquiry.outcome
    word = _word(inquiry)
    if outcome is None:
        return f"{word}."
    if outcome.is_break_glass:
        word = f"⚠ {word} by breaking the glass"
    by = f" by {one_line(outcome.name or outcome.user)}" if outcome.user else ""
    reason = f": {one_line(outcome.reason)}" if outcome.reason else ""
    return f"{word}{by}, {moment(outcome.at)}{reason}"


def _word(inquiry: Inquiry) -> str:
    is_decided = inquiry.state in (InquiryState.APPROVED, InquiryState.REJECTED)
    if is_decided and inquiry.outcome is not None and not inquiry.outcome.user:
        return "Rejected, because nobody answered in time"
    if is_decided and not inquiry.asked.is_approval:
        return f"Answered {'yes' if inquiry.state is InquiryState.APPROVED else 'no'}"
    return _WORDS[inquiry.state]


def one_line(text: str) -> str:
    """Data of people within a line of ours."""
    return formatting.cut(" ".join(formatting.clean(text).split()), _LINE).text
