"""Raising an inquiry: what StackStorm does, what of it is stored and told, and what asks nobody."""

from typing import Any

import pytest

from engine.errors import BadInput, IllegalTransition
from engine.records.inquiry import AskedPlace, inquiry_of
from engine.service import Engine, ExecutionFilter, ExecutionRequest
from tests.engine import world
from tests.engine.inquiries.asking import YES, ask, by, ended, entries, minutes_left, refused
from tests.engine.world import wait_until


def test_an_inquiry_waits_with_stackstorms_result(engine: Engine) -> None:
    inquiry = ask(engine, users=["ann"], route="oncall", ttl=15)
    execution = engine.execution(inquiry.id)
    assert execution.status == "pending"
    assert set(execution.result) == {"schema", "roles", "users", "route", "ttl"}
    assert (execution.result["users"], execution.result["route"], execution.result["ttl"]) == (
        ["ann"],
        "oncall",
        15,
    )
    assert execution.claimed_by is None


def test_it_holds_no_worker(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiries = [ask(engine) for _ in range(engine.settings.actions.workers + 1)]
    assert world.run(engine, "probe.nothing").status == "succeeded"
    found, total = engine.inquiries.pending(offset=1, limit=2)
    assert [one.id for one in found] == [inquiries[-2].id, inquiries[-3].id]
    assert total == len(inquiries)


def test_it_is_told_with_everything_that_a_prompt_needs(engine: Engine) -> None:
    inquiry = ask(engine, text="Go on?", ttl=15, groups=["sre"])
    [entry] = entries(engine, inquiry)
    assert entry.kind == "inquiry.raised"
    assert inquiry_of(entry.data) == inquiry
    assert inquiry.asked.text == "Go on?"
    assert minutes_left(inquiry) == 15
    assert inquiry.at_deadline == "fail"


def test_a_rule_hears_of_it(engine: Engine) -> None:
    document = {
        "name": "heard",
        "pack": "default",
        "enabled": True,
        "trigger": {"type": "core.st2.generic.inquiry"},
        "action": {"ref": "probe.nothing", "parameters": {"word": "{{ trigger.id }} {{ trigger.route }}"}},
    }
    engine.stored.put("rule", document, user="admin")
    inquiry = ask(engine, route="oncall")

    def words() -> list[Any]:
        found, _total = engine.executions(ExecutionFilter(action="probe.nothing"))
        return [one.parameters["word"] for one in found]

    wait_until(lambda: words() == [f"{inquiry.id} oncall"])


def test_a_time_to_live_of_nothing_never_ends(engine: Engine) -> None:
    assert ask(engine, ttl=0).deadline_at is None
    assert ask(engine, ttl=-1).next_at is None


def test_a_command_is_asked_where_it_was_given_and_where_its_route_leads(engine: Engine) -> None:
    chat = {"adapter": "web", "channel": "ops", "thread": "m1", "user": "ann"}
    wanted = ExecutionRequest(
        action="core.ask", parameters={"route": "oncall"}, user="~ann", context={"chat": chat}
    )
    execution = engine.request(wanted)
    wait_until(lambda: engine.execution(execution.id).status == "pending")
    assert engine.inquiries.get(execution.id).places == (
        AskedPlace(adapter="web", channel="ops", thread="m1", is_command=True),
        AskedPlace(adapter="web", channel="alerts"),
    )


@pytest.mark.parametrize(
    ("route", "places"),
    [
        ("", (AskedPlace(),)),
        ("somebody's own", (AskedPlace(),)),
        ("oncall", (AskedPlace(adapter="web", channel="alerts"),)),
        ("rules", ()),
    ],
)
def test_without_a_chat_the_route_decides(engine: Engine, route: str, places: tuple[AskedPlace, ...]) -> None:
    assert ask(engine, route=route).places == places


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"x_quorum": 0}, "from 1 to 100"),
        ({"x_quorum": "many"}, "from 1 to 100"),
        ({"x_quorum": {"sre": True}}, '"x-quorum.sre" must be a whole number'),
        ({"x_quorum": {"veto": "eve"}}, '"x-quorum.veto" must be a list'),
        ({"on_timeout": "escalate"}, 'needs "escalate"'),
        ({"escalate": {"users": ["x"], "afer": 3}}, "Did you mean after?"),
        ({"escalate": {"after": 3}}, "neither people nor a route"),
        ({"escalate": {"users": ["x"], "after": 0}}, "whole number of minutes from 1"),
        ({"escalate": {"users": ["x"], "on_timeout": "escalate"}}, "must be fail or reject"),
        ({"remind": -1}, '"remind" must be a whole number of minutes'),
        ({"approves": {"action": "probe.nowhere"}}, "cannot be found"),
        ({"approves": {"parameters": {}}}, "must name an action"),
        ({"approves": {"action": "probe.sh", "params": {}}}, "must name an action"),
        ({"x_separate": True, "schema": {"type": "object", "properties": {}}}, "needs a yes or no"),
        ({"on_timeout": "reject", "schema": {"type": "object"}}, "needs a yes or no"),
        ({"users": [7]}, '"users" must be a list of names'),
    ],
)
def test_what_cannot_be_asked_fails_and_says_why(
    engine: Engine, parameters: dict[str, Any], words: str
) -> None:
    before = engine.inquiries.page(only_pending=False)[1]
    assert words in refused(engine, **parameters)
    assert engine.inquiries.page(only_pending=False)[1] == before


def test_an_unknown_word_for_the_timeout_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(BadInput, match="is not one of"):
        world.request(engine, "core.ask", on_timeout="wait")


def test_why_nobody_can_answer_is_told_with_the_question(engine: Engine) -> None:
    assert "Nobody may answer" in ask(engine, roles=["unheard-of"]).nobody
    assert "only 1 may answer: ann" in ask(engine, users=["ann"], x_quorum=2).nobody
    assert "needs 3 of security" in ask(engine, x_quorum={"security": 3}).nobody
    assert "Nobody may answer" in ask(engine, user="ann", users=["ann"], x_separate=True).nobody
    assert ask(engine, groups=["sre"], x_quorum=2).nobody == ""


def test_who_waits_for_the_end_is_told_at_the_answer(engine: Engine) -> None:
    inquiry = ask(engine)
    waiting = engine.ended(inquiry.id)
    engine.inquiries.answer(inquiry.id, YES, who=by("bob"))
    assert waiting.result(60).status == "succeeded"


def test_a_person_cannot_cancel_it(engine: Engine) -> None:
    with pytest.raises(IllegalTransition, match="pending"):
        engine.cancel(ask(engine).id, user="alice")


def test_a_pack_may_fix_how_its_approvals_go(engine: Engine) -> None:
    folder = engine.settings.root / "packs" / "probe" / "actions"
    (folder / "gate.yaml").write_text(
        "name: gate\nrunner_type: inquirer\nparameters:\n"
        "  x-separate: {default: true, immutable: true}\n  groups: {default: [sre], immutable: true}\n"
    )
    engine.reload()
    inquiry = ask(engine, action="probe.gate", user="ann")
    assert (inquiry.asked.is_separate, inquiry.asked.audience.groups) == (True, ("sre",))
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    assert ended(engine, inquiry).status == "succeeded"
