"""Replies as lines of plain text: pure."""

from dataclasses import replace

import pytest

from bot import inquiries
from bot.adapters.errbot import words
from bot.chat import Button, Code, Fields, Link, Question, Reply, Table, Text, Tone, Tree
from engine.records.inquiry import InquiryState, Quorum
from tests.bot.asking import ended, inquiry, vote

ID = "65b0000000000000007f3a1c"
RUNNING = Reply(
    tone=Tone.RUNNING,
    status="running",
    execution_id=ID,
    action="core.local",
    buttons=(Button(label="Cancel", command="cancel 7f3a1c"),),
    links=(Link(label="details", url="http://x/1"),),
)
DONE = replace(
    RUNNING, tone=Tone.GOOD, status="succeeded", elapsed_s=3.0, pieces=(Code(text="a\nb"),), buttons=()
)


def first(reply: Reply, *, prefix: str = "!", max_lines: int = 15) -> list[str]:
    return list(words.first(reply, prefix=prefix, max_lines=max_lines).lines)


def news(before: Reply, after: Reply) -> list[str]:
    mark = words.first(before, prefix="!", max_lines=15).mark
    return list(words.news(after, mark, prefix="!", max_lines=15).lines)


def test_an_acknowledgement_is_one_line_with_the_word_that_cancels_it() -> None:
    assert first(RUNNING) == ["● core.local 7f3a1c running · Cancel: !cancel 7f3a1c"]


def test_in_a_direct_message_words_need_no_prefix() -> None:
    assert first(RUNNING, prefix="") == ["● core.local 7f3a1c running · Cancel: cancel 7f3a1c"]


def test_a_success_has_neither_buttons_nor_links() -> None:
    assert first(DONE) == ["✓ core.local 7f3a1c succeeded after 3.0 s", "a", "b"]


def test_a_failure_shows_its_ways_on_once() -> None:
    failed = replace(
        DONE,
        tone=Tone.BAD,
        status="failed",
        pieces=(Text(text="once more: rerun 7f3a1c"),),
        buttons=(
            Button(label="Run again", command="rerun 7f3a1c"),
            Button(label="Output", command="output 7f3a1c"),
        ),
    )
    assert first(failed) == [
        "✕ core.local 7f3a1c failed after 3.0 s · once more: rerun 7f3a1c · Output: !output 7f3a1c",
        "details: http://x/1",
    ]


def test_a_long_result_is_cut_and_says_how_to_read_the_rest() -> None:
    long = replace(DONE, pieces=(Code(text="\n".join(map(str, range(40)))),))
    lines = first(long, max_lines=3)
    assert lines[1:] == ["0", "1", "2", "… 37 more lines: !output 7f3a1c"]


def test_fields_share_lines_until_they_are_full() -> None:
    rows = tuple((f"name{number}", "x" * 40) for number in range(12))
    lines = first(Reply(pieces=(Fields(rows=rows),)))
    assert len(lines) == 2
    assert all(len(line) <= 320 for line in lines)
    assert " ".join(lines).count("name") == 12


def test_a_table_keeps_its_columns() -> None:
    table = Table(columns=("id", "name"), rows=(("1", "a"), ("22", "b")))
    assert first(Reply(pieces=(table,))) == ["id  name", "1   a", "22  b"]


def test_a_folded_tree_is_its_title() -> None:
    assert first(Reply(pieces=(Tree(branches=(), title="3 succeeded", is_folded=True),))) == ["3 succeeded"]


def test_the_result_of_an_acknowledged_command_is_said_without_what_stands_there() -> None:
    assert news(RUNNING, DONE) == ["✓ core.local 7f3a1c succeeded after 3.0 s", "a", "b"]


def test_what_says_the_same_is_not_said_again() -> None:
    assert news(DONE, DONE) == []


@pytest.mark.parametrize("count", [2, 41])
def test_a_counter_in_a_notice_is_no_news(count: int) -> None:
    alert = Reply(
        title="DiskFull db1",
        tone=Tone.BAD,
        pieces=(Text(text="/var is full"), Fields(rows=(("seen", "03:04"),))),
    )
    counted = replace(alert, pieces=(alert.pieces[0], Fields(rows=(("seen", f"×{count}, last 03:09"),))))
    assert news(alert, counted) == []


def test_the_end_of_an_alert_is_news_with_its_name() -> None:
    alert = Reply(title="🔴 DiskFull db1", tone=Tone.BAD, pieces=(Text(text="/var is full"),))
    over = Reply(
        title="✅ DiskFull db1",
        tone=Tone.GOOD,
        pieces=(Text(text="/var is full\nresolved after 7 min"),),
    )
    assert news(alert, over) == ["✅ DiskFull db1", "resolved after 7 min"]


def test_a_vote_says_who_and_how_many_and_not_the_question_again() -> None:
    one = inquiry(text="Deploy?", quorum=Quorum(people=2))
    two = replace(one, votes=(vote("bob"),), version=1)
    said = " ".join(news(inquiries.reply(one, prefix="!"), inquiries.reply(two, prefix="!")))
    assert "approved by bob" in said
    assert "7f3a1c" in said
    assert "Deploy?" not in said
    assert "!approve" not in said


def test_a_decision_says_the_question_and_the_answer() -> None:
    one = inquiry(text="Deploy?")
    over = inquiry(text="Deploy?", version=1, **ended(InquiryState.APPROVED, "bob"))
    said = " ".join(news(inquiries.reply(one, prefix="!"), inquiries.reply(over, prefix="!")))
    assert said.startswith("Deploy?")
    assert "Approved by bob" in said


CHOICE = Question(name="env", label="env", choices=("staging", "prod"), default="staging")


@pytest.mark.parametrize(
    ("said", "meant"), [("2", "prod"), ("prod", "prod"), ("-", "staging"), ("3", "3"), (" 1 ", "staging")]
)
def test_a_number_is_a_choice(said: str, meant: str) -> None:
    assert words.chosen(CHOICE, said) == meant


def test_several_numbers_are_several_choices() -> None:
    assert words.chosen(replace(CHOICE, type="array"), "2, 1") == "prod, staging"


def test_a_question_shows_its_choices_numbered_and_its_default() -> None:
    assert words.question(CHOICE, number=1, count=2) == ("(1/2) env", "1) staging · 2) prod", "-: staging")


def test_a_problem_stands_before_the_question() -> None:
    asked = Question(name="n", label="pods", is_required=True)
    assert words.question(asked, number=1, count=1, problem="A number.") == ("⚠ A number.", "(1/1) pods")


def test_a_result_in_fields_is_said_also_where_something_stood_before() -> None:
    gave = replace(DONE, pieces=(Fields(rows=(("freed", "38G"), ("host", "db1"))),))
    assert news(RUNNING, gave) == [
        "✓ core.local 7f3a1c succeeded after 3.0 s · freed: 38G · host: db1",
    ]
