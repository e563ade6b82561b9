"""The built-in filters, and what a parameter takes from a pipe."""

from typing import Any

import pytest

from engine.errors import BadInput
from engine.pipelines.filters import filtered
from engine.pipelines.text import split
from engine.pipelines.values import items_of, taken
from engine.specs.parameter import ParameterSpec

HOSTS = [{"name": "web1", "cpu": 90}, {"name": "db1", "cpu": 9}, {"name": "web2"}]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hosts in prod | grep web | restart", ("hosts in prod", "grep web", "restart")),
        ("hosts", ("hosts",)),
        ("say 'a | b' | count", ("say 'a | b'", "count")),
        ('say why="a | b" | count', ('say why="a | b"', "count")),
        ("say it's | count", ("say it's", "count")),
        ("a|b || c |d", ("a|b || c |d",)),
        ("hosts | | count", ("hosts", "", "count")),
    ],
)
def test_a_pipe_stands_alone_outside_of_quotes(text: str, parts: tuple[str, ...]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "items", "left"),
    [
        ("grep WEB", HOSTS, [HOSTS[0], HOSTS[2]]),
        ("grep -v web", HOSTS, [HOSTS[1]]),
        ("grep 'b c'", ["a b c", "abc"], ["a b c"]),
        ("grep .*", ["a", ".*"], [".*"]),
        ("first", [3, 1, 2], [3]),
        ("first 2", [3, 1, 2], [3, 1]),
        ("last 2", [3, 1, 2], [1, 2]),
        ("count", HOSTS, [3]),
        ("sort", ["10", "9", "b", "A"], ["9", "10", "A", "b"]),
        ("sort cpu", HOSTS, [HOSTS[1], HOSTS[0], HOSTS[2]]),
        ("sort cpu desc", HOSTS, [HOSTS[0], HOSTS[1], HOSTS[2]]),
        ("sort desc", [1, 3, 2], [3, 2, 1]),
        ("unique", ["a", "b", "a"], ["a", "b"]),
        ("field name", HOSTS, ["web1", "db1", "web2"]),
        ("field cpu", HOSTS, [90, 9]),
        ("join", HOSTS, ["web1,db1,web2"]),
        ("join ;", ["a", "b"], ["a;b"]),
    ],
)
def test_what_a_filter_leaves(text: str, items: list[Any], left: list[Any]) -> None:
    assert filtered(text, items) == left


def test_a_field_that_none_has_names_those_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        filtered("field memory", HOSTS)
    assert "They have: cpu, name." in caught.value.hint


@pytest.mark.parametrize(
    ("result", "items"),
    [
        ({"result": [1, 2], "stdout": "", "exit_code": 0}, [1, 2]),
        ({"stdout": "a\n\nb\n", "stderr": "", "return_code": 0}, ["a", "b"]),
        ({"stdout": [{"a": 1}], "failed": False}, [{"a": 1}]),
        ({"output": {"hosts": ["a"]}}, ["a"]),
        ({"body": {"x": 1}, "status_code": 200}, [{"x": 1}]),
        ("one", ["one"]),
        (None, []),
        ({"result": None}, []),
    ],
)
def test_what_a_result_gives(result: Any, items: list[Any]) -> None:
    assert items_of(result) == items


def parameter(**schema: Any) -> ParameterSpec:
    return ParameterSpec.of("hosts", schema)


def test_an_array_takes_the_list_and_of_objects_their_names() -> None:
    assert taken(HOSTS, "hosts", parameter(type="array")) == ["web1", "db1", "web2"]
    assert taken(HOSTS, "cpu", parameter(type="array")) == [90, 9, "web2"]
    assert taken(HOSTS, "hosts", parameter(type="array", items={"type": "object"})) == HOSTS


def test_any_other_type_takes_one_value() -> None:
    assert taken([HOSTS[0]], "hosts", parameter(type="string")) == "web1"
    assert taken([7], "hosts", parameter(type="string")) == "7"
    assert taken(["7"], "hosts", parameter(type="integer")) == "7"
    assert taken([HOSTS[0]], "hosts", parameter(type="object")) == HOSTS[0]
    with pytest.raises(BadInput) as caught:
        taken(HOSTS, "hosts", parameter(type="string"))
    assert "| join" in caught.value.hint
