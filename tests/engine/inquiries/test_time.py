"""Deadlines, reminders and escalations: once each, also when they became due while nobody was there."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, Denied
from engine.inquiries import words
from engine.records.inquiry import AskedPlace
from engine.service import Engine
from tests.engine.inquiries.asking import YES, age, ask, by, changes, ended, entries, minutes_left
from tests.engine.inquiries.conftest import settings
from tests.engine.world import wait_until

LEAD: dict[str, Any] = {"users": ["lead"], "route": "oncall", "ttl": 10}


def test_without_an_answer_it_times_out(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine, ttl=15)
    age(engine, inquiry, minutes=14)
    assert engine.execution(inquiry.id).status == "pending"
    age(engine, inquiry, minutes=1)
    execution = ended(engine, inquiry)
    assert execution.status == "timeout"
    assert "response" not in execution.result
    assert execution.result["decision"]["state"] == "expired"
    assert [entry.kind for entry in entries(engine, inquiry)] == ["inquiry.raised", "inquiry.expired"]
    with pytest.raises(BadInput, match=r'Inquiry ".*" timed out and cannot be responded to\.'):
        engine.inquiries.answer(inquiry.id, YES, who=by("bob"))


def test_silence_may_be_a_no_and_never_a_yes(engine: Engine) -> None:
    inquiry = ask(engine, ttl=15, on_timeout="reject")
    assert words.at_deadline(inquiry) == "it is rejected"
    age(engine, inquiry, minutes=15)
    execution = ended(engine, inquiry)
    assert (execution.status, execution.result["response"]) == ("failed", {"continue": False})
    assert execution.result["error"] == "Rejected: nobody answered in time."
    assert execution.result["decision"]["user"] == ""


def test_votes_that_are_too_few_at_the_deadline_approve_nothing(engine: Engine) -> None:
    inquiry = ask(engine, x_quorum=2, ttl=15)
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    age(engine, inquiry, minutes=15)
    execution = ended(engine, inquiry)
    assert execution.status == "timeout"
    assert len(execution.result["decision"]["votes"]) == 1


def test_an_answer_after_the_deadline_is_refused_although_nobody_noted_it_yet(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inquiry = ask(engine, ttl=15)
    # The clock looks away, so that the answer finds it pending.
    monkeypatch.setattr(engine.inquiries, "work_off", lambda _inquiry_id: None)
    age(engine, inquiry, minutes=16)
    with pytest.raises(BadInput, match="timed out"):
        engine.inquiries.answer(inquiry.id, YES, who=by("bob"))
    assert ended(engine, inquiry).status == "timeout"


def test_reminders_come_again_and_again(engine: Engine) -> None:
    inquiry = ask(engine, ttl=60, remind=10)
    for number in (1, 2):
        age(engine, inquiry, minutes=10)
        wait_until(lambda: engine.inquiries.get(inquiry.id).reminders == number)  # noqa: B023
    assert changes(engine, inquiry) == ["raised", "reminder", "reminder"]


def test_reminders_that_were_missed_are_not_made_up(engine: Engine) -> None:
    inquiry = ask(engine, ttl=0, remind=10)
    age(engine, inquiry, minutes=45)
    wait_until(lambda: engine.inquiries.get(inquiry.id).reminders == 4)
    assert changes(engine, inquiry) == ["raised", "reminder"]


def test_others_are_asked_when_the_time_is_over(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine, users=["bob"], ttl=15, on_timeout="escalate", escalate=LEAD)
    assert words.at_deadline(inquiry) == "others are asked"
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by("lead"))
    age(engine, inquiry, minutes=15)
    wait_until(lambda: engine.inquiries.get(inquiry.id).level == 1)
    now = engine.inquiries.get(inquiry.id)
    assert (words.wanted(now), words.at_deadline(now), minutes_left(now)) == (
        "1 of bob or lead",
        "it fails",
        10,
    )
    assert now.places == (AskedPlace(), AskedPlace(adapter="web", channel="alerts"))
    assert engine.inquiries.approve(inquiry.id, who=by("lead")).state == "approved"
    assert changes(engine, inquiry) == ["raised", "escalation", "answered"]


def test_when_they_do_not_answer_either_it_is_over(engine: Engine) -> None:
    inquiry = ask(
        engine, x_separate=True, ttl=15, on_timeout="escalate", escalate={"users": ["lead"], "ttl": 5}
    )
    age(engine, inquiry, minutes=15)
    wait_until(lambda: engine.inquiries.get(inquiry.id).level == 1)
    assert engine.inquiries.get(inquiry.id).at_deadline == "reject"
    age(engine, inquiry, minutes=5)
    assert ended(engine, inquiry).status == "failed"


def test_others_may_be_asked_before_the_time_is_over(engine: Engine) -> None:
    inquiry = ask(engine, users=["bob"], ttl=60, escalate={"after": 10, "groups": ["security"]})
    age(engine, inquiry, minutes=10)
    wait_until(lambda: engine.inquiries.get(inquiry.id).level == 1)
    now = engine.inquiries.get(inquiry.id)
    assert now.deadline_at is not None
    assert round((now.deadline_at - now.level_at).total_seconds() / 60) == 50
    assert now.at_deadline == "fail"
    assert engine.inquiries.approve(inquiry.id, who=by("eve")).state == "approved"


def test_what_became_due_while_the_server_was_down_is_done_at_its_start(tmp_path: Path) -> None:
    first = Engine(settings(tmp_path))
    first.start()
    inquiries = [
        ask(first, ttl=15),
        ask(first, ttl=15, on_timeout="reject"),
        ask(first, users=["bob"], ttl=15, on_timeout="escalate", escalate=LEAD),
        ask(first, ttl=60),
    ]
    first._events._inquiry_clock.stop()
    for inquiry in inquiries:
        age(first, inquiry, minutes=20)
    first.stop()
    second = Engine(settings(tmp_path))
    second.start()
    try:
        assert ended(second, inquiries[0]).status == "timeout"
        assert ended(second, inquiries[1]).status == "failed"
        wait_until(lambda: second.inquiries.get(inquiries[2].id).level == 1)
        # Those who are asked only now have all their time.
        assert minutes_left(second.inquiries.get(inquiries[2].id)) == 10
        assert second.execution(inquiries[3].id).status == "pending"
        assert second.inquiries.approve(inquiries[3].id, who=by("bob")).state == "approved"
    finally:
        second.stop()
