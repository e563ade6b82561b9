"""Whether an answer counts: who gives it, whether it fits, and what follows from it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.clock import isoformat, utcnow
from engine.errors import BadInput, Denied
from engine.expressions.masking import is_secret_at
from engine.expressions.schema import Validator
from engine.inquiries import words
from engine.inquiries.quorum import is_reserved
from engine.people import People, shown_name
from engine.records.inquiry import Answerer, Asked, Inquiry, InquiryState, Outcome, Vote
from engine.rights.room import Rights
from engine.status import Status

# Longer is no reason but a report; it stands in every prompt.
REASON_LIMIT = 1_000
# Keywords whose words name members and quote no value.
_NAMES_ONLY = frozenset({"required", "additionalProperties"})


class Ballot:
    """`people_behind(execution_id)`: who had a hand in a running action that answers by itself."""

    def __init__(
        self, people: People, rights: Rights, *, people_behind: Callable[[str], Sequence[str]]
    ) -> None:
        self._people = people
        self._rights = rights
        self._people_behind = people_behind

    def why_not(self, inquiry: Inquiry, who: Answerer, *, is_yes: bool | None = True) -> str:
        """Why this person may not give this answer; empty when they may."""
        if who.is_agent:
            return "An agent may ask; a person must answer."
        may_break_glass = is_yes is not False and self._may_break_glass(inquiry, who)
        if who.breaks_glass:
            return "" if may_break_glass else "Nobody has given you the right to break the glass here."
        refused = self._refused(inquiry, who, is_yes=is_yes)
        if refused and may_break_glass:
            return f"{refused} In an emergency: breakglass {inquiry.id[-6:]} REASON"
        return refused

    def _may_break_glass(self, inquiry: Inquiry, who: Answerer) -> bool:
        """Whether the question names them for emergencies; a person only, for whom somebody vouches."""
        names = inquiry.asked.break_glass
        if not names or not inquiry.asked.decision or not who.is_verified or who.execution_id is not None:
            return False
        person = self._people.person(who.user)
        return person in map(self._people.person, names) or bool(self._people.memberships(who.user, names))

    def _refused(self, inquiry: Inquiry, who: Answerer, *, is_yes: bool | None) -> str:
        quorum = inquiry.asked.quorum
        is_counted = quorum is not None and bool(self._people.memberships(who.user, quorum.each))
        if not is_counted and not self._has_veto(inquiry, who.user):
            verdict = self._rights.may_answer(who.user, inquiry)
            if not verdict.may:
                return verdict.reason
        is_veto = is_yes is False and self._has_veto(inquiry, who.user)
        if not is_veto and not self._is_asked(inquiry, who.user):
            return f"It needs {words.wanted(inquiry)}."
        if is_yes is False:
            # Saying no to one's own wish is taking it back.
            return ""
        asked = inquiry.asked
        if asked.is_separate and self._is_behind_it(inquiry, who):
            return f"{asked.origin.name} asks for it, and somebody else must approve."
        if not self._is_a_person(inquiry, who):
            return f"Nothing vouches for {who.user}: sign in, or have people.linked name the account."
        return ""

    def _is_asked(self, inquiry: Inquiry, user: str) -> bool:
        quorum = inquiry.asked.quorum
        first, *escalated = inquiry.audiences
        if any(self._people.is_in(user, one) for one in escalated if not one.is_everybody):
            return True
        if not self._people.is_in(user, first):
            return False
        is_bound = quorum is not None and first.is_everybody and is_reserved(quorum)
        return not is_bound or bool(quorum and self._people.memberships(user, quorum.each))

    def _has_veto(self, inquiry: Inquiry, user: str) -> bool:
        names = inquiry.asked.quorum.veto if inquiry.asked.quorum else ()
        person = self._people.person(user)
        return person in map(self._people.person, names) or bool(self._people.memberships(user, names))

    def _is_behind_it(self, inquiry: Inquiry, who: Answerer) -> bool:
        behind = inquiry.asked.origin.people
        mine = [who.user]
        if who.execution_id is not None:
            # Whoever had the action run that answers now.
            mine += self._people_behind(who.execution_id)
        return any(self._people.is_one_of(one, behind) for one in mine)

    def _is_a_person(self, inquiry: Inquiry, who: Answerer) -> bool:
        """Whether they count as a person of their own, where that matters."""
        asked = inquiry.asked
        matters = asked.is_separate or (asked.quorum is not None and asked.quorum.people > 1)
        is_named = self._people.is_known(who.user) or who.user in asked.audience.users
        return not matters or who.is_verified or is_named or self._people.trusts_unverified

    def check(self, inquiry: Inquiry, response: Any, who: Answerer, reason: str) -> Vote:
        """The vote that it is, as it may be shown. Raises BadInput, Denied, in StackStorm's order."""
        check_pending(inquiry)
        is_yes = yes_or_no(inquiry, response)
        refused = self.why_not(inquiry, who, is_yes=is_yes)
        if refused:
            raise Denied(
                f'User "{who.user}" does not have permission to respond to inquiry "{inquiry.id}".',
                hint=refused,
            )
        _check_response(inquiry, response)
        reason = (reason or _reason_in(response)).strip()
        if (inquiry.asked.needs_reason or who.breaks_glass) and not reason:
            raise BadInput(f'Inquiry "{inquiry.id}" wants a reason with the answer.', hint="Say why.")
        if len(reason) > REASON_LIMIT:
            raise BadInput(f"The reason has {len(reason)} characters; the limit is {REASON_LIMIT}.")
        quorum = inquiry.asked.quorum
        return Vote(
            user=who.user,
            name=shown_name(who.name, who.user),
            at=utcnow(),
            is_yes=is_yes,
            reason=reason,
            response=response,
            surface=who.surface,
            memberships=self._people.memberships(who.user, quorum.each) if quorum else (),
            is_break_glass=who.breaks_glass,
        )


