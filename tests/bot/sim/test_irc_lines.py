"""What stands in a line of IRC: the words that are buttons elsewhere, and fields."""

from bot.sim.irc import plain, ways_on


def test_words_to_type_are_buttons() -> None:
    line = "seen: 09:08 UTC · Ack: !alert ack 46c96f · Silence 1h: !alert silence 46c96f 1h"
    assert ways_on(line, prefix="!") == [
        ("Ack", "!alert ack 46c96f"),
        ("Silence 1h", "!alert silence 46c96f 1h"),
    ]


def test_the_words_of_a_question_are_its_buttons_by_both_names() -> None:
    assert ways_on("!approve 7f3a1c · !reject 7f3a1c", prefix="!") == [
        ("Approve", "!approve 7f3a1c"),
        ("Reject", "!reject 7f3a1c"),
        ("Yes", "!approve 7f3a1c"),
        ("No", "!reject 7f3a1c"),
    ]


def test_a_line_without_commands_has_none() -> None:
    assert ways_on("It works! Really: yes", prefix="!") == []


def test_fields_stand_as_in_columns() -> None:
    line = "what is approved: action: disk.cleanup · host: db1 · Ack: !alert ack 1 · until: 09:23 UTC"
    assert plain(line) == "what is approved: action disk.cleanup host db1 Ack: !alert ack 1 until 09:23 UTC"
