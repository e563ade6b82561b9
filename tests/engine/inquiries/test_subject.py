"""What an approval is for: shown with a digest of exactly that, and without its secrets."""

import hashlib

import orjson
import pytest
from sqlalchemy import text

from engine.errors import BadInput
from engine.service import Engine
from engine.subjects import digest_of, is_bound_to
from tests.engine.inquiries.asking import ask, by, ended, entries

SECRET = "sesame-open-9"


def test_the_digest_is_that_of_the_canonical_json() -> None:
    written = '{"action":"a.b","parameters":{"a":{"x":1,"y":[true,null]},"z":"é"}}'
    digest = digest_of("a.b", {"z": "é", "a": {"y": [True, None], "x": 1}})
    assert digest == hashlib.sha256(written.encode()).hexdigest()


def test_another_action_or_parameter_is_not_what_was_approved() -> None:
    digest = digest_of("deploy.run", {"host": "web1", "count": 1})
    assert is_bound_to(digest, "deploy.run", {"count": 1, "host": "web1"})
    for action, parameters in (
        ("deploy.undo", {"host": "web1", "count": 1}),
        ("deploy.run", {"host": "web2", "count": 1}),
        ("deploy.run", {"host": "web1", "count": "1"}),
        ("deploy.run", {"host": "web1"}),
        ("deploy.run", {"host": "web1", "count": 1, "force": False}),
    ):
        assert not is_bound_to(digest, action, parameters)


def test_what_is_no_json_has_no_digest() -> None:
    with pytest.raises(BadInput, match="are not JSON"):
        digest_of("a.b", {"x": object()})


def test_the_subject_is_shown_and_its_digest_is_in_the_result(engine: Engine) -> None:
    inquiry = ask(engine, approves={"action": "probe.sh", "parameters": {"cmd": "rm -rf /tmp/x"}})
    subject = inquiry.asked.subject
    assert subject is not None
    assert (subject.action, subject.parameters) == ("probe.sh", {"cmd": "rm -rf /tmp/x"})
    assert inquiry.asked.is_approval
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    assert ended(engine, inquiry).result["decision"]["digest"] == subject.digest
    assert subject.digest == digest_of("probe.sh", {"cmd": "rm -rf /tmp/x"})


def test_secrets_of_the_subject_are_hashed_and_never_shown(engine: Engine) -> None:
    parameters = {"password": SECRET}
    inquiry = ask(
        engine,
        text=f"with {SECRET}?",
        approves={"action": "probe.secretive", "parameters": parameters},
    )
    subject = inquiry.asked.subject
    assert subject is not None
    assert subject.parameters == {"password": "********"}
    assert subject.digest == digest_of("probe.secretive", parameters)
    assert inquiry.asked.text == "with ********?"
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    shown = orjson.dumps([entry.data for entry in entries(engine, inquiry)])
    with engine.database.read() as connection:
        rows = [
            *connection.execute(text("SELECT asked, outcome FROM inquiry")),
            *connection.execute(text("SELECT parameters, result, sealed, context FROM execution")),
            *connection.execute(text("SELECT data FROM journal")),
        ]
    assert not any(SECRET.encode() in bytes(cell or b"") for row in (*rows, (shown,)) for cell in row)


def test_a_plan_is_shown_without_secrets_and_is_no_part_of_the_digest(engine: Engine) -> None:
    parameters = {"password": SECRET}
    approves = {"action": "probe.secretive", "parameters": parameters, "plan": f"would log in with {SECRET}"}
    subject = ask(engine, approves=approves).asked.subject
    assert subject is not None
    assert subject.plan == "would log in with ********"
    assert subject.digest == digest_of("probe.secretive", parameters)


def test_a_plan_may_be_json_and_is_cut(engine: Engine) -> None:
    approves = {"action": "probe.sh", "parameters": {"cmd": "ls"}, "plan": {"pods": 6, "more": "x" * 9_000}}
    subject = ask(engine, approves=approves).asked.subject
    assert subject is not None
    assert subject.plan.startswith('{\n  "pods": 6')
    assert subject.plan.endswith("more characters")
