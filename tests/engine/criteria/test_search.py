"""`search`: criteria on the items of a list."""

from typing import Any

import pytest

from tests.engine.criteria.world import answer, verdict

ITEMS = [{"name": "a", "n": 1}, {"name": "b", "n": 2}]


def _search(condition: Any, pattern: Any, items: Any = ITEMS) -> bool | str:
    return answer("search", items, pattern, condition=condition)


def _is(path: str, value: Any) -> dict[str, Any]:
    return {f"item.{path}": {"type": "equals", "pattern": value}}


@pytest.mark.parametrize(
    ("condition", "pattern", "expected"),
    [
        ("any", {**_is("name", "a"), **_is("n", 1)}, True),
        ("any", {**_is("name", "a"), **_is("n", 2)}, False),
        ("all", {"item.n": {"type": "gt", "pattern": 0}}, True),
        ("all", _is("name", "a"), False),
        ("all2any", {**_is("name", "a"), **_is("n", 2)}, True),
        ("all2any", {**_is("name", "a"), **_is("n", 7)}, False),
        ("any2any", {**_is("name", "z"), **_is("n", 2)}, True),
        ("any2any", {**_is("name", "z"), **_is("n", 7)}, False),
    ],
)
def test_items_and_criteria_are_joined_as_the_condition_says(
    condition: str, pattern: dict[str, Any], expected: bool
) -> None:
    assert _search(condition, pattern) is expected


def test_an_object_counts_as_a_list_of_one() -> None:
    assert _search("any", _is("name", "a"), {"name": "a"}) is True


def test_in_an_empty_list_all_holds_and_any_does_not() -> None:
    assert _search("all", _is("name", "a"), []) is True
    assert _search("any", _is("name", "a"), []) is False


def test_one_path_can_be_asked_twice() -> None:
    pattern = {"item.n#1": {"type": "gt", "pattern": 0}, "item.n#2": {"type": "lt", "pattern": 3}}
    assert _search("all", pattern) is True


def test_an_item_without_the_field_does_not_hide_another_that_matches() -> None:
    pattern = {"item.name": {"type": "startswith", "pattern": "a"}}
    assert _search("any", pattern, [{}, {"name": "a"}]) is True
    assert "item.name startswith" in str(_search("any", pattern, [{}, {"name": "b"}]))


@pytest.mark.parametrize(
    ("condition", "pattern", "items"),
    [("some", _is("n", 1), ITEMS), (None, _is("n", 1), ITEMS), ("any", "x", ITEMS), ("any", _is("n", 1), 5)],
)
def test_what_is_no_search_cannot_be_answered(condition: Any, pattern: Any, items: Any) -> None:
    assert isinstance(_search(condition, pattern, items), str)


def test_nested_patterns_see_the_item_and_the_datastore_but_not_the_trigger() -> None:
    pattern = {"item.n": {"type": "equals", "pattern": "{{ item.m }}"}}
    assert _search("any", pattern, [{"n": 3, "m": 3}]) is True
    criterion = {
        "type": "search",
        "condition": "any",
        "pattern": {"item.n": {"type": "equals", "pattern": "{{ st2kv.system.want }}"}},
    }
    assert verdict({"trigger.v": criterion}, {"v": [{"n": "7"}]}, keys={"want": "7"}).matched
    pattern = {"item.n": {"type": "equals", "pattern": "{{ trigger.v }}"}}
    assert "trigger" in str(_search("any", pattern))


def test_searches_nest() -> None:
    inner = {"type": "search", "condition": "any", "pattern": _is("x", 1)}
    assert _search("any", {"item.more": inner}, [{"more": [{"x": 0}, {"x": 1}]}]) is True


def test_a_criterion_without_type_does_not_hold() -> None:
    assert _search("any", {"item.n": {"pattern": 1}}) is False


def test_the_explanation_shows_the_items() -> None:
    criterion = {"type": "search", "condition": "any", "pattern": _is("n", 2)}
    (outcome,) = verdict({"trigger.v": criterion}, {"v": ITEMS}, explain=True).outcomes
    assert outcome.is_met
    assert [part.key for part in outcome.parts] == ["[0]", "[1]"]
    assert [part.is_met for part in outcome.parts] == [False, True]
    assert outcome.parts[1].parts[0].value == 2
