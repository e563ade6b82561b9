"""How inquiries look on the API: StackStorm's six members, and our view with everything."""

from typing import Any

from engine.api.wire import Document
from engine.clock import isoformat
from engine.inquiries import words
from engine.records.inquiry import Audience, Inquiry, Outcome, Vote


def inquiry_document(inquiry: Inquiry) -> Document:
    """StackStorm's: exactly these."""
    asked = inquiry.asked
    return {
        "id": inquiry.id,
        "route": asked.route,
        "ttl": asked.ttl_min,
        "users": list(asked.audience.users),
        "roles": list(asked.audience.roles),
        "schema": asked.schema,
    }


def response_document(inquiry: Inquiry, response: Any) -> Document:
    return {"id": inquiry.id, "response": response}


def detail_document(inquiry: Inquiry) -> Document:
    """Ours: all that a person needs to decide, and who decided."""
    asked, subject, outcome = inquiry.asked, inquiry.asked.subject, inquiry.outcome
    return {
        **inquiry_document(inquiry),
        "action": inquiry.action,
        "state": inquiry.state.value,
        "text": asked.text,
        "groups": list(asked.audience.groups),
        "asked": [_audience(audience) for audience in inquiry.audiences],
        "wanted": words.wanted(inquiry),
        "decision": asked.decision or None,
        "is_approval": asked.is_approval,
        "needs_reason": asked.needs_reason,
        "subject": None
        if subject is None
        else {
            "action": subject.action,
            "parameters": subject.parameters,
            "digest": subject.digest,
            "plan": subject.plan,
        },
        "requested_by": {
            "user": asked.origin.user,
            "name": asked.origin.name,
            "by_agent": asked.origin.is_by_agent,
            "execution": asked.origin.execution_id,
            "action": asked.origin.action,
            "task": asked.origin.task or None,
        },
        "raised_at": isoformat(inquiry.raised_at),
        "escalated_at": isoformat(inquiry.level_at) if inquiry.level else None,
        "deadline_at": isoformat(inquiry.deadline_at) if inquiry.deadline_at else None,
        "at_deadline": inquiry.at_deadline,
        "reminders": inquiry.reminders,
        "tally": [{"name": one.name, "have": one.have, "need": one.need} for one in inquiry.tally],
        "progress": words.progress(inquiry),
        "votes": [_vote(vote) for vote in inquiry.votes],
        "nobody": inquiry.nobody or None,
        "outcome": None if outcome is None else _outcome(outcome),
    }


def _audience(audience: Audience) -> Document:
    return {"users": list(audience.users), "roles": list(audience.roles), "groups": list(audience.groups)}


def _vote(vote: Vote) -> Document:
    return {
        "user": vote.user,
        "name": vote.name,
        "at": isoformat(vote.at),
        "approves": vote.is_yes,
        "reason": vote.reason,
        "response": vote.response,
        "surface": vote.surface,
    }


def _outcome(outcome: Outcome) -> Document:
    return {
        "text": words.ended(outcome),
        "user": outcome.user or None,
        "name": outcome.name or None,
        "at": isoformat(outcome.at),
        "reason": outcome.reason,
        "response": outcome.response,
        "surface": outcome.surface or None,
    }
