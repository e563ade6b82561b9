"""Questions in a chat that is not our own: posted, edited, called again, and never said twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.announcer import Announcer
from bot.chat import Answer, Author, BadAnswer, Place
from bot.formatting import as_text
from engine.errors import Denied
from engine.records.inquiry import ANSWERED, CHANGED, RAISED, AskedPlace, Inquiry, InquiryState, Quorum, told
from engine.store import journal
from tests.bot.asking import ended, inquiry, vote, write_questions
from tests.bot.elsewhere import Desk, Elsewhere

IN_C = AskedPlace(adapter="elsewhere", channel="C", thread="m1", is_command=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    write_questions(tmp_path)
    made = Desk(tmp_path, Elsewhere())
    try:
        yield made
    finally:
        made.stop()


def tell(desk: Desk, kind: str, one: Inquiry, change: str) -> None:
    """As the engine tells it."""
    data = told(one, change)  # type: ignore[arg-type]  # one of its words
    desk.engine.database.write(lambda connection: journal.append(connection, kind, one.id, data))


def texts(desk: Desk, count: int) -> list[tuple[str, str]]:
    return [(kind, as_text(one.reply)) for kind, one in desk.adapter.until(count)]


def test_a_question_is_posted_in_its_thread_and_edited_with_every_vote(desk: Desk) -> None:
    one = inquiry(text="Deploy?", places=(IN_C,), quorum=Quorum(people=2))
    tell(desk, RAISED, one, "raised")
    desk.adapter.until(1)
    tell(desk, CHANGED, replace(one, votes=(vote("bob"),), version=1), "vote")
    said = desk.adapter.until(2)
    assert [kind for kind, _ in said] == ["post", "edit"]
    assert {(message.place.channel, message.place.thread) for _, message in said} == {("C", "m1")}
    assert "approved by bob" in as_text(said[1][1].reply)


def test_the_decision_takes_the_prompt_away(desk: Desk) -> None:
    one = inquiry(text="Deploy?", places=(IN_C,))
    tell(desk, RAISED, one, "raised")
    desk.adapter.until(1)
    over = inquiry(text="Deploy?", places=(IN_C,), version=1, **ended(InquiryState.APPROVED, "bob"))
    tell(desk, ANSWERED, over, "answered")
    first, last = (message.reply for _, message in desk.adapter.until(2))
    assert first.prompt is not None
    assert last.prompt is None
    assert "Approved by bob" in as_text(last)


@pytest.mark.parametrize("change", ["reminder", "escalation"])
def test_a_reminder_is_a_message_in_the_thread_and_said_once(desk: Desk, change: str) -> None:
    one = inquiry(text="Deploy?", places=(IN_C,))
    tell(desk, RAISED, one, "raised")
    desk.adapter.until(1)
    tell(desk, CHANGED, replace(one, version=1, reminders=1), change)
    said = desk.adapter.until(2)
    assert [kind for kind, _ in said] == ["post", "post"]
    assert "Deploy?" in as_text(said[1][1].reply)
    assert said[1][1].place.thread == "m1"


def test_in_a_channel_a_reminder_stands_below_the_question(desk: Desk) -> None:
    one = inquiry(text="Deploy?", places=(AskedPlace(adapter="elsewhere", channel="C"),))
    tell(desk, RAISED, one, "raised")
    desk.adapter.until(1)
    tell(desk, CHANGED, replace(one, version=1), "reminder")
    said = desk.adapter.until(2)
    assert said[0][1].place.thread is None
    assert said[1][1].place.thread == "1"


def test_what_came_while_nobody_listened_is_said_in_one_message(desk: Desk) -> None:
    desk.announcer.stop()
    one = inquiry(text="Deploy?", places=(IN_C,), quorum=Quorum(people=2))
    tell(desk, RAISED, one, "raised")
    tell(desk, CHANGED, replace(one, votes=(vote("bob"),), version=1), "vote")
    over = inquiry(text="Deploy?", places=(IN_C,), version=2, **ended(InquiryState.APPROVED, "eve"))
    tell(desk, ANSWERED, over, "answered")
    again = Announcer(desk.engine, desk.adapter)
    again.start()
    try:
        said = desk.adapter.until(1)
        assert [kind for kind, _ in said] == ["post"]
        assert "Approved by eve" in as_text(said[0][1].reply)
    finally:
        again.stop()


def test_a_chat_that_is_down_gets_the_question_later_and_once(desk: Desk) -> None:
    desk.adapter.failures = 2
    tell(desk, RAISED, inquiry(text="Deploy?", places=(IN_C,)), "raised")
    assert [kind for kind, _ in desk.adapter.until(1)] == ["post"]


def test_two_places_in_one_channel_are_one_message(desk: Desk) -> None:
    other = AskedPlace(adapter="elsewhere", channel="D")
    one = inquiry(text="Deploy?", places=(IN_C, AskedPlace(adapter="elsewhere", channel="C"), other))
    tell(desk, RAISED, one, "raised")
    assert sorted(message.place.channel for _, message in desk.adapter.until(2)) == ["C", "D"]


def test_a_question_for_a_chat_that_does_not_run_is_asked_here(desk: Desk) -> None:
    one = inquiry(text="Deploy?", places=(AskedPlace(adapter="slack", channel="#ops"),))
    tell(desk, RAISED, one, "raised")
    assert "slack #ops" in texts(desk, 1)[0][1]


def answer(
    desk: Desk, prompt_id: str, user: str, *, channel: str = "C", button: str = "", **values: str
) -> str:
    author = Author(id=user, name=user, team="T", engine_user=user)
    place = Place(channel=channel)
    given = Answer(prompt_id=prompt_id, author=author, place=place, values=values, button=button)
    return as_text(desk.adapter.respond(given))


def asked(desk: Desk, name: str) -> str:
    """The id of a question that really waits."""
    desk.say(f"ask {name}")
    with desk.adapter.changed:
        assert desk.adapter.changed.wait_for(
            lambda: any(one.reply.prompt for _, one in desk.adapter.said), timeout=30
        )
        return next(one.reply.inquiry_id for _, one in desk.adapter.said if one.reply.prompt)


def test_a_button_of_another_chat_answers(desk: Desk) -> None:
    assert "Approved by bob" in answer(desk, asked(desk, "clean"), "bob", button="approve")


def test_a_modal_of_another_chat_is_told_its_wrong_fields(desk: Desk) -> None:
    prompt_id = asked(desk, "form")
    with pytest.raises(BadAnswer) as raised:
        answer(desk, prompt_id, "bob", pods="many")
    assert raised.value.problems.keys() == {"version", "pods"}


@pytest.mark.parametrize(
    ("user", "channel"), [("eve", "C"), ("ann", "C"), ("bob", "D"), ("~bob", "C"), ("", "C")]
)
def test_strangers_guests_who_asks_and_other_channels_are_refused(
    desk: Desk, user: str, channel: str
) -> None:
    prompt_id = asked(desk, "clean")
    with pytest.raises(Denied):
        answer(desk, prompt_id, user, channel=channel, button="approve")
