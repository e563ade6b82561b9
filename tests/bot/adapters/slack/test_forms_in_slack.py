"""Modals in our Slack: opened by a press, refused in the field, kept without their secrets."""

import json
from collections.abc import Iterator

import pytest

from bot.adapters.slack.views import block_id
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Control, SeenView
from engine.records.execution import Execution, ExecutionFilter
from engine.records.inquiry import InquiryState
from tests.bot.adapters.slack.office import PATIENT, Office, buttons

PENDING = InquiryState.PENDING


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Emulator(timing=PATIENT) as slack:
        made = Office.new(tmp_path_factory.mktemp("office"), slack)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(autouse=True)
def closed(office: Office) -> Iterator[None]:
    """No test sees the modals of another."""
    yield
    for user in office.ids:
        for view in office.slack.views(user):
            office.slack.close(user, view, is_cleared=True)


def test_a_button_opens_the_form_and_the_form_answers(office: Office) -> None:
    asked = office.ask("release")
    assert buttons(asked) == ["Answer", "Details"]
    office.slack.click("bob", asked, "Answer")
    view = office.view("bob")
    assert {one.type for one in view.controls} == {"plain_text_input", "static_select", "number_input"}
    office.slack.submit("bob", view, {"version": "1.42.0", "env": "prod"})
    said = office.decided(asked)
    assert "Answered by bob" in said
    assert "1.42.0" in said
    assert not office.slack.views("bob")


def test_what_is_wrong_is_said_in_its_field_and_the_form_stays_open(office: Office) -> None:
    asked = office.ask("release")
    office.slack.click("eve", asked, "Answer")
    view = office.view("eve")
    office.slack.submit("eve", view, {"version": "1.42.0", "pods": "9"})
    (again,) = office.slack.views("eve")
    assert "9 is greater than the maximum of 6" in again.errors[block_id("pods")]
    assert office.inquiry(asked).state is PENDING
    office.slack.submit("eve", again, {"version": "1.42.0", "pods": "2"})
    assert "Answered by eve" in office.decided(asked)


def test_a_secret_is_shown_nowhere_and_kept_in_no_row(office: Office) -> None:
    asked = office.ask("release")
    office.slack.click("bob", asked, "Answer")
    office.slack.submit("bob", office.view("bob"), {"version": "2.0", "🔒 token": "hunter2-hunter2"})
    said = office.decided(asked)
    assert "********" in said
    everything = [*office.slack.messages(asked.channel), *office.slack.ephemerals("bob")]
    assert not any("hunter2" in json.dumps(one.plain) for one in everything)
    data = office.engine.settings.data_folder
    assert not any(b"hunter2-hunter2" in file.read_bytes() for file in data.rglob("*") if file.is_file())


def test_where_a_reason_is_needed_it_is_asked_for(office: Office) -> None:
    asked = office.ask("why")
    office.slack.click("bob", asked, "No")
    view = office.view("bob")
    assert view.submit == "No"
    assert office.inquiry(asked).state is PENDING
    office.slack.submit("bob", view, {"Reason": "not today"})
    assert "not today" in office.decided(asked)


def test_whoever_may_not_answer_gets_no_form_and_is_told_why(office: Office) -> None:
    asked = office.ask("release")
    office.slack.click("dan", asked, "Answer")
    office.told("dan", asked, "may not answer")
    assert not office.slack.views("dan")


def test_details_are_for_everybody_who_sees_the_question(office: Office) -> None:
    asked = office.ask("deploy")
    office.slack.click("dan", asked, "Details")
    view = office.view("dan")
    assert office.inquiry(asked).asked.subject.digest in view.plain
    assert "You may not answer this." in view.plain
    assert not view.submit


def test_what_was_decided_meanwhile_is_said_and_not_decided_again(office: Office) -> None:
    asked = office.ask("why")
    office.slack.click("bob", asked, "No")
    view = office.view("bob")
    office.slack.click("eve", asked, "Yes")
    office.slack.submit("eve", office.view("eve"), {"Reason": "it is fine"})
    office.decided(asked)
    office.slack.submit("bob", view, {"Reason": "no"})
    assert "by eve" in office.told("bob", asked, "decided already").plain


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_id": "f" * 24},
        {"prompt_id": "../../x"},
        {"button": "approve"},
        {"channel": "C0NOWHERE"},
        {"more": "x"},
    ],
)
def test_a_submission_whose_metadata_was_changed_answers_nothing(
    office: Office, change: dict[str, str]
) -> None:
    asked = office.ask("why")
    office.slack.click("bob", asked, "No")
    view = office.view("bob")
    known = json.loads(view.private_metadata)
    payload = submission(office, view.id, metadata=json.dumps({**known, **change}))
    office.slack.deliver("interactive", payload)
    if change == {"button": "approve"}:
        # It is what bob may do anyway, and it is bob who does it.
        assert "by bob" in office.decided(asked)
    else:
        office.slack.close("bob", view)
        office.slack.click("eve", asked, "Yes")
        office.slack.submit("eve", office.view("eve"), {"Reason": "after it"})
        assert "by eve" in office.decided(asked)


