"""Validation: StackStorm's dialect of JSON schema, and jsonschema's words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadParameter
from engine.expressions.schema import Validator, compile_validator
from engine.expressions.schema_wording import worst_error


def of(**properties: Any) -> Validator:
    return compile_validator({"type": "object", "properties": properties, "additionalProperties": False})


def message(validator: Validator, value: Any) -> str | None:
    problem = validator.problem(value)
    return problem.message if problem else None


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "string", "required": True}, {}, "'x' is a required property"),
        ({"type": "string"}, {"y": 1}, "Additional properties are not allowed ('y' was unexpected)"),
        ({"type": "string", "required": True}, {"x": 5}, "5 is not of type 'string'"),
        ({"type": "string"}, {"x": 5}, "5 is not of type 'string', 'null'"),
        ({"type": "integer", "default": 1}, {"x": True}, "True is not of type 'integer'"),
        ({"type": "integer", "default": 1}, {"x": 1.0}, "1.0 is not of type 'integer'"),
        ({"type": "integer", "minimum": 3, "default": 3}, {"x": 2}, "2 is less than the minimum of 3"),
        ({"type": "string", "enum": ["a", "b"]}, {"x": "c"}, "'c' is not one of ['a', 'b']"),
        ({"type": "string", "pattern": "^a"}, {"x": "b"}, "'b' does not match '^a'"),
        ({"type": "string", "maxLength": 1}, {"x": "bb"}, "'bb' is too long"),
        ({"type": "array", "items": {"type": "string"}}, {"x": [1]}, "1 is not of type 'string'"),
    ],
)
def test_a_problem_is_worded_as_jsonschema_words_it(schema: Any, value: Any, expected: str) -> None:
    told = message(of(x=schema), value)
    assert told is not None
    assert told.startswith(expected)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, {"x": None}),
        ({"type": "string", "enum": ["a"]}, {"x": None}),
        ({"type": "string", "required": True, "default": None}, {"x": None}),
        ({"type": "string", "required": True, "default": None}, {}),
        ({"type": "string", "required": True, "default": "d"}, {}),
        ({"type": "string", "required": True, "default": "d"}, {"x": None}),
        ({"type": "string", "format": "ipv4"}, {"x": "no address"}),
        ({"type": "object", "required": ["a"]}, {"x": {}}),
        ({"type": "any"}, {"x": object}),
        ({}, {"x": {"anything": [1]}}),
        ({"type": "string", "minimum": "many", "minLength": "2", "pattern": "("}, {"x": ""}),
        ({"type": "array", "items": "string", "item": 5}, {"x": [1]}),
        ({"$ref": "http://127.0.0.1:1/schema"}, {"x": 1}),
        ({"$ref": "#/nowhere"}, {"x": 1}),
        ({"$ref": "#/properties/x"}, {"x": 1}),
        ({"anyOf": "nonsense", "oneOf": []}, {"x": 1}),
        ({"properties": ["roles"], "patternproperties": {"a": 1}}, {"x": {"a": 1}}),
    ],
)
def test_what_stackstorm_accepts_is_accepted(schema: Any, value: Any) -> None:
    assert message(of(x=schema), value) is None


def test_required_works_inside_nested_objects() -> None:
    validator = of(x={"type": "object", "properties": {"a": {"type": "string", "required": True}}})
    assert message(validator, {"x": {}}) == "'a' is a required property"


def test_nested_defaults_satisfy_what_is_required() -> None:
    validator = of(
        x={"type": "object", "properties": {"a": {"type": "string", "required": True, "default": "d"}}}
    )
    assert message(validator, {"x": {}}) is None
    assert validator.complete({"x": {"a": None}}) == {"x": {"a": "d"}}


def test_references_inside_the_file_are_followed() -> None:
    validator = of(
        a={"type": "integer", "default": 1}, x={"patternProperties": {"^k": {"$ref": "#/properties/a"}}}
    )
    assert message(validator, {"x": {"k1": 5}}) is None
    assert message(validator, {"x": {"k1": "five"}}) == "'five' is not of type 'integer'"


def test_combinations_are_left_to_jsonschema() -> None:
    validator = of(x={"oneOf": [{"type": "string"}, {"type": "integer"}]})
    assert message(validator, {"x": 5}) is None
    assert message(validator, {"x": []}) == "[] is not valid under any of the given schemas"


def test_a_validator_never_changes_what_it_is_given() -> None:
    value: dict[str, Any] = {"x": {"a": None}}
    of(x={"type": "object", "properties": {"a": {"default": 1}}}).problem(value)
    assert value == {"x": {"a": None}}


def test_validate_raises_the_problem() -> None:
    with pytest.raises(BadParameter, match="'x' is a required property"):
        of(x={"required": True}).validate({})


KINDS = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS,
        "enum": st.lists(st.text(max_size=1), max_size=3),
        "minimum": st.integers(-2, 2),
        "exclusiveMinimum": st.booleans(),
        "maxLength": st.integers(0, 3),
        "minItems": st.integers(0, 2),
        "pattern": st.sampled_from(["^a", "b$", "."]),
        "items": st.fixed_dictionaries({}, optional={"type": KINDS}),
        "additionalProperties": st.booleans(),
        "properties": st.dictionaries(
            st.text(max_size=1), st.fixed_dictionaries({}, optional={"type": KINDS})
        ),
        "required": st.booleans(),
    },
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("ab", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_the_quick_check_never_says_yes_where_jsonschema_says_no(schema: dict[str, Any], value: Any) -> None:
    validator = of(x=schema)
    check = validator.checks["x"]
    if check is not None and check(value):
        assert worst_error(validator._tidy, {"x": value}) is None
