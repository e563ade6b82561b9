"""`x-separate`: whoever is behind a request does not approve it, whichever way they come."""

from typing import Any

import pytest

from engine.errors import Denied
from engine.records.inquiry import Answerer, Inquiry
from engine.records.trigger import Event
from engine.service import Engine, ExecutionFilter, ExecutionRequest
from tests.engine.inquiries.asking import ask, by, ended
from tests.engine.world import wait_until


def waits(engine: Engine, execution_id: str) -> Inquiry:
    wait_until(lambda: engine.execution(execution_id).status == "pending")
    return engine.inquiries.get(execution_id)


def requested(engine: Engine, *, user: str, **context: Any) -> Inquiry:
    wanted = ExecutionRequest(action="core.ask", parameters={"x-separate": True}, user=user, context=context)
    return waits(engine, engine.request(wanted).id)


def refuses(engine: Engine, inquiry: Inquiry, user: str, **more: Any) -> bool:
    """It stays as it is then."""
    with pytest.raises(Denied, match="does not have permission"):
        engine.inquiries.approve(inquiry.id, who=by(user, **more))
    return engine.execution(inquiry.id).status == "pending"


def test_who_asks_may_not_approve(engine: Engine) -> None:
    inquiry = ask(engine, user="alice", x_separate=True)
    assert refuses(engine, inquiry, "alice")
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    assert ended(engine, inquiry).status == "succeeded"


@pytest.mark.parametrize("account", ["ann", "ann-ci", "~slack.T1.U7", "~ann", "Ann", "~ANN-CI"])
def test_nor_under_another_account(engine: Engine, account: str) -> None:
    assert refuses(engine, ask(engine, user="ann", x_separate=True), account)


def test_nor_as_the_person_whom_a_chat_names(engine: Engine) -> None:
    inquiry = requested(engine, user="~slack.T1.U9", api_user="dora", chat={"adapter": "slack", "user": "U9"})
    assert refuses(engine, inquiry, "dora")
    assert refuses(engine, inquiry, "U9")


def test_nor_as_the_person_behind_the_workflow(engine: Engine) -> None:
    above = ask(engine, user="alice")
    inquiry = requested(engine, user="robot", parent={"execution_id": above.id})
    assert refuses(engine, inquiry, "robot")
    assert refuses(engine, inquiry, "alice")
    assert inquiry.asked.origin.execution_id == above.id


def test_nor_as_the_person_behind_the_event_of_a_rule(engine: Engine) -> None:
    document = {
        "name": "gated",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "gated"}},
        "action": {"ref": "core.ask", "parameters": {"x-separate": True}},
    }
    engine.stored.put("rule", document, user="admin")
    emitted = engine.emit(
        Event(trigger="core.st2.webhook", parameters={"url": "gated"}, payload={"body": {}}, user="alice")
    )
    inquiry = waits(engine, str(emitted.enforcements[0].execution_id))
    assert refuses(engine, inquiry, "alice")
    engine.inquiries.approve(inquiry.id, who=by("bob"))


def test_nor_as_the_person_behind_the_end_that_a_rule_followed(engine: Engine) -> None:
    document = {
        "name": "follows",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.generic.actiontrigger"},
        "criteria": {"trigger.action_ref": {"type": "equals", "pattern": "probe.nothing"}},
        "action": {"ref": "core.ask", "parameters": {"x-separate": True}},
    }
    engine.stored.put("rule", document, user="admin")
    engine.request(ExecutionRequest(action="probe.nothing", user="alice", context={"api_user": "al"}))

    def asked() -> list[Inquiry]:
        return [one for one in engine.inquiries.pending()[0] if "al" in one.asked.origin.people]

    wait_until(lambda: len(asked()) == 1)
    engine.stored.remove("rule", "default.follows")
    assert refuses(engine, asked()[0], "alice")


def test_nor_by_an_action_that_they_started(engine: Engine) -> None:
    inquiry = ask(engine, user="alice", x_separate=True)
    theirs = ask(engine, user="robot2", text="a running action of alice's")
    above = requested(engine, user="robot2", api_user="alice")
    assert refuses(engine, inquiry, "robot2", execution_id=above.id)
    engine.inquiries.approve(inquiry.id, who=by("robot2", execution_id=theirs.id))


def test_they_may_take_it_back(engine: Engine) -> None:
    inquiry = ask(engine, user="alice", x_separate=True)
    engine.inquiries.reject(inquiry.id, who=by("alice"))
    assert ended(engine, inquiry).status == "failed"


def test_without_it_they_may_approve(engine: Engine) -> None:
    inquiry = ask(engine, user="alice")
    assert engine.inquiries.approve(inquiry.id, who=by("alice")).state == "approved"


def test_no_stranger_counts_as_somebody_else(engine: Engine) -> None:
    inquiry = ask(engine, user="alice", x_separate=True)
    assert refuses(engine, inquiry, "~bob", is_verified=False)


def test_the_question_is_no_way_to_start_anything(engine: Engine) -> None:
    before = engine.executions(ExecutionFilter(limit=None))[1]
    inquiry = ask(engine, text="{{ 7 * 7 }} <% 7 * 7 %>")
    assert inquiry.asked.text == "{{ 7 * 7 }} <% 7 * 7 %>"
    assert engine.executions(ExecutionFilter(limit=None))[1] == before + 1


def test_a_name_that_is_not_the_users_never_stands_alone(engine: Engine) -> None:
    inquiry = requested(engine, user="bob", api_user="alice")
    assert inquiry.asked.origin.name == "alice (bob)"
    engine.inquiries.approve(inquiry.id, who=Answerer(user="mallory", name="carol"))
    outcome = engine.inquiries.get(inquiry.id).outcome
    assert outcome is not None
    assert (outcome.user, outcome.name) == ("mallory", "carol (mallory)")


def test_a_name_that_is_the_users_is_said_once(engine: Engine) -> None:
    assert requested(engine, user="~ann", api_user="Ann").asked.origin.name == "Ann"
