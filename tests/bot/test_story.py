"""The story from a chat message to the approval and the answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.story import story_lines
from engine.api.wire_audit import story_document
from engine.records.audit import AuditFilter
from engine.records.story import Story
from tests.bot.asking import Person, ask, decided, write_questions
from tests.bot.conftest import House, make_settings


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
