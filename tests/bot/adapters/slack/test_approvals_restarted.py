"""Questions outlive the server: their buttons work afterwards, and a press that was kept counts once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.slack_emulator.emulator import Emulator
from engine.records.inquiry import InquiryState
from tests.bot.adapters.slack.office import PATIENT, Office, buttons


class Shift:
    """Whichever server runs now."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def change(self) -> Office:
        self.office = self.office.restarted()
        return self.office


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    with Emulator(timing=PATIENT) as slack:
        made = Shift(Office.new(tmp_path, slack))
        try:
            yield made
        finally:
            made.office.stop()


def test_a_button_works_after_a_restart(shift: Shift) -> None:
    asked = shift.office.ask("team")
    shift.office.slack.click("bob", asked, "Approve")
    shift.office.slack.wait_for(lambda: "1/2" in shift.office.now(asked).plain)
    office = shift.change()
    assert buttons(office.now(asked)) == ["Approve", "Reject", "Details"]
    office.slack.click("eve", asked, "Approve")
    assert "Approved by eve" in office.decided(asked)


def test_a_press_that_was_kept_and_not_worked_on_counts_after_the_restart_and_once(shift: Shift) -> None:
    office = shift.office
    asked = office.ask("team")
    # Nobody can say who pressed, so the press is kept and waits.
    office.slack.trouble.answer_status("users.info", 500, times=1_000)
    delivery = office.slack.click("eve", asked, "Approve")
    assert delivery.acked_after_s is not None
    assert not office.inquiry(asked).votes
    office.stop()
    office.slack.trouble.clear()
    office = shift.change()
    office.slack.wait_for(lambda: "1/2" in office.now(asked).plain)
    office = shift.change()
    office.slack.click("dan", asked, "Approve")
    office.decided(asked)
    assert [vote.user for vote in office.inquiry(asked).votes] == ["eve", "dan"]


def test_a_form_that_was_open_over_the_restart_is_still_taken(shift: Shift) -> None:
    asked = shift.office.ask("why")
    shift.office.slack.click("bob", asked, "No")
    view = shift.office.view("bob")
    office = shift.change()
    office.slack.submit("bob", view, {"Reason": "after the restart"})
    assert "after the restart" in office.decided(asked)
    assert office.inquiry(asked).state is InquiryState.REJECTED
