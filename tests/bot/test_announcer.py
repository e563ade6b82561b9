"""What became of a command is told in its thread, once, and in order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.announcer import Announcer
from bot.formatting import as_text
from engine.store import journal
from tests.bot.conftest import House, text_of
from tests.bot.elsewhere import Desk, Elsewhere


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Elsewhere())
    try:
        yield made
    finally:
        made.stop()


def test_a_quick_command_is_one_message(desk: Desk) -> None:
    desk.say("true")
    said = desk.adapter.until(1, status="succeeded")
    assert len([kind for kind, _ in said if kind == "post"]) == 1


def test_the_acknowledgement_of_a_slow_one_is_edited_into_the_result(desk: Desk) -> None:
    desk.say("echo sleep 1.5; echo done")
    said = desk.adapter.until(1, status="succeeded")
    assert said[0][0] == "post"
    assert said[-1][0] == "edit"
    assert len([kind for kind, _ in said if kind == "post"]) == 1
    assert "done" in as_text(said[-1][1].reply)


def test_without_edits_the_result_is_a_message_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Elsewhere(edits=False))
    try:
        desk.say("echo sleep 1.5")
        said = desk.adapter.until(1, status="succeeded")
        assert [kind for kind, _ in said] == ["post", "post"]
    finally:
        desk.stop()


def test_the_last_lines_of_output_are_shown_while_it_runs(desk: Desk) -> None:
    desk.say("echo for i in 1 2 3 4; do echo line $i; sleep 0.7; done")
    said = desk.adapter.until(1, status="succeeded")
    running = [as_text(one.reply) for kind, one in said if kind == "edit" and one.reply.status == "running"]
    assert 1 <= len(running) <= 4
    assert "line 1" in running[0]


def test_the_answer_stands_in_the_thread_of_the_command(desk: Desk) -> None:
    desk.say("true")
    desk.say("true", thread="older")
    said = desk.adapter.until(2, status="succeeded")
    assert {one.place.thread for _, one in said} == {"m1", "older"}


def test_a_chat_that_is_down_gets_the_answer_later(desk: Desk) -> None:
    desk.adapter.failures = 2
    desk.say("true")
    said = desk.adapter.until(1, status="succeeded")
    assert [kind for kind, _ in said].count("post") == 1


def test_a_silent_success_shows_only_its_acknowledgement(desk: Desk) -> None:
    desk.say("quiet true")
    said = desk.adapter.until(1, status="succeeded")
    assert as_text(said[-1][1].reply).startswith("quietly")
    assert len([kind for kind, _ in said if kind == "post"]) == 1


def test_a_silent_alias_tells_its_failure(desk: Desk) -> None:
    desk.say("quiet false")
    said = desk.adapter.until(1, status="failed")
    assert "rerun" in as_text(said[-1][1].reply)


def test_without_acknowledgement_only_the_result_is_said(desk: Desk) -> None:
    desk.say("mute sleep 0.5")
    said = desk.adapter.until(1, status="succeeded")
    assert [kind for kind, _ in said] == ["post"]


def test_answers_keep_the_order_in_which_the_executions_ended(desk: Desk) -> None:
    for _ in range(10):
        desk.say("true")
    said = desk.adapter.until(10, status="succeeded")
    told = [one.reply.execution_id for _, one in said if one.reply.status == "succeeded"]
    with desk.engine.database.read() as connection:
        entries = journal.entries_after(connection, 0, kinds=["execution.changed"], limit=1000)
    assert told == [one.subject for one in entries if one.data["status"] == "succeeded"]


def test_what_ended_while_nobody_listened_is_told_at_the_next_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Elsewhere())
    desk.say("echo sleep 0.4; echo late")
    desk.announcer.stop()
    desk.engine.wait(desk.engine.execution("last").id, timeout_s=60)
    again = Announcer(desk.engine, desk.adapter)
    again.start()
    try:
        said = desk.adapter.until(1, status="succeeded")
        assert "late" in as_text(said[-1][1].reply)
    finally:
        again.stop()
        desk.stop()


def test_a_failure_says_what_to_do_next(house: House) -> None:
    body = house.ask("echo exit 3")
    assert body["status"] == "failed"
    assert f"rerun {body['execution_id'][-6:]}" in text_of(body)
    assert {button["label"] for button in body["buttons"]} == {"Output", "Run again"}


def test_an_action_that_never_began_says_why_instead_of_its_template(house: House) -> None:
    said = text_of(house.ask("far 127.0.0.1:1"))
    assert "127.0.0.1:1" in said
    assert "Host: error" not in said


def test_pretext_stands_apart(house: House) -> None:
    body = house.ask("echo echo body")
    assert body["pretext"] == "said"
    assert body["pieces"][0]["text"] == "body"


def test_escape_sequences_of_an_action_do_not_reach_the_chat(house: House) -> None:
    text = text_of(house.ask("echo printf '\\033[31mred\\033[0m' && true"))
    assert "\x1b" not in text
    assert "red" in text


def test_a_command_costs_four_commits_at_most(house: House) -> None:
    def costs() -> int:
        before = house.engine.database.commits
        house.ask("true")
        return house.engine.database.commits - before

    # The median: on a busy machine one command may take so long that it is acknowledged, a fifth commit.
    assert sorted(costs() for _ in range(9))[4] <= 4
