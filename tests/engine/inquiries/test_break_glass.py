"""`x-emergency`: one person approves alone, with a reason, and all who were asked are told."""

from typing import Any

import pytest

from engine.errors import BadInput, Denied
from engine.notices import NOTICE
from engine.records.inquiry import Inquiry
from engine.service import Engine
from engine.store import journal
from tests.engine.inquiries.asking import ask, by, ended, entries


def alone(engine: Engine, *, user: str = "bob", **more: Any) -> Inquiry:
    """Asked by `user`, who may not approve it but by breaking the glass."""
    given = {"x_separate": True, "x_quorum": 2, "x-emergency": ["sre"], "route": "oncall", **more}
    inquiry = ask(engine, user=user, **given)
    assert engine.inquiries.get(inquiry.id).is_pending
    return inquiry


def notices(engine: Engine, inquiry: Inquiry) -> list[dict[str, Any]]:
    with engine.database.read() as connection:
        found = journal.entries_after(connection, 0, kinds=(NOTICE,), limit=10_000)
    return [one.data for one in found if one.subject.startswith(f"break-glass:{inquiry.id}")]


def test_the_requester_approves_alone_with_a_reason_and_it_is_marked(engine: Engine) -> None:
    inquiry = alone(engine)
    engine.inquiries.approve(inquiry.id, who=by("bob", breaks_glass=True), reason="prod is down")
    execution = ended(engine, inquiry)
    assert execution.status == "succeeded"
    assert execution.result["decision"]["break_glass"] is True
    assert execution.result["decision"]["reason"] == "prod is down"
    outcome = entries(engine, inquiry)[-1].data["inquiry"]["outcome"]
    assert (outcome["is_break_glass"], outcome["user"]) == (True, "bob")


def test_all_places_where_it_is_asked_are_told(engine: Engine) -> None:
    inquiry = alone(engine)
    engine.inquiries.approve(inquiry.id, who=by("bob", breaks_glass=True), reason="prod is down")
    (notice,) = notices(engine, inquiry)
    assert (notice["adapter"], notice["channel"]) == ("web", "alerts")
    assert notice["title"] == "bob has broken the glass"
    assert "alone: prod is down" in notice["text"]
    assert notice["tone"] == "bad"


def test_whoever_was_asked_is_called_but_for_the_one_who_decided(engine: Engine) -> None:
    inquiry = alone(engine, users=["ann", "bob", "eve"])
    engine.inquiries.approve(inquiry.id, who=by("bob", breaks_glass=True), reason="prod is down")
    (notice,) = notices(engine, inquiry)
    assert notice["people"] == ["ann", "eve"]


def test_it_takes_a_reason(engine: Engine) -> None:
    inquiry = alone(engine)
    with pytest.raises(BadInput, match="wants a reason"):
        engine.inquiries.approve(inquiry.id, who=by("bob", breaks_glass=True))
    assert engine.inquiries.get(inquiry.id).is_pending


def test_without_saying_so_they_may_not_and_are_told_how(engine: Engine) -> None:
    inquiry = alone(engine)
    with pytest.raises(Denied) as caught:
        engine.inquiries.approve(inquiry.id, who=by("bob"), reason="prod is down")
    assert f"In an emergency: breakglass {inquiry.id[-6:]} REASON" in caught.value.hint


@pytest.mark.parametrize(
    ("user", "more"),
    [
        ("eve", {}),
        ("ann", {"is_verified": False}),
        ("bob", {"execution_id": "65a000000000000000a1b2c3"}),
    ],
)
def test_nobody_else_may(engine: Engine, user: str, more: dict[str, Any]) -> None:
    inquiry = alone(engine)
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by(user, breaks_glass=True, **more), reason="please")
    assert engine.inquiries.get(inquiry.id).is_pending


def test_a_question_that_does_not_name_anybody_allows_it_to_nobody(engine: Engine) -> None:
    inquiry = alone(engine, **{"x-emergency": []})
    with pytest.raises(Denied, match="does not have permission"):
        engine.inquiries.approve(inquiry.id, who=by("bob", breaks_glass=True), reason="please")


def test_an_ordinary_approval_is_not_marked(engine: Engine) -> None:
    inquiry = ask(engine, user="bob", x_separate=True, **{"x-emergency": ["sre"]})
    engine.inquiries.approve(inquiry.id, who=by("ann"))
    assert "break_glass" not in ended(engine, inquiry).result["decision"]
    assert notices(engine, inquiry) == []
