"""The story from a chat message to the approval and the answer."""

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.cli.story import story_lines
from engine.api.wire_audit import story_document
from engine.errors import NotFound
from engine.records.audit import AuditFilter
from engine.records.story import Story
from tests.bot.asking import Person, ask, decided, write_questions
from tests.bot.conftest import House, make_settings

MIGRATION = "engine.store.migrations.versions.0016_messages_of_executions"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = make_settings(tmp_path)
    write_questions(tmp_path)
    made = House(settings)
    try:
        yield made
    finally:
        made.stop()


def words(story: Story) -> list[str]:
    return [step.what for step in story.steps]


def test_a_chat_message_leads_to_question_answer_and_post(house: House) -> None:
    prompt = ask(house, "clean")
    bob = Person(house, "bob")
    try:
        bob.say(f"approve {prompt['body']['prompt']['id']} looks right")
        decided(house, prompt)
    finally:
        bob.close()
    message_id = prompt["thread"]
    story = house.engine.stories.get(message_id)
    found = words(story)
    assert found.index("said") < found.index("begun") < found.index("asked") < found.index("answered")
    answer = next(step for step in story.steps if step.what == "answered")
    assert (answer.who, answer.text) == ("bob", "decides: approved")
    vote = next(step for step in story.steps if step.what == "vote")
    assert vote.text == "says yes (web): looks right"
    said = next(step for step in story.steps if step.what == "said")
    assert said.text == "in web ops: ask clean"
    # By the execution too, and by the act.
    execution_id = next(step.id for step in story.steps if step.what == "begun")
    assert house.engine.stories.get(execution_id) == story
    act = house.engine.audit.page(AuditFilter(kinds=("inquiry.approved",)))[0][0]
    assert (act.user, act.via, act.reason, act.approved_by) == ("bob", "web", "looks right", "bob")
    assert house.engine.stories.get(str(act.number)) == story
    begun = house.engine.audit.page(AuditFilter(kinds=("alias.run",)))[0][0]
    assert (begun.user, begun.via, begun.object) == ("admin", "web", "default.ask_clean")
    assert begun.account.startswith("web.")


def test_the_story_fits_80_columns_and_obeys_no_control_characters(house: House) -> None:
    house.say("echo " + "long " * 60 + "\x1b[31mred")
    acts = house.engine.audit.page(AuditFilter(kinds=("alias.run",)))[0]
    house.wait_for(lambda: house.engine.execution(acts[0].execution_id).is_finished)
    lines = list(story_lines(story_document(house.engine.stories.get(acts[0].execution_id)), width=80))
    assert all(len(line) <= 80 and line.isprintable() for line in lines), lines


def test_what_a_message_began_is_found_by_it_however_long_afterwards(house: House) -> None:
    house.say("echo once")
    act = house.engine.audit.page(AuditFilter(kinds=("alias.run",)))[0][0]
    house.wait_for(lambda: house.engine.execution(act.execution_id).is_finished)
    message_id = house.engine.execution(act.execution_id).context["chat"]["message"]
    days_ago = text("UPDATE chat_message SET created_at = created_at - 300000000000 WHERE id = :id")
    house.engine.database.write(
        partial(Connection.execute, statement=days_ago, parameters={"id": message_id})
    )
    house.wait_for(lambda: "posted" in words(house.engine.stories.get(act.execution_id)))
    # Also what was begun before the database knew of messages.
    house.engine.database.write(
        partial(Connection.execute, statement=text("UPDATE execution SET message_id = NULL"))
    )
    house.engine.database.write(import_module(MIGRATION)._fill)
    story = house.engine.stories.get(message_id)
    assert words(story) == ["said", "begun", "ended", "posted"]
    assert story.steps[-1].text == "answered in web ops"
    assert story.traces == (act.trace_id,)


def test_the_answer_and_a_word_in_the_thread_lead_to_the_same_story(house: House) -> None:
    prompt = ask(house, "clean")
    inquiry_id = prompt["body"]["inquiry_id"]
    bob = Person(house, "bob")
    try:
        bob.say(f"approve {prompt['body']['prompt']['id']} looks right")
        decided(house, prompt)
    finally:
        bob.close()
    by_question = house.engine.stories.get(inquiry_id)
    assert house.engine.stories.get(prompt["id"]).traces == by_question.traces
    assert house.engine.stories.get(prompt["thread"]).traces == by_question.traces
    begun = next(step for step in by_question.steps if step.what == "begun")
    assert house.engine.stories.get(begun.id[-8:]).traces == by_question.traces
    assert house.engine.stories.get("last").traces == by_question.traces


def test_what_leads_nowhere_says_what_was_looked_for(house: House) -> None:
    with pytest.raises(NotFound, match="no chat message or answer that led to one") as raised:
        house.engine.stories.get("no-such-thing")
    assert "stormcrow trace last" in raised.value.hint