def check_pending(inquiry: Inquiry) -> None:
    """Raises BadInput in StackStorm's words."""
    if inquiry.is_pending:
        return
    if inquiry.state is InquiryState.EXPIRED or (inquiry.outcome and not inquiry.outcome.user):
        raise BadInput(f'Inquiry "{inquiry.id}" timed out and cannot be responded to.')
    outcome = inquiry.outcome
    said = f"{words.ended(outcome)} ({isoformat(outcome.at)})." if outcome else ""
    raise BadInput(f'Inquiry "{inquiry.id}" has already been responded to.', hint=said)


def yes_or_no(inquiry: Inquiry, response: Any) -> bool | None:
    """What the response decides; None: the inquiry asks something else, or the response does not say."""
    value = response.get(inquiry.asked.decision) if isinstance(response, Mapping) else None
    return value if inquiry.asked.decision and isinstance(value, bool) else None


def _check_response(inquiry: Inquiry, response: Any) -> None:
    schema = inquiry.asked.schema
    problem = Validator(schema).problem(response)
    message = problem.message if problem else ""
    if problem is not None and problem.keyword not in _NAMES_ONLY and is_secret_at(schema, problem.path):
        # The words of the validator quote the value.
        message = f"The secret value does not fit ({problem.keyword})."
    if problem is None and inquiry.asked.is_approval and yes_or_no(inquiry, response) is None:
        message = f"'{inquiry.asked.decision}' must be true or false."
    if message:
        raise BadInput(f'Response for inquiry "{inquiry.id}" did not pass schema validation. {message}')


def _reason_in(response: Any) -> str:
    reason = response.get("reason") if isinstance(response, Mapping) else None
    return reason if isinstance(reason, str) else ""


def status_after(asked: Asked, outcome: Outcome) -> Status:
    """What the execution becomes."""
    if outcome.state is InquiryState.EXPIRED:
        return Status.TIMEOUT
    is_no = outcome.state is InquiryState.REJECTED
    return Status.FAILED if is_no and asked.is_approval else Status.SUCCEEDED


def outcome_of(vote: Vote) -> Outcome:
    """How it ends with this vote."""
    states = {True: InquiryState.APPROVED, False: InquiryState.REJECTED, None: InquiryState.ANSWERED}
    return Outcome(
        state=states[vote.is_yes],
        at=vote.at,
        user=vote.user,
        name=vote.name,
        reason=vote.reason,
        response=vote.response,
        surface=vote.surface,
        is_break_glass=vote.is_break_glass,
    )


def result_after(asked: Asked, before: Any, outcome: Outcome, votes: Sequence[Vote]) -> dict[str, Any]:
    """The execution's result: StackStorm's, and beside it who decided."""
    result = dict(before) if isinstance(before, Mapping) else {}
    if outcome.response is not None:
        result["response"] = outcome.response
    decided: dict[str, Any] = {
        "state": outcome.state.value,
        "user": outcome.user,
        "name": outcome.name,
        "at": isoformat(outcome.at),
        "reason": outcome.reason,
        "surface": outcome.surface,
        "votes": [
            {
                "user": vote.user,
                "name": vote.name,
                "at": isoformat(vote.at),
                "approves": vote.is_yes,
                "reason": vote.reason,
                "response": vote.response,
                "surface": vote.surface,
            }
            for vote in votes
        ],
    }
    if outcome.is_break_glass:
        decided["break_glass"] = True
    if asked.subject is not None:
        decided["digest"] = asked.subject.digest
    result["decision"] = decided
    if status_after(asked, outcome) is not Status.SUCCEEDED:
        result["error"] = f"{words.ended(outcome)}."
    return result
