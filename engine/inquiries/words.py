"""What every surface says of an inquiry: who is wanted, how far it is, what happens without an answer."""

from collections.abc import Iterator

from engine.inquiries.quorum import is_reserved
from engine.records.inquiry import Audience, Inquiry, InquiryState, Outcome

_ENDS = {
    InquiryState.ANSWERED: "Answered",
    InquiryState.APPROVED: "Approved",
    InquiryState.REJECTED: "Rejected",
    InquiryState.EXPIRED: "Expired",
    InquiryState.CANCELED: "Canceled",
}
_AT_DEADLINE = {"fail": "it fails", "reject": "it is rejected", "escalate": "others are asked"}


def wanted(inquiry: Inquiry) -> str:
    """Whose answer it needs: `1 of sre and 1 of security, not ann`."""
    quorum = inquiry.asked.quorum
    audiences = [one for one in inquiry.audiences if not one.is_everybody]
    of = " or ".join(_of(one) for one in audiences)
    if quorum is None:
        text = f"1 of {of}" if of else "anybody"
    else:
        groups = " and ".join(f"{need} of {name}" for name, need in quorum.each.items())
        if is_reserved(quorum):
            text = f"{groups}, each in {of}" if of else groups
        else:
            text = f"{quorum.people} of {of}" if of else _people(quorum.people)
            text += f", with {groups}" if groups else ""
    if inquiry.asked.is_separate:
        text += f", not {inquiry.asked.origin.name}"
    return text


def _of(audience: Audience) -> str:
    parts = [", ".join(names) for names in (audience.users, audience.roles, audience.groups) if names]
    return parts[0] if len(parts) == 1 else f"({' and also '.join(parts)})"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def progress(inquiry: Inquiry) -> str:
    """`1/2 (bob)`, `sre 1/1, security 0/1 (bob)`; empty without a quorum."""
    counts = ", ".join(f"{count.name} {count.have}/{count.need}".strip() for count in inquiry.tally)
    names = ", ".join(vote.name for vote in inquiry.votes if vote.is_yes)
    return f"{counts} ({names})" if counts and names else counts


def at_deadline(inquiry: Inquiry) -> str:
    """What happens without an answer: `it is rejected`; empty: it waits for ever."""
    return _AT_DEADLINE[inquiry.at_deadline] if inquiry.deadline_at is not None else ""


def ended(outcome: Outcome) -> str:
    """`Approved by ann: reason`."""
    return "".join(_ended(outcome))


def _ended(outcome: Outcome) -> Iterator[str]:
    yield _ENDS[outcome.state]
    if outcome.is_break_glass:
        yield " by breaking the glass,"
    if outcome.user:
        yield f" by {outcome.name or outcome.user}"
    elif outcome.state is InquiryState.REJECTED:
        yield ": nobody answered in time"
    if outcome.reason:
        yield f": {outcome.reason}"
