"""Whether a workflow failed because people said no, and not of something that came later."""

from sqlalchemy import Connection

from engine.records.inquiry import InquiryState
from engine.status import FAILURES
from engine.store import execution_lists, inquiries
from engine.store.inquiries import StoredInquiry

_FAILURES = frozenset(status.value for status in FAILURES)


def rejection(connection: Connection, execution_id: str) -> str:
    """The inquiry of this failed workflow, or of one in it, with which it was over: the last decision was a
    no, and nothing has failed after it but what followed from it. Empty: there is none."""
    decided = [one for one in inquiries.of_execution(connection, execution_id) if one.outcome is not None]
    last = max(decided, key=lambda one: one.outcome.at if one.outcome else one.raised_at, default=None)
    if last is None or last.outcome is None or not _is_no(last):
        return ""
    for part in execution_lists.below(connection, execution_id):
        is_later = part.ended_at is not None and part.ended_at >= last.outcome.at
        if is_later and part.status in _FAILURES and part.id != last.id and not part.rejected_by:
            return ""
    return last.id


def _is_no(inquiry: StoredInquiry) -> bool:
    """Rejected; or, where a workflow looks at the answer itself, answered with no."""
    if inquiry.state is InquiryState.REJECTED:
        return True
    votes = inquiry.votes
    return inquiry.state is InquiryState.ANSWERED and bool(votes) and votes[-1].is_yes is False
