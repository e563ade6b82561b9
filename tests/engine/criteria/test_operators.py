"""Every operator, against the table recorded from StackStorm."""

import datetime as dt
from typing import Any

import pytest

from engine.clock import utcnow
from engine.criteria.nodes import SEARCH
from engine.criteria.operators import TABLE
from engine.specs.rule import OPERATORS
from tests.engine.criteria.world import answer, verdict

VALUES: tuple[Any, ...] = (None, 5, "5", "Foo", True, ["a", "b"], {"k": 1}, b"foo")
PATTERNS: tuple[Any, ...] = (None, 5, "5", "foo", ["a"], "")

# One group for each value, one letter for each pattern: true, false, or "!" for an exception.
RECORDED = """
matchwildcard F!!!!! F!!!!! F!TF!F F!FF!F F!!!!! F!!!!! F!!!!! F!FT!F
matchregex    F!!!!! F!!!!! F!TF!T F!FF!T F!!!!! F!!!!! F!!!!! F!FT!T
regex         F!!!!! F!!!!! F!TF!T F!FF!T F!!!!! F!!!!! F!!!!! F!FT!T
iregex        F!!!!! F!!!!! F!TF!T F!FT!T F!!!!! F!!!!! F!!!!! F!FT!T
eq            FFFFFF FTFFFF FFTFFF FFFFFF FFFFFF FFFFFF FFFFFF FFFTFF
neq           FTTTTT TFTTTT TTFTTT TTTTTT TTTTTT TTTTTT TTTTTT TTTFTT
ieq           F!!!!! F!!!!! F!TF!F F!FT!F F!!!!! F!!!!! F!!!!! F!FT!F
contains      F!!!!! F!!!!! F!TF!T F!FF!T F!!!!! FFFFFF FFFF!F F!FT!T
icontains     F!!!!! F!!!!! F!TF!T F!FT!T F!!!!! F!!!!! F!!!!! F!FT!T
ncontains     F!!!!! F!!!!! F!FT!F F!TT!F F!!!!! FTTTTT FTTT!T F!TF!F
incontains    F!!!!! F!!!!! F!FT!F F!TF!F F!!!!! F!!!!! F!!!!! F!TF!F
startswith    F!!!!! F!!!!! F!TF!T F!FF!T F!!!!! F!!!!! F!!!!! F!FT!T
istartswith   F!!!!! F!!!!! F!TF!T F!FT!T F!!!!! F!!!!! F!!!!! F!FT!T
endswith      F!!!!! F!!!!! F!TF!T F!FF!T F!!!!! F!!!!! F!!!!! F!FT!T
iendswith     F!!!!! F!!!!! F!TF!T F!FT!T F!!!!! F!!!!! F!!!!! F!FT!T
lt            F!!!!! FF!!!! F!FT!F F!FT!F FT!!!! F!!!F! F!!!!! F!!!!!
gt            F!!!!! FF!!!! F!FF!T F!TF!T FF!!!! F!!!T! F!!!!! F!!!!!
exists        FFFFFF TTTTTT TTTTTT TTTTTT TTTTTT TTTTTT TTTTTT TTTTTT
nexists       TTTTTT FFFFFF FFFFFF FFFFFF FFFFFF FFFFFF FFFFFF FFFFFF
inside        F!!!F! F!!!F! F!TFFF F!FFFF F!!!F! F!!!F! F!!!F! F!FTFF
ninside       F!!!T! F!!!T! F!FTTT F!TTTT F!!!T! F!!!T! F!!!T! F!TFTT
"""
ROWS = [line.split() for line in RECORDED.strip().splitlines()]

SAME = (
    ("eq", "equals"),
    ("neq", "nequals"),
    ("ieq", "iequals"),
    ("lt", "lessthan"),
    ("gt", "greaterthan"),
    ("td_lt", "timediff_lt"),
    ("td_gt", "timediff_gt"),
    ("in", "inside"),
    ("nin", "ninside"),
)


