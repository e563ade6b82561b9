"""Who may approve, and what a press counts for: everybody else is told so in private, and nothing happens."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Seen
from engine.clock import utcnow
from engine.records.inquiry import Answerer, InquiryRow, InquiryState
from tests.bot.adapters.slack.office import PATIENT, Office, buttons
from tests.engine.inquiries.asking import age

PENDING = InquiryState.PENDING


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Emulator(timing=PATIENT) as slack:
        made = Office.new(tmp_path_factory.mktemp("office"), slack)
        try:
            yield made
        finally:
            made.stop()


def test_the_prompt_shows_exactly_what_will_run_and_who_may_decide(office: Office) -> None:
    asked = office.ask("deploy")
    assert buttons(asked) == ["Approve", "Reject", "Details"]
    for shown in (
        "core.local",
        "deploy api 1.42.0",
        "web1,web2",
        "digest",
        "not ann",
        "bob",
        "migration 0107",
    ):
        assert shown in asked.plain
    digest = office.inquiry(asked).asked.subject.digest
    assert digest[:12] in asked.plain


def test_an_approval_says_who_decided_and_when_and_the_buttons_vanish(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("bob", asked, "Approve")
    said = office.decided(asked)
    assert "Approved by bob" in said
    assert "UTC" in said
    assert office.told("bob", asked, "Approved by bob")


def test_a_reason_is_given_in_the_details(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("bob", asked, "Details")
    view = office.view("bob", title="Details")
    assert "deploy api 1.42.0" in view.plain
    office.slack.submit("bob", view, {"Your decision": "reject", "Reason": "freeze until Monday"})
    assert "Rejected by bob" in office.decided(asked)
    assert "freeze until Monday" in office.now(asked).plain


def test_somebody_else_is_refused_in_private_and_nothing_changes(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("dan", asked, "Approve")
    assert "may not answer" in office.told("dan", asked, "may not answer").plain
    assert office.inquiry(asked).state is PENDING
    assert buttons(office.now(asked)) == ["Approve", "Reject", "Details"]


def test_the_requester_cannot_approve(office: Office) -> None:
    asked = office.ask("deploy", by="bob")
    office.slack.click("bob", asked, "Approve")
    office.told("bob", asked, "may not answer")
    assert office.inquiry(asked).state is PENDING


def test_another_account_of_the_requester_cannot_approve(office: Office) -> None:
    asked = office.ask("deploy", by="ann")
    office.slack.click("ann2", asked, "Approve")
    office.told("ann2", asked, "may not answer")
    assert office.inquiry(asked).state is PENDING


def test_the_requester_may_take_it_back(office: Office) -> None:
    asked = office.ask("deploy", by="ann")
    office.slack.click("ann", asked, "Reject")
    assert "Rejected by ann" in office.decided(asked)


def test_a_double_click_is_one_vote(office: Office) -> None:
    asked = office.ask("team")
    office.slack.click("bob", asked, "Approve", is_awaited=False)
    office.slack.click("bob", asked, "Approve")
    office.slack.wait_for(lambda: "1/2" in office.now(asked).plain)
    assert office.inquiry(asked).state is PENDING
    assert [vote.user for vote in office.inquiry(asked).votes] == ["bob"]


def test_the_tally_lives_in_the_message(office: Office) -> None:
    asked = office.ask("team")
    office.slack.click("bob", asked, "Approve")
    office.slack.wait_for(lambda: "1/2 people" in office.now(asked).plain)
    office.slack.click("eve", asked, "Approve")
    said = office.decided(asked)
    assert "bob" in said
    assert "eve" in said


def test_of_two_at_once_one_decides_and_the_other_is_told_who(office: Office) -> None:
    asked = office.ask("deploy", by="dan")
    first = office.slack.click("bob", asked, "Approve", is_awaited=False)
    office.slack.click("eve", asked, "Reject", is_awaited=False)
    office.slack.wait_for(lambda: first.acked_after_s is not None)
    office.decided(asked)
    winner = office.inquiry(asked).outcome.user
    loser = "eve" if winner == "bob" else "bob"
    assert winner in office.told(loser, asked, "decided already").plain


def test_after_its_time_nobody_can_approve(office: Office) -> None:
    asked = office.ask("deploy")
    inquiry = office.inquiry(asked)
    expire(office, inquiry.id)
    office.slack.click("bob", asked, "Approve")
    assert "Approved" not in office.decided(asked)
    office.told("bob", asked, "decided already")
    assert office.inquiry(asked).state is not InquiryState.APPROVED


def expire(office: Office, inquiry_id: str) -> None:
    """Put its end into the past; the clock of inquiries has not noticed yet."""
    table = InquiryRow.__table__
    past = utcnow() - timedelta(minutes=1)
    office.engine.database.write(
        lambda connection: connection.execute(
            update(table).where(table.c.id == inquiry_id).values(deadline_at=past)
        )
    )


def test_a_button_replayed_in_another_channel_means_nothing(office: Office) -> None:
    asked = office.ask("deploy")
    payload = dict(office.slack.click("dan", asked, "Approve").payload)
    office.told("dan", asked, "may not answer")
    side = office.slack.say("bob", office.room(), "hello")
    user = {**payload["user"], "id": side.user}
    office.slack.deliver(
        "interactive",
        {
            **payload,
            "user": user,
            "channel": {"id": side.channel, "name": "elsewhere"},
            "container": {**payload["container"], "channel_id": side.channel, "message_ts": side.ts},
            "message": {"ts": side.ts},
            "actions": [{**payload["actions"][0], "action_ts": "1790000000.000001"}],
        },
    )
    office.told("bob", side, "not asked in this channel")
    assert office.inquiry(asked).state is PENDING


def test_a_guest_is_refused(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("gus", asked, "Approve")
    office.told("gus", asked, "guests of this workspace")
    assert office.inquiry(asked).state is PENDING


def test_a_bot_is_refused(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("robot", asked, "Approve")
    office.told("robot", asked, "other bots may not use this bot")
    assert office.inquiry(asked).state is PENDING


def test_whoever_takes_an_approver_s_name_is_not_them(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.rename(office.ids["dan"], "bob")
    try:
        office.slack.click(office.ids["dan"], asked, "Approve")
        office.told(office.ids["dan"], asked, "may not answer")
    finally:
        office.slack.rename(office.ids["dan"], "dan")
    assert office.inquiry(asked).state is PENDING


def test_an_approver_who_is_renamed_is_still_the_same_person(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.rename("bob", "robert")
    try:
        office.slack.click("robert", asked, "Approve")
        assert "Approved by" in office.decided(asked)
    finally:
        office.slack.rename("robert", "bob")
    assert office.inquiry(asked).outcome.user == "bob"


def test_somebody_of_another_workspace_is_refused(office: Office) -> None:
    slack = office.slack
    theirs = slack.add_team("Elsewhere", with_app=False)
    slack.add_user("mallory", team=theirs)
    slack.add_channel("shared", shared_with=[theirs])
    slack.join("mallory", "shared")
    asked = office.ask("deploy", channel="shared")
    slack.click("mallory", asked, "Approve")
    slack.wait_for(lambda: [one for one in slack.ephemerals("mallory") if "other workspaces" in one.plain])
    assert office.inquiry(asked).state is PENDING


def test_whoever_was_deactivated_decides_nothing_any_more(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.deactivate("fay")
    office.slack.click("fay", asked, "Approve")
    office.slack.click("dan", asked, "Approve")
    office.told("dan", asked, "may not answer")
    office.told("fay", asked, "deactivated")
    assert office.inquiry(asked).state is PENDING


def test_a_user_group_is_asked_for_when_somebody_answers(office: Office) -> None:
    asked = office.ask("group")
    office.slack.click("dan", asked, "Yes")
    office.told("dan", asked, "may not answer")
    office.slack.set_group("oncall", ["dan"])
    office.slack.wait_for(lambda: office.engine.people.members("slack:@oncall") == {"dan"})
    office.slack.click("dan", asked, "Yes")
    assert "Answered yes by dan" in office.decided(asked)


def test_what_was_approved_is_good_for_nothing_else(office: Office) -> None:
    first, room = office.ask("deploy"), office.room()
    other = office.ask("other", channel=room)
    digests = {office.inquiry(one).asked.subject.digest for one in (first, other)}
    assert len(digests) == 2
    old = dict(office.slack.click("bob", first, "Approve").payload)
    office.decided(first)
    # The press of the old button, as if it had been made on the new message.
    message = {**old["message"], "ts": other.ts, "thread_ts": other.thread_ts}
    office.slack.deliver(
        "interactive",
        {
            **old,
            "channel": {"id": other.channel, "name": room},
            "container": {**old["container"], "channel_id": other.channel, "message_ts": other.ts},
            "message": message,
            "actions": [{**old["actions"][0], "action_ts": "1790000000.000002"}],
        },
    )
    office.told("bob", other, "not asked in this channel")
    assert office.inquiry(other).state is PENDING
    assert buttons(office.now(other)) == ["Approve", "Reject", "Details"]


def test_a_press_with_another_question_s_id_counts_only_where_that_one_stands(office: Office) -> None:
    here, there = office.ask("deploy"), office.ask("other")
    payload = dict(office.slack.click("dan", here, "Approve").payload)
    office.told("dan", here, "may not answer")
    action = {
        **payload["actions"][0],
        "value": f"{office.inquiry(there).id} approve",
        "action_ts": "1790000000.000003",
    }
    bob = {**payload["user"], "id": office.ids["bob"]}
    office.slack.deliver("interactive", {**payload, "user": bob, "actions": [action]})
    office.told("bob", here, "not asked in this channel")
    assert office.inquiry(there).state is PENDING


def test_those_who_may_decide_are_called_until_they_have(office: Office) -> None:
    asked = office.ask("team", by="ann")
    names = {office.ids[name]: name for name in ("ann", "bob", "eve", "dan")}
    assert {names[one.removeprefix("@")] for one in asked.mentions} == {"bob", "eve", "dan"}
    office.slack.click("bob", asked, "Approve")
    office.slack.wait_for(lambda: "1/2" in office.now(asked).plain)
    assert {names[one.removeprefix("@")] for one in office.now(asked).mentions} == {"eve", "dan"}
    office.slack.click("eve", asked, "Approve")
    office.decided(asked)
    assert office.now(asked).mentions == ()


def test_whoever_is_asked_is_reminded_then_others_are_asked_then_silence_is_a_no(office: Office) -> None:
    asked = office.ask("late")
    age(office.engine, office.inquiry(asked), minutes=10)
    (reminder,) = office.slack.wait_for(
        lambda: [one for one in office.answers_to(asked) if "Still waits" in one.plain]
    )
    assert reminder.mentions == (f"@{office.ids['bob']}",)
    office.slack.click("eve", asked, "Approve")
    office.told("eve", asked, "may not answer")
    age(office.engine, office.inquiry(asked), minutes=6)
    (escalation,) = office.slack.wait_for(
        lambda: [one for one in office.answers_to(asked) if "Nobody has answered" in one.plain]
    )
    assert f"@{office.ids['eve']}" in escalation.mentions
    age(office.engine, office.inquiry(asked), minutes=11)
    assert "Rejected, because nobody answered in time" in office.decided(asked)


def test_after_an_escalation_the_others_may_decide(office: Office) -> None:
    asked = office.ask("late")
    age(office.engine, office.inquiry(asked), minutes=16)
    office.slack.wait_for(lambda: office.inquiry(asked).level == 1)
    office.slack.click("eve", asked, "Approve")
    assert "Approved by eve" in office.decided(asked)


def test_what_is_decided_elsewhere_is_rewritten_here(office: Office) -> None:
    asked = office.ask("deploy")
    eve = Answerer(user="eve", name="eve", surface="cli", is_verified=True)
    office.engine.inquiries.approve(office.inquiry(asked).id, who=eve, reason="seen in the terminal")
    said = office.decided(asked)
    assert "Approved by eve" in said
    assert "seen in the terminal" in said


def test_in_an_emergency_the_requester_approves_alone_and_all_who_were_asked_are_told(
    office: Office,
) -> None:
    asked = office.ask("urgent", by="ann")
    office.slack.click("ann", asked, "Approve")
    refused = office.told("ann", asked, "may not answer")
    assert "breakglass" in refused.plain
    office.slack.say("ann", asked.channel, f"!breakglass {office.inquiry(asked).id[-6:]} db1 is down")
    said = office.decided(asked)
    assert "ann" in said
    assert "db1 is down" in said
    assert "breaking the glass" in said

    def alarms() -> list[Seen]:
        found = office.slack.messages(asked.channel)
        return [one for one in found if one.ts != asked.ts and "broken the glass" in one.plain]

    (alarm,) = office.slack.wait_for(alarms)
    assert "db1 is down" in alarm.plain
    assert {f"@{office.ids[name]}" for name in ("bob", "eve")} == set(alarm.mentions)
