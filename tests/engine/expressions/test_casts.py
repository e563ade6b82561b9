"""Casts: the recorded answers of StackStorm, and that nothing else can happen."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadParameter
from engine.expressions.casts import NONE_MAGIC, cast, cast_default
from tests.engine.expressions.world import plan

RECORDED = Path(__file__).parents[3] / "../shared/conformance/cast-cases.json"
CASES = json.loads(RECORDED.read_text()) if RECORDED.exists() else []
TYPES = ["array", "boolean", "integer", "number", "object", "string", None, "any"]


@pytest.mark.skipif(not CASES, reason="the recorded cases are not beside the project")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['type']}-{case['text']}")
def test_a_recorded_cast_gives_the_recorded_answer(case: dict[str, Any]) -> None:
    if "error" not in case:
        value = cast(case["type"], case["text"], from_alias=True)
        same = isinstance(value, float) and math.isnan(value) and math.isnan(case["value"])
        assert same or (value == case["value"] and type(value) is type(case["value"]))
        return
    with pytest.raises((ValueError, SyntaxError)) as caught:
        cast(case["type"], case["text"], from_alias=True)
    # Texts end in an address of the object; the beginning is the answer.
    told = f"{type(caught.value).__name__}: {caught.value}"
    assert told.partition(" at 0x")[0] == case["error"].partition(" at 0x")[0]


@given(st.sampled_from(TYPES), st.text() | st.integers() | st.floats() | st.lists(st.text()), st.booleans())
def test_a_cast_gives_a_value_or_one_of_two_errors(type: str | None, value: Any, from_alias: bool) -> None:
    try:
        cast(type, value, from_alias=from_alias)
    except (ValueError, SyntaxError):
        pass


@given(st.sampled_from(["array", "boolean", "object"]), st.text(alphabet="[](){},:1'\"- ", max_size=60))
def test_half_written_structures_are_no_surprise(type: str, text: str) -> None:
    try:
        cast(type, text)
    except (ValueError, SyntaxError):
        pass


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "(" * 5000, "-" * 100_000, "9" * 10_000, "[" + "1," * 100_000, "{[]: 1}"]
)
def test_hostile_literals_are_refused(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        cast("object", text)


@pytest.mark.parametrize("type", TYPES)
def test_the_magic_none_becomes_none(type: str | None) -> None:
    assert cast(type, NONE_MAGIC) is None
    assert cast(type, None) is None


def test_only_texts_are_strings() -> None:
    with pytest.raises(ValueError, match=r'Value "5" must either be a string or None\. Got "int"\.'):
        cast("string", 5)


def test_structures_are_json_or_python() -> None:
    assert cast("array", "[1, 2]") == cast("array", "(1, 2)") == [1, 2]
    assert cast("object", '{"a": null}') == cast("object", "{'a': None}") == {"a": None}


@pytest.mark.parametrize(
    ("type", "default", "expected"),
    [
        ("string", 5, "5"),
        ("string", True, "true"),
        ("string", [1], "[1]"),
        ("string", "x", "x"),
        ("integer", "5", 5),
        ("integer", 1.5, 1.5),
        ("integer", 2.0, 2),
        ("number", 3, 3.0),
        ("boolean", "false", False),
        ("boolean", "yes", True),
        ("array", "a, b", ["a", "b"]),
        ("array", "[1]", [1]),
        ("array", "", []),
        ("object", "{}", {}),
        ("object", "x", "x"),
        ("integer", None, None),
        (None, 5, 5),
    ],
)
def test_a_default_of_another_type_is_cast_where_that_can_be(
    type: str | None, default: Any, expected: Any
) -> None:
    made = cast_default(type, default)
    assert made == expected
    assert isinstance(made, expected.__class__)


def test_an_alias_parameter_that_does_not_cast_says_what_stackstorm_says() -> None:
    with pytest.raises(BadParameter) as caught:
        plan(count={"type": "integer"}).cast_text({"count": "many"})
    assert caught.value.message == (
        'Failed to cast value "many" (type: str) for parameter "count" of type "integer": '
        "invalid literal for int() with base 10: 'many'. Perhaps the value is of an invalid type?"
    )


def test_alias_texts_are_cast_by_declared_type() -> None:
    made = plan(n={"type": "integer"}, xs={"type": "array"}, s={"type": "string"}, any={}).cast_text(
        {"n": "5", "xs": "a, b", "s": "5", "any": "5", "unknown": "5", "timeout": "9"}
    )
    assert made == {"n": 5, "xs": ["a", "b"], "s": "5", "any": "5", "unknown": "5", "timeout": 9}


def test_a_secret_that_does_not_cast_is_not_shown() -> None:
    with pytest.raises(BadParameter) as caught:
        plan(pin={"type": "integer", "secret": True}).cast_text({"pin": "hunter2"})
    assert "hunter2" not in str(caught.value)
