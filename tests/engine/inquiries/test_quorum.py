"""Approvals by several: who counts, how far it is, and what ends it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from engine.errors import BadInput, Denied, EngineError
from engine.inquiries import quorum, words
from engine.records.inquiry import Inquiry, Quorum, Vote
from engine.service import Engine
from tests.engine.inquiries.asking import NO, ask, by, changes, ended, entries


def vote(user: str, *memberships: str, is_yes: bool = True) -> Vote:
    return Vote(user=user, name=user, at=datetime.now(UTC), is_yes=is_yes, memberships=memberships)


def counts(wanted: Quorum, *votes: Vote) -> dict[str, str]:
    return {one.name: f"{one.have}/{one.need}" for one in quorum.tally(wanted, votes)}


def test_people_are_counted() -> None:
    wanted = Quorum(people=2)
    assert counts(wanted, vote("a")) == {"": "1/2"}
    assert quorum.is_met(quorum.tally(wanted, [vote("a"), vote("b")]))


def test_a_vote_against_counts_for_nothing() -> None:
    assert counts(Quorum(people=2), vote("a"), vote("b", is_yes=False)) == {"": "1/2"}


def test_nobody_counts_for_two_groups() -> None:
    wanted = Quorum(people=2, each={"sre": 1, "security": 1})
    both = vote("both", "sre", "security")
    assert counts(wanted, both) == {"sre": "1/1", "security": "0/1"}
    # Who is in one group only takes that place, and who is in both the other one.
    assert counts(wanted, both, vote("ann", "sre")) == {"sre": "1/1", "security": "1/1"}
    assert counts(wanted, vote("ann", "sre"), vote("bob", "sre")) == {"sre": "1/1", "security": "0/1"}


def test_people_may_be_more_than_the_groups_need() -> None:
    wanted = Quorum(people=3, each={"sre": 1})
    votes = [vote("a"), vote("b"), vote("c")]
    assert counts(wanted, *votes) == {"": "3/3", "sre": "0/1"}
    assert quorum.is_met(quorum.tally(wanted, [*votes, vote("ann", "sre")]))


def test_two_people_approve(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine, x_quorum=2, groups=["sre"])
    assert words.wanted(inquiry) == "2 of sre"
    now = engine.inquiries.approve(inquiry.id, who=by("bob"))
    assert (now.state, words.progress(now)) == ("pending", "1/2 (bob)")
    assert engine.execution(inquiry.id).status == "pending"
    now = engine.inquiries.approve(inquiry.id, who=by("ann"), reason="fine")
    assert (now.state, words.progress(now)) == ("approved", "2/2 (bob, ann)")
    result = ended(engine, inquiry).result
    assert [one["user"] for one in result["decision"]["votes"]] == ["bob", "ann"]
    assert (result["decision"]["user"], result["response"]) == ("ann", {"continue": True})
    assert changes(engine, inquiry) == ["raised", "vote", "answered"]
    tallies = [entry.data["inquiry"]["tally"][0]["have"] for entry in entries(engine, inquiry)]
    assert tallies == [0, 1, 2]


def test_one_of_each_group_approves(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum={"sre": 1, "security": 1})
    assert words.wanted(inquiry) == "1 of sre and 1 of security"
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by("cid"))
    now = engine.inquiries.approve(inquiry.id, who=by("bob"))
    assert words.progress(now) == "sre 1/1, security 0/1 (bob)"
    engine.inquiries.approve(inquiry.id, who=by("ann"))
    assert engine.execution(inquiry.id).status == "pending"
    assert engine.inquiries.approve(inquiry.id, who=by("eve")).state == "approved"


def test_everybody_has_one_vote_under_all_their_accounts(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum=2)
    engine.inquiries.approve(inquiry.id, who=by("ann"))
    for user in ("ann", "ann-ci", "~slack.T1.U7"):
        with pytest.raises(BadInput, match="has already responded"):
            engine.inquiries.approve(inquiry.id, who=by(user))
    assert len(engine.inquiries.get(inquiry.id).votes) == 1


def test_a_no_ends_it(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum=3)
    engine.inquiries.approve(inquiry.id, who=by("ann"))
    engine.inquiries.answer(inquiry.id, NO, who=by("bob"), reason="not now")
    execution = ended(engine, inquiry)
    assert (execution.status, execution.result["error"]) == ("failed", "Rejected by bob: not now.")
    with pytest.raises(BadInput, match="already been responded to"):
        engine.inquiries.approve(inquiry.id, who=by("eve"))


def test_who_said_yes_may_take_it_back(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum=2)
    engine.inquiries.approve(inquiry.id, who=by("ann"))
    engine.inquiries.reject(inquiry.id, who=by("ann-ci"))
    votes = ended(engine, inquiry).result["decision"]["votes"]
    assert [(one["user"], one["approves"]) for one in votes] == [("ann-ci", False)]


def test_a_veto_is_for_those_who_may_not_approve(engine: Engine) -> None:
    inquiry = ask(engine, groups=["sre"], x_quorum={"people": 1, "veto": ["security", "carl"]})
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by("eve"))
    with pytest.raises(Denied):
        engine.inquiries.reject(inquiry.id, who=by("cid"))
    assert engine.inquiries.reject(inquiry.id, who=by("carl")).state == "rejected"


def test_votes_at_once_are_all_counted_and_it_ends_once(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine, x_quorum=6)

    def approve(number: int) -> str:
        try:
            return engine.inquiries.approve(inquiry.id, who=by(f"u{number % 6}")).state
        except EngineError as error:
            return str(error)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(approve, range(12)))
    result = ended(engine, inquiry).result
    assert sorted(one["user"] for one in result["decision"]["votes"]) == [f"u{n}" for n in range(6)]
    assert changes(engine, inquiry) == ["raised", *["vote"] * 5, "answered"]


def test_nobody_vouches_for_names_of_the_web_chat(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum=2)
    with pytest.raises(Denied) as refused:
        engine.inquiries.approve(inquiry.id, who=by("~bob", is_verified=False))
    assert "Nothing vouches for ~bob" in refused.value.hint
    # The settings name this very account, and so say that they trust it.
    assert voted(engine, inquiry, "~slack.T1.U7") == 1


def test_one_answer_of_anybody_may_be_that_of_a_picked_name(engine: Engine) -> None:
    assert engine.inquiries.approve(ask(engine).id, who=by("~bob", is_verified=False)).state == "approved"


@pytest.mark.parametrize("named", [{"users": ["bob"]}, {"roles": ["admin"]}, {"groups": ["sre"]}])
def test_a_picked_name_is_not_who_is_asked_by_name(engine: Engine, named: dict[str, list[str]]) -> None:
    inquiry = ask(engine, **named)
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by("~bob", is_verified=False))


def voted(engine: Engine, inquiry: Inquiry, user: str) -> int:
    return len(engine.inquiries.approve(inquiry.id, who=by(user, is_verified=False)).votes)


def test_an_unverified_name_that_the_question_names_counts(engine: Engine) -> None:
    assert voted(engine, ask(engine, x_quorum=2, users=["~bob", "ann"]), "~bob") == 1