def test_a_field_that_the_question_does_not_have_is_refused(office: Office) -> None:
    asked = office.ask("why")
    office.slack.click("bob", asked, "No")
    view = office.view("bob")
    values = {block_id("approved"): {"v": {"type": "plain_text_input", "value": "true"}}}
    office.slack.deliver("interactive", submission(office, view.id, values=values))
    office.told("bob", asked, "field")
    assert office.inquiry(asked).state is PENDING


def submission(office: Office, view_id: str, **change: object) -> dict[str, object]:
    """What Slack sends for bob's open modal, but for what somebody has changed."""
    view = next(one for one in office.slack.views("bob") if one.id == view_id)
    values = {block_id("reason"): {"v": {"type": "plain_text_input", "value": "because"}}}
    return {
        "type": "view_submission",
        "team": {"id": office.slack.team},
        "user": {"id": office.ids["bob"], "team_id": office.slack.team},
        "api_app_id": office.slack.app_id,
        "view": {
            "id": view.id,
            "hash": "1.changed",
            "type": "modal",
            "callback_id": view.callback_id,
            "blocks": list(view.blocks),
            "private_metadata": change.get("metadata", view.private_metadata),
            "state": {"values": change.get("values", values)},
        },
    }


# the menu


def test_a_slash_command_without_words_opens_a_menu_that_finds_and_runs(office: Office) -> None:
    room = office.room()
    office.slack.command("ann", room, "/crow")
    view = office.view("ann", title="Run a command")
    found = office.slack.options("ann", view, "crow.m.0", "ech")
    assert [label for label, _value in found] == ["echo <text>"]
    office.slack.click("ann", view, "crow.m.0", found[0][1])
    office.slack.wait_for(lambda: "Test echo." in office.view("ann").plain)
    chosen = office.view("ann")
    assert field(chosen).shape["initial_value"] == "echo"
    office.slack.submit("ann", chosen, {"Command": "echo echo from the menu"})
    office.slack.wait_for(
        lambda: [one for one in office.slack.messages(room) if "from the menu" in one.plain]
    )


def field(view: SeenView) -> Control:
    return next(one for one in view.controls if one.type == "plain_text_input")


def test_the_menu_of_a_message_answers_in_its_thread(office: Office) -> None:
    room = office.room()
    root = office.slack.say("bob", room, "something is slow")
    office.slack.message_shortcut("ann", root, "crow.here")
    view = office.view("ann", title="Run a command")
    office.slack.submit("ann", view, {"Command": "echo echo in its thread"})
    office.until(root, has="in its thread")


def test_what_a_command_of_the_menu_lacks_is_asked_for_in_a_form(office: Office) -> None:
    room = office.room()
    office.slack.command("eve", room, "/crow")
    view = office.view("eve", title="Run a command")
    ((_label, value),) = office.slack.options("eve", view, "crow.m.0", "mute")
    office.slack.click("eve", view, "crow.m.0", value)
    office.slack.wait_for(lambda: "Test mute." in office.view("eve").plain)
    office.slack.submit("eve", office.view("eve"), {})
    form = office.view("eve", title="Answer")
    assert "mute needs: cmd." in form.plain
    office.slack.submit("eve", form, {"cmd": "echo filled in"})
    office.slack.wait_for(lambda: [one for one in office.slack.messages(room) if "filled in" in one.plain])


def test_a_slash_command_that_lacks_something_opens_a_form_at_once(office: Office) -> None:
    room = office.room()
    office.slack.command("eve", room, "/crow far")
    form = office.view("eve", title="Answer")
    assert {one.label for one in form.controls} >= {"hosts"}
    office.slack.close("eve", form)
    (offered,) = office.slack.wait_for(
        lambda: [one for one in office.slack.ephemerals("eve", room) if "Fill in" in buttons(one)]
    )
    office.slack.click("eve", offered, "Fill in")
    assert "far needs: hosts." in office.view("eve", title="Answer").plain


def test_a_message_that_lacks_something_has_a_button_for_the_form(office: Office) -> None:
    room = office.room()
    office.slack.say("bob", room, "!mute")
    offered = office.slack.wait_for(
        lambda: [one for one in office.slack.ephemerals("bob", room) if "Fill in" in buttons(one)]
    )[-1]
    office.slack.click("bob", offered, "Fill in")
    office.slack.submit("bob", office.view("bob", title="Answer"), {"cmd": "echo for bob"})
    office.slack.wait_for(lambda: [one for one in office.slack.messages(room) if "for bob" in one.plain])


