"""Texts of actions become pieces that only show."""

import time

import pytest

from bot import formatting
from bot.chat import Code, Fields, Reply, Table, Text


def test_escape_sequences_are_taken_out() -> None:
    assert formatting.clean("\x1b[31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;http://e\x1b\\y") == "red xy"


def test_control_characters_are_shown_as_symbols() -> None:
    assert formatting.clean("a\x00b\x08c\x7f") == "a\u2400b\u2408c\u2421"


def test_marks_that_turn_the_direction_of_text_are_named() -> None:
    assert formatting.clean("safe\u202etxt.exe") == "safe\u2039U+202E\u203atxt.exe"


def test_the_joiners_of_emoji_stay() -> None:
    assert formatting.clean("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"


def test_a_progress_bar_shows_its_last_state() -> None:
    assert formatting.clean("10%\r50%\r100%\ndone\r\n") == "100%\ndone\n"


def test_lone_surrogates_do_not_stop_an_answer() -> None:
    assert formatting.clean("a\ud800b") == "a?b"


def test_pretext_is_what_stands_before_the_mark() -> None:
    assert formatting.split_pretext("before{~}after{~}dropped") == ("before", "after")
    assert formatting.split_pretext("only text") == ("", "only text")


def test_a_fence_becomes_code() -> None:
    assert formatting.pieces_of("look:\n```\nx = 1\n```\nend") == (
        Text(text="look:"),
        Code(text="x = 1"),
        Text(text="end"),
    )


def test_a_fence_inside_output_ends_the_code_and_the_rest_is_text() -> None:
    pieces = formatting.pieces_of("```\nline\n```\n<!channel> @here\n```\nmore\n```")
    assert [piece.kind for piece in pieces] == ["code", "text", "code"]


def test_an_open_fence_ends_with_the_text() -> None:
    assert formatting.pieces_of("```\nall of it") == (Code(text="all of it"),)


def test_columns_keep_their_width() -> None:
    assert isinstance(formatting.pieces_of("a        b\nccc      d")[0], Code)


def test_hostile_fences_cost_linear_time() -> None:
    started = time.thread_time()
    for text in ("```" * 30_000, "``` \n" * 20_000, " " * 100_000 + "`", "```a\n" * 20_000):
        formatting.pieces_of(text)
    assert time.thread_time() - started < 15


def test_a_long_text_is_cut_at_a_line_and_says_how_many_are_left() -> None:
    text = "\n".join(str(number) for number in range(100))
    cut = formatting.cut(text, 50)
    assert cut.text.split("\n") == [str(number) for number in range(len(cut.text.split("\n")))]
    assert len(cut.text) <= 50
    assert cut.lines_left == 100 - len(cut.text.split("\n"))


def test_a_text_without_lines_is_cut_all_the_same() -> None:
    assert formatting.cut("x" * 100, 10) == formatting.Cut(text="x" * 10, lines_left=1)


def test_smart_quotes_and_hard_spaces_become_plain() -> None:
    assert formatting.straight("say \u201chi\u201d\u00a0\u2018x\u2019") == "say \"hi\" 'x'"


def test_durations_are_short() -> None:
    assert [formatting.duration(s) for s in (0.123, 4.26, 42, 125, 7800)] == [
        "0.12 s",
        "4.3 s",
        "42 s",
        "2 min 5 s",
        "2 h 10 min",
    ]


def test_a_reply_as_lines_has_aligned_columns() -> None:
    reply = Reply(
        title="t",
        pieces=(Fields(rows=(("a", "1"), ("long", "2"))), Table(columns=("id", "x"), rows=(("7", "y"),))),
    )
    assert formatting.as_text(reply) == "t\na     1\nlong  2\nid  x\n7   y"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("say \u201chi\u201d\u00a0there", 'say "hi" there'),
        ("say \u201eGuten Tag\u201c", 'say "Guten Tag"'),
        ("dis \u00ab\u202fbonjour monsieur\u202f\u00bb ici", 'dis "bonjour monsieur" ici'),
        ("\u00bbso\u00ab", '"so"'),
        ("why=\u2018a b\u2019", "why='a b'"),
        # What stands in straight quotes is a value.
        ('say "it\u2019s \u201cnice\u201d" x=\u201cb\u201d', 'say "it\u2019s \u201cnice\u201d" x="b"'),
        ("it\u2019s so", "it's so"),
        ("5\u2033 \u00ab open", "5\u2033 \u00ab open"),
    ],
)
def test_quotes_of_other_languages_are_plain_quotes(typed: str, read: str) -> None:
    assert formatting.straight(typed) == read
