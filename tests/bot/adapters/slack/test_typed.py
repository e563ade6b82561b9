"""What people type in Slack, undone into plain text."""

import time

import pytest

from bot.adapters.slack.typed import as_seen, channels_in, users_in, without_mention

NAMES = {"U111": "ann", "C222": "ops"}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("restart <@U111>", "restart @ann"),
        ("restart <@U111|annie>", "restart @annie"),
        ("restart <@U999>", "restart @U999"),
        ("tell <#C222>", "tell #ops"),
        ("tell <#C222|ops-now>", "tell #ops-now"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S333|@oncall> <!subteam^S333>", "@oncall @S333"),
        ("at <!date^1392734382^{date}|18 February>", "at 18 February"),
        ("open <https://e.com/?a=1&amp;b=2>", "open https://e.com/?a=1&b=2"),
        ("open <http://e.com|e.com>", "open e.com"),
        ("write to <mailto:ann@example.org|ann@example.org>", "write to ann@example.org"),
        ("write to <mailto:ann@example.org>", "write to ann@example.org"),
        ("a &lt;b&gt; &amp;&amp; c", "a <b> && c"),
        ("&amp;lt;", "&lt;"),
        ("a &lt;@U111&gt;", "a <@U111>"),
        ("x <", "x <"),
        ("<>", "<>"),
        ("", ""),
    ],
)
def test_slacks_notation_becomes_what_was_seen(text: str, seen: str) -> None:
    assert as_seen(text, names=NAMES) == seen


def test_people_and_channels_without_their_names_are_found_once_and_in_order() -> None:
    text = "<@U2> <@U1> <@U2> <@U3|named> <#C2> <#C1|named> <@not-an-id>"
    assert users_in(text) == ("U2", "U1")
    assert channels_in(text) == ("C2",)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<@UBOT> help", "help"),
        ("<@UBOT>: help", "help"),
        ("  <@UBOT|crow>, help", "help"),
        ("<@UBOT>", ""),
        ("help <@UBOT>", None),
        ("<@UBOTTER> help", None),
        ("<@U111> help", None),
    ],
)
def test_a_mention_counts_at_the_beginning_only(text: str, rest: str | None) -> None:
    assert without_mention(text, "UBOT") == rest


@pytest.mark.parametrize(
    "text", ["<" * 40_000, "<@U1|" * 8_000, "<!" * 20_000, "<a" + "|" * 40_000, "&amp;" * 8_000]
)
def test_hostile_text_is_read_in_one_pass(text: str) -> None:
    began = time.process_time()
    as_seen(text, names=NAMES)
    users_in(text)
    # Quadratic reading takes minutes here.
    assert time.process_time() - began < 5