def test_the_menu_and_the_home_tab_show_what_a_person_may_run(office: Office) -> None:
    for user, may_run in (("ann", True), ("bob", False)):
        office.slack.shortcut(user, "crow.run")
        view = office.view(user, title="Run a command")
        found = [label for label, _value in office.slack.options(user, view, "crow.m.0", "quiet")]
        assert ("quiet {{cmd}}" in found) is may_run
        office.slack.open_home(user)
        home = office.slack.wait_for(lambda: office.slack.home(user))  # noqa: B023
        assert ("quiet {{cmd}}" in home.plain) is may_run


def test_where_the_bot_cannot_speak_the_menu_answers_in_private(office: Office) -> None:
    office.slack.add_channel("closed", with_bot=False)
    message = office.slack.say("ann", "closed", "what is this?")
    office.slack.message_shortcut("ann", message, "crow.here")
    office.slack.submit("ann", office.view("ann", title="Run a command"), {"Command": "echo echo to ann"})
    office.slack.wait_for(
        lambda: [one for one in office.slack.direct_messages("ann") if "to ann" in one.plain]
    )


# buttons that say a command


def test_a_button_says_its_command_for_whoever_presses_it(office: Office) -> None:
    room = office.room()
    (answer,) = office.said("ann", room, "!nonsense nobody knows", has="All commands")
    office.slack.click("bob", answer, "Help")
    office.slack.wait_for(
        lambda: [one for one in office.slack.messages(room) if "What you can say" in one.plain]
    )


def test_a_double_click_is_one_command(office: Office) -> None:
    room = office.room()
    office.said("ann", room, "!echo date", has="succeeded")
    before = len(runs(office))
    (status,) = office.said("ann", room, f"!status {short_id(office)}", has="steps")
    office.slack.click("ann", status, "Run again", is_awaited=False)
    office.slack.click("ann", status, "Run again")
    office.slack.wait_for(lambda: len(runs(office)) > before)
    office.said("ann", room, "!echo echo afterwards", has="succeeded")
    assert len(runs(office)) == before + 2


def runs(office: Office) -> list[Execution]:
    """The newest first."""
    wanted = ExecutionFilter(action="core.local", limit=100, with_result=False)
    return list(office.engine.executions(wanted)[0])


def short_id(office: Office) -> str:
    return runs(office)[0].id[-6:]


# Home


def test_home_shows_what_waits_and_opens_it(office: Office) -> None:
    asked = office.ask("deploy", by="ann")
    office.slack.open_home("eve")
    home = office.slack.wait_for(lambda: office.slack.home("eve"))
    assert "Deploy api 1.42.0 to prod?" in home.plain
    assert "Started by you" in home.plain
    wanted = next(one for one in home.controls if one.value == office.inquiry(asked).id)
    office.slack.click("eve", home, wanted.action_id)
    view = office.view("eve", title="Details")
    office.slack.submit("eve", view, {"Your decision": "approve"})
    assert "Approved by eve" in office.decided(asked)
    office.slack.wait_for(lambda: wanted.value not in json.dumps(list(office.slack.home("eve").blocks)))


def test_home_of_a_guest_says_why_it_is_empty(office: Office) -> None:
    office.slack.open_home("gus")
    home = office.slack.wait_for(lambda: office.slack.home("gus"))
    assert "Guests of this workspace may not use this bot." in home.plain


# between one person and us


def test_a_question_that_was_asked_in_private_is_answered_there_and_seen_by_nobody_else(
    office: Office,
) -> None:
    office.slack.shortcut("ann", "crow.run")
    office.slack.submit("ann", office.view("ann", title="Run a command"), {"Command": "ask private"})
    asked = office.slack.wait_for(
        lambda: [one for one in office.slack.direct_messages("ann") if "Yes" in buttons(one)]
    )[0]
    (listed,) = office.said("bob", office.room(), "!inquiries all", has="answer")
    assert "Between us?" not in listed.plain
    office.slack.click("ann", asked, "Yes")
    assert "Answered yes by ann" in office.decided(asked)


def test_the_button_of_somebody_else_s_private_question_means_nothing(office: Office) -> None:
    message = office.slack.say("ann", "@stormcrow", "ask private")
    asked = office.slack.wait_for(
        lambda: [one for one in office.slack.thread(message) if "Yes" in buttons(one)]
    )[0]
    room = office.room()
    shown = office.ask("deploy", channel=room)
    payload = dict(office.slack.click("dan", shown, "Approve").payload)
    office.told("dan", shown, "may not answer")
    wanted = office.inquiry(asked).id
    for at, (action_id, value) in enumerate([("crow.p.0", f"{wanted} approve"), ("crow.d.2", wanted)]):
        action = {"action_id": action_id, "value": value, "action_ts": f"1790000000.00001{at}"}
        office.slack.deliver("interactive", {**payload, "actions": [{**payload["actions"][0], **action}]})
    office.told("dan", shown, "not asked in this channel")
    office.told("dan", shown, "not asked where you see it")
    assert not office.slack.views("dan")
    assert office.inquiry(asked).state is PENDING