def letter(operator: str, value: Any, pattern: Any) -> str:
    found = answer(operator, value, pattern)
    return {True: "T", False: "F"}.get(found, "!") if isinstance(found, bool) else "!"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_an_operator_answers_as_recorded(row: list[str]) -> None:
    name, *groups = row
    ours = ["".join(letter(name, value, pattern) for pattern in PATTERNS) for value in VALUES]
    assert ours == groups


def test_every_name_that_a_rule_may_use_is_there() -> None:
    assert set(TABLE) | {SEARCH} == OPERATORS
    assert len(OPERATORS) == 33


@pytest.mark.parametrize(("short", "long"), SAME)
def test_two_names_of_an_operator_are_the_same(short: str, long: str) -> None:
    assert TABLE[short] is TABLE[long]


def test_the_name_is_read_in_any_case_but_search() -> None:
    assert answer("EqUaLs", 1, 1) is True
    assert "'Search' is no operator" in str(answer("Search", [], {}, condition="any"))


@pytest.mark.parametrize("value", ["{ago}", "{ago}Z", "{ago}+00:00"])
def test_a_time_difference_is_counted_from_now_and_in_utc(value: str) -> None:
    ago = (utcnow() - dt.timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    text = value.format(ago=ago)
    assert answer("timediff_gt", text, 3_000) is True
    assert answer("timediff_lt", text, "4000") is True
    assert answer("td_lt", text, 3_000) is False


def test_a_time_difference_understands_zones_and_many_spellings() -> None:
    assert answer("td_gt", "Thu, 1 Jan 2026 02:00:00 +0200", 0) is True
    assert answer("td_lt", "1999-12-31", 60) is False


def test_what_is_no_time_cannot_be_answered_and_is_not_repeated() -> None:
    found = str(answer("td_lt", "secret-token", 5))
    assert "not a time" in found
    assert "secret-token" not in found
    assert isinstance(answer("td_lt", 5, 5), str)
    assert answer("td_lt", "2026-01-01", None) is False


def test_a_regular_expression_without_end_is_given_up() -> None:
    assert "takes longer than 0.5 s" in str(answer("regex", "a" * 60 + "!", "(a|aa)+$"))


def test_one_that_takes_too_long_is_not_tried_on_the_next_item_of_a_list() -> None:
    items = [{"t": "a" * 60 + "!"}] * 500
    pattern = {"item.t": {"type": "regex", "pattern": "(a|aa)+$"}}
    assert "takes longer" in str(answer("search", items, pattern, condition="any"))


def test_a_pattern_of_the_event_that_is_too_long_is_not_compiled() -> None:
    criterion = {"type": "regex", "pattern": "{{ trigger.p }}"}
    assert (
        "more than 10000 characters" in verdict({"trigger.v": criterion}, {"v": "x", "p": "x" * 10_001}).error
    )


def test_a_bad_regular_expression_is_unanswerable() -> None:
    assert "trigger.v regex '(': " in str(answer("regex", "x", "("))


def test_the_dot_meets_line_ends_in_matchregex_only() -> None:
    assert answer("matchregex", "a\nb", "a.b") is True
    assert answer("regex", "a\nb", "a.b") is False


def test_the_error_names_the_path_the_operator_and_the_pattern() -> None:
    found = verdict({"trigger.n": {"type": "gt", "pattern": "3"}}, {"n": 5})
    assert found.error == ("trigger.n gt '3': '>' not supported between instances of 'int' and 'str'")


@pytest.mark.parametrize("operator", ["gt", "startswith", "contains", "regex", "ieq"])
def test_a_value_that_is_not_there_is_called_so(operator: str) -> None:
    found = verdict({"trigger.n": {"type": operator, "pattern": "3"}}, {"m": 5})
    assert found.error == f"trigger.n {operator} '3': there is no value at this path"
