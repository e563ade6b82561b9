"""Placeholders: what each kind stands for, and how names get their values."""

import pytest

from bot.sim.patterns import filled, pattern_of


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("deploy {id}", "deploy 65a00000000000000000a1b2"),
        ("until {time}", "until 03:24 UTC"),
        ("until {time}, then", "until 2026-11-27 03:24 +01:00, then"),
        ("in {span} ·", "in 3 min 5 s ·"),
        ("in {span} ·", "in 0.42 s ·"),
        ("seen {number} times", "seen 1,000 times"),
        ("from {any} to b", "from a, b and c to b"),
        ("a  b", "a b"),
        ("1 + 1 = {{2}} (two)?", "1 + 1 = {{2}} (two)?"),
    ],
)
def test_a_placeholder_stands_for_what_changes_from_run_to_run(words: str, text: str) -> None:
    assert pattern_of(words, {}).fullmatch(text)


@pytest.mark.parametrize(
    ("words", "text"), [("deploy {id}", "deploy soon"), ("until {time}", "until noon"), ("{id}", "12")]
)
def test_and_for_nothing_else(words: str, text: str) -> None:
    assert pattern_of(words, {}).search(text) is None


def test_a_name_keeps_the_value_of_its_first_answer() -> None:
    found = pattern_of("schedule {plan:number} runs {run}", {}).search("schedule 13 runs a1b2c3")
    assert found is not None
    values = found.groupdict()
    assert values == {"plan": "13", "run": "a1b2c3"}
    assert pattern_of("cancelled {plan}", values).search("cancelled 13")
    assert not pattern_of("cancelled {plan}", values).search("cancelled 14")
    assert filled("!schedule cancel {plan} {{ plan }}", values) == "!schedule cancel 13 {{ plan }}"


def test_a_name_twice_in_a_line_is_one_value() -> None:
    pattern = pattern_of("{run} is {run}", {})
    assert pattern.search("a1b2c3 is a1b2c3")
    assert not pattern.search("a1b2c3 is a1b2c4")
