"""Answers: who may give one, what fits, and that one of them counts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from engine.errors import BadInput, Denied, EngineError, NotFound
from engine.records.inquiry import Inquiry
from engine.service import Engine
from engine.store import inquiries as store
from tests.engine import world
from tests.engine.inquiries.asking import NO, YES, ask, by, changes, ended, entries

FORM = {
    "type": "object",
    "properties": {
        "version": {"type": "string", "required": True},
        "password": {"type": "string", "secret": True},
        "size": {"type": "integer", "default": 3},
    },
    "additionalProperties": False,
}


def test_an_answer_ends_it_with_who_and_when(engine: Engine) -> None:
    inquiry = ask(engine)
    engine.inquiries.answer(inquiry.id, YES, who=by("bob", name="Bob", surface="web"), reason="looks good")
    execution = ended(engine, inquiry)
    assert execution.status == "succeeded"
    assert execution.result["response"] == YES
    decision = execution.result["decision"]
    assert (decision["state"], decision["user"], decision["name"]) == ("approved", "bob", "Bob")
    assert (decision["reason"], decision["surface"], len(decision["votes"])) == ("looks good", "web", 1)
    assert changes(engine, inquiry) == ["raised", "answered"]


def test_a_no_to_a_plain_question_is_an_answer_too(engine: Engine) -> None:
    inquiry = ask(engine)
    engine.inquiries.answer(inquiry.id, NO, who=by("bob"))
    execution = ended(engine, inquiry)
    assert (execution.status, execution.result["response"]) == ("succeeded", NO)
    assert execution.result["decision"]["state"] == "rejected"


def test_a_no_to_an_approval_fails(engine: Engine) -> None:
    inquiry = ask(engine, x_separate=True)
    engine.inquiries.reject(inquiry.id, who=by("bob"), reason="not on a Friday")
    execution = ended(engine, inquiry)
    assert (execution.status, execution.result["response"]) == ("failed", NO)
    assert execution.result["error"] == "Rejected by bob: not on a Friday."


def test_of_many_answers_at_once_one_counts(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine)

    def answer(number: int) -> str:
        try:
            engine.inquiries.answer(inquiry.id, {"continue": number % 2 == 0}, who=by(f"u{number}"))
        except EngineError as error:
            return str(error)
        return f"u{number}"

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(answer, range(16)))
    winners = [one for one in said if one.startswith("u")]
    assert [ended(engine, inquiry).result["decision"]["user"]] == winners
    assert all("has already been responded to." in one for one in said if one not in winners)
    assert changes(engine, inquiry) == ["raised", "answered"]


def test_who_comes_too_late_is_told_who_was_first(engine: Engine) -> None:
    inquiry = ask(engine)
    engine.inquiries.answer(inquiry.id, YES, who=by("ann"))
    with pytest.raises(BadInput, match=r'Inquiry ".*" has already been responded to\.') as late:
        engine.inquiries.answer(inquiry.id, YES, who=by("bob"))
    assert "Approved by ann" in late.value.hint


@pytest.mark.parametrize(
    ("parameters", "user", "may"),
    [
        ({}, "anybody", True),
        ({"users": ["ann"]}, "ann", True),
        ({"users": ["ann"]}, "bob", False),
        ({"users": ["bob"]}, "~bob", False),
        ({"users": ["ann"]}, "~slack.T1.U7", True),
        ({"groups": ["sre"]}, "bob", True),
        ({"groups": ["sre"]}, "eve", False),
        ({"groups": ["sre"]}, "ann-ci", True),
        ({"groups": ["sre", "security"]}, "eve", True),
        ({"roles": ["approver"]}, "cid", True),
        ({"roles": ["approver"]}, "bob", False),
        ({"roles": ["unheard-of"]}, "ann", False),
        ({"users": ["bob"], "roles": ["approver"]}, "bob", False),
        ({"users": ["cid"], "roles": ["approver"]}, "cid", True),
        ({"groups": ["sre"], "roles": ["approver"]}, "cid", False),
        ({"groups": ["sre"], "roles": ["approver"]}, "ann", True),
    ],
)
def test_users_roles_and_groups_decide_who_may(
    engine: Engine, parameters: dict[str, Any], user: str, may: bool
) -> None:
    inquiry = ask(engine, **parameters)
    if may:
        engine.inquiries.answer(inquiry.id, YES, who=by(user))
        assert ended(engine, inquiry).status == "succeeded"
        return
    with pytest.raises(Denied) as refused:
        engine.inquiries.answer(inquiry.id, YES, who=by(user))
    assert refused.value.message == (
        f'User "{user}" does not have permission to respond to inquiry "{inquiry.id}".'
    )
    assert engine.execution(inquiry.id).status == "pending"


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({}, "'version' is a required property"),
        ({"version": 1}, "1 is not of type 'string'"),
        ({"version": "1", "more": 1}, "Additional properties are not allowed"),
        ("1.42", "does not fit (type)"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(engine: Engine, response: Any, words: str) -> None:
    inquiry = ask(engine, schema=FORM)
    with pytest.raises(BadInput, match="did not pass schema validation") as refused:
        engine.inquiries.answer(inquiry.id, response, who=by("bob"))
    assert refused.value.message.startswith(
        f'Response for inquiry "{inquiry.id}" did not pass schema validation. '
    )
    assert words in refused.value.message


def test_an_answer_that_is_no_object_is_refused(engine: Engine) -> None:
    inquiry = ask(engine)
    for response in (None, "yes", [True]):
        with pytest.raises(BadInput, match="is not of type 'object'"):
            engine.inquiries.answer(inquiry.id, response, who=by("bob"))


def test_the_response_is_kept_as_it_was_sent(engine: Engine) -> None:
    inquiry = ask(engine, schema=FORM)
    engine.inquiries.answer(inquiry.id, {"version": "{{ 7 * 7 }}"}, who=by("bob"))
    assert ended(engine, inquiry).result["response"] == {"version": "{{ 7 * 7 }}"}


def test_who_may_not_answer_is_not_told_what_would_fit(engine: Engine) -> None:
    inquiry = ask(engine, schema=FORM, users=["ann"])
    with pytest.raises(Denied):
        engine.inquiries.answer(inquiry.id, {"wrong": 1}, who=by("bob"))


def test_a_reason_may_be_wanted(engine: Engine) -> None:
    inquiry = ask(engine, reason="required")
    with pytest.raises(BadInput, match="wants a reason"):
        engine.inquiries.approve(inquiry.id, who=by("bob"), reason="  ")
    with pytest.raises(BadInput, match="limit is 1000"):
        engine.inquiries.approve(inquiry.id, who=by("bob"), reason="x" * 1001)
    assert engine.inquiries.approve(inquiry.id, who=by("bob"), reason="CVE").outcome.reason == "CVE"  # type: ignore[union-attr]


def test_the_reason_may_be_part_of_the_form(engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {"approved": {"type": "boolean", "required": True}, "reason": {"type": "string"}},
    }
    inquiry = ask(engine, schema=schema, reason="required")
    done = engine.inquiries.answer(inquiry.id, {"approved": True, "reason": "CVE"}, who=by("bob"))
    assert done.outcome is not None
    assert (done.outcome.state, done.outcome.reason) == ("approved", "CVE")


def test_yes_and_no_need_a_question_for_yes_or_no(engine: Engine) -> None:
    inquiry = ask(engine, schema=FORM)
    with pytest.raises(BadInput, match="does not ask for yes or no"):
        engine.inquiries.approve(inquiry.id, who=by("bob"))


def test_an_approval_is_never_answered_without_yes_or_no(engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {"go": {"type": "boolean", "x-decision": True, "default": True}},
    }
    inquiry = ask(engine, schema=schema, x_separate=True)
    with pytest.raises(BadInput, match="'go' must be true or false"):
        engine.inquiries.answer(inquiry.id, {}, who=by("bob"))
    engine.inquiries.answer(inquiry.id, {"go": True}, who=by("bob"))


def test_it_is_found_by_the_end_of_its_id(engine: Engine) -> None:
    inquiry = ask(engine)
    assert engine.inquiries.get(inquiry.id[-4:]).id == inquiry.id
    engine.inquiries.approve(inquiry.id[-4:], who=by("bob"))
    assert engine.inquiries.get(inquiry.id[-6:]).state == "approved"


def test_what_is_no_inquiry_says_so(engine: Engine) -> None:
    execution = world.run(engine, "probe.nothing")
    with pytest.raises(BadInput, match=rf'Action execution "{execution.id}" is not an inquiry\.'):
        engine.inquiries.answer(execution.id, YES, who=by("bob"))
    with pytest.raises(NotFound):
        engine.inquiries.answer("0" * 24, YES, who=by("bob"))


def in_clear(engine: Engine, inquiry: Inquiry) -> Any:
    """As a workflow gets it."""
    with engine.database.read() as connection:
        found = store.in_clear(connection, engine.vault, [inquiry.id]).get(inquiry.id)
    return None if found is None else found.response


def test_a_secret_answer_is_masked_everywhere_and_sealed(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    inquiry = ask(engine, schema=FORM)
    response = {"version": "1", "password": "hunter-22-x"}
    done = engine.inquiries.answer(inquiry.id, response, who=by("bob"), reason="it is hunter-22-x")
    assert done.outcome is not None
    assert done.outcome.response == {"version": "1", "password": "********"}
    assert ended(engine, inquiry).result["response"] == done.outcome.response
    told = orjson.dumps([entry.data for entry in entries(engine, inquiry)])
    with engine.database.read() as connection:
        rows = [
            *connection.execute(text("SELECT asked, outcome, sealed FROM inquiry")),
            *connection.execute(text("SELECT vote FROM inquiry_vote")),
            *connection.execute(text("SELECT parameters, result, sealed, context FROM execution")),
        ]
    assert not any(b"hunter-22-x" in bytes(cell or b"") for row in (*rows, (told,)) for cell in row)
    assert in_clear(engine, inquiry) == response
    assert in_clear(engine, ask(engine)) is None


def test_a_secret_that_does_not_fit_is_not_quoted(engine: Engine) -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "secret": True, "maxLength": 4}}}
    inquiry = ask(engine, schema=schema)
    with pytest.raises(BadInput) as refused:
        engine.inquiries.answer(inquiry.id, {"pin": "123456789"}, who=by("bob"))
    assert "123456789" not in str(refused.value)
    assert "maxLength" in str(refused.value)


def test_a_sealed_answer_survives_a_change_of_the_key(engine: Engine) -> None:
    inquiry = ask(engine, schema=FORM)
    engine.inquiries.answer(inquiry.id, {"version": "1", "password": "hunter-22-x"}, who=by("bob"))
    engine.seals.rotate()
    assert in_clear(engine, inquiry) == {"version": "1", "password": "hunter-22-x"}
