"""What people read of an inquiry: what will be done, who decides, until when, and how it ended."""

from dataclasses import replace

import pytest

from bot import inquiries, inquiry_facts
from bot.chat import Reply, Tone
from bot.formatting import as_text
from engine.records.inquiry import Audience, Count, Escalation, Inquiry, InquiryState, Quorum
from tests.bot.asking import SUBJECT, ended, inquiry, vote

BAD = "<img src=x onerror=alert(1)> \x1b[31mred\x1b[0m \u202eevil"
FORM = {
    "type": "object",
    "properties": {
        "version": {"type": "string", "required": True},
        "env": {"type": "string", "enum": ["staging", "prod"]},
        "token": {"type": "string", "secret": True},
    },
}


def said(one: Inquiry) -> str:
    return as_text(inquiries.reply(one, prefix="!"))


def reply(one: Inquiry) -> Reply:
    return inquiries.reply(one, prefix="!")


def test_an_approval_shows_the_action_its_parameters_and_the_digest() -> None:
    text = said(inquiry(text="Free 38 G on db1?", subject=SUBJECT))
    assert "Free 38 G on db1?" in text
    assert "disk.cleanup" in text
    assert "/var/log/app" in text
    assert "9f2c7a81bd34" in text
    assert "ann · deploy.api a1b2c3, task approve" in text


def test_it_says_who_may_answer_until_when_and_what_happens_then() -> None:
    text = said(inquiry(audience=Audience(users=("bob", "eve")), is_separate=True))
    assert "bob or eve, not ann" in text
    assert "UTC, then it is rejected" in text


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"at_deadline": "fail"}, "then it fails"),
        ({"deadline_at": None}, "it does not expire"),
        (
            {
                "at_deadline": "escalate",
                "escalation": Escalation(audience=Audience(groups=("leads",)), ttl_min=5),
            },
            "then group leads is asked as well",
        ),
    ],
)
def test_what_happens_without_an_answer_is_said_beforehand(given: dict[str, object], wanted: str) -> None:
    assert wanted in said(inquiry(**given))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "everybody"),
        ({"quorum": Quorum(people=2)}, "2 people: everybody"),
        (
            {"quorum": Quorum(people=2, each={"sre": 1, "security": 1})},
            "2 people: 1 of sre and 1 of security",
        ),
        (
            {
                "audience": Audience(groups=("sre", "security")),
                "quorum": Quorum(people=2, each={"sre": 1, "security": 1}),
            },
            "2 people: 1 of sre and 1 of security",
        ),
        ({"audience": Audience(users=("bob",), roles=("approver",))}, "bob, and in role approver"),
    ],
)
def test_the_quorum_is_said_in_words(given: dict[str, object], wanted: str) -> None:
    assert inquiry_facts.who_may(inquiry(**given)) == wanted


def test_the_tally_and_the_votes_are_shown_while_it_waits() -> None:
    one = inquiry(
        quorum=Quorum(people=2),
        votes=(vote("bob", reason="looks right"),),
        tally=(Count(name="", have=1, need=2), Count(name="sre", have=0, need=1)),
    )
    assert "1/2 people, sre 0/1" in said(one)
    assert "✓ approved by bob" in said(one)
    assert "looks right" in said(one)


def test_a_decision_has_buttons_and_words_and_a_reason_beside_them() -> None:
    prompt = reply(inquiry(needs_reason=True)).prompt
    assert prompt is not None
    assert [button.value for button in prompt.buttons] == ["approve", "reject"]
    assert [(one.name, one.is_required) for one in prompt.questions] == [("reason", True)]
    assert prompt.answer_with == "!approve 7f3a1c REASON · !reject 7f3a1c REASON"


def test_anything_else_has_the_form_of_its_schema() -> None:
    prompt = reply(inquiry(schema=FORM, decision="", is_approval=False)).prompt
    assert prompt is not None
    assert prompt.buttons == ()
    assert [one.name for one in prompt.questions] == ["version", "env", "token"]
    assert prompt.answer_with == "!answer 7f3a1c version=..."


def test_a_yes_or_no_that_approves_nothing_asks_its_own_question() -> None:
    schema = {"type": "object", "properties": {"continue": {"type": "boolean", "description": "Go on?"}}}
    one = reply(inquiry(schema=schema, decision="continue", is_approval=False))
    assert "Go on?" in as_text(one)
    assert one.prompt is not None
    assert [button.label for button in one.prompt.buttons] == ["Yes", "No"]


@pytest.mark.parametrize(
    ("state", "user", "wanted", "tone"),
    [
        (InquiryState.APPROVED, "ann", "Approved by ann", Tone.GOOD),
        (InquiryState.REJECTED, "ann", "Rejected by ann", Tone.BAD),
        (InquiryState.REJECTED, "", "Rejected, because nobody answered in time", Tone.BAD),
        (InquiryState.EXPIRED, "", "Expired: nobody answered in time", Tone.BAD),
        (InquiryState.CANCELED, "ann", "Cancelled by ann", Tone.WARNING),
    ],
)
def test_the_end_says_who_when_and_why_and_has_no_buttons(
    state: InquiryState, user: str, wanted: str, tone: Tone
) -> None:
    one = reply(inquiry(subject=SUBJECT, **ended(state, user, reason="CVE fix")))
    assert one.prompt is None
    assert one.buttons == ()
    assert one.tone is tone
    assert wanted in as_text(one)
    assert ": CVE fix" in as_text(one)
    assert "9f2c7a81bd34" in as_text(one)


def test_the_answers_of_a_form_are_shown_without_secrets() -> None:
    response = {"version": "1.42.0", "token": "hunter22"}
    one = inquiry(
        schema=FORM,
        decision="",
        is_approval=False,
        **ended(InquiryState.ANSWERED, "bob", response=response),
    )
    assert "1.42.0" in said(one)
    assert "hunter22" not in said(one)


def test_no_text_of_data_acts() -> None:
    subject = replace(SUBJECT, action=BAD, parameters={BAD: BAD, "list": [BAD]})
    one = inquiry(text=BAD, subject=subject, votes=(vote(BAD, reason=f"{BAD}\nforged line"),), nobody=BAD)
    for text in (said(one), as_text(Reply(pieces=inquiries.details(one)))):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\nforged line" not in text


def test_long_values_are_cut_with_a_count_and_whole_in_the_details() -> None:
    subject = replace(SUBJECT, parameters={"script": "x" * 3000, **{f"p{i}": i for i in range(40)}})
    one = inquiry(text="Run it?", subject=subject)
    assert "2,600 more characters: status 7f3a1c" in said(one)
    assert "26 more parameters: status 7f3a1c" in said(one)
    assert "x" * 3000 in as_text(Reply(pieces=inquiries.details(one)))
    assert SUBJECT.digest in as_text(Reply(pieces=inquiries.details(one)))


def test_a_question_that_nobody_can_answer_says_so() -> None:
    assert "⚠ It needs 2 people, and only 1 may answer: bob." in said(
        inquiry(nobody="It needs 2 people, and only 1 may answer: bob.")
    )


@pytest.mark.parametrize(("change", "is_said"), [("reminder", True), ("escalation", True), ("vote", False)])
def test_only_reminders_and_escalations_call_again(change: str, is_said: bool) -> None:
    assert (inquiries.nudge(inquiry(text="Go?"), change, prefix="!") is not None) == is_said


def test_the_list_names_what_waits_and_how_to_answer() -> None:
    text = as_text(inquiries.listed([inquiry(text="Free 38 G?")], mine=True, prefix="!"))
    assert "1 waits for an answer" in text
    assert "7f3a1c" in text
    assert "!approve ID" in text


def test_an_empty_list_says_so() -> None:
    assert "Nothing waits for you." in as_text(inquiries.listed([], mine=True, prefix="!"))
