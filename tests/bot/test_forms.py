"""From a JSON schema to a form, and from what people write to values that fit it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from bot import forms
from bot.chat import BadAnswer
from engine.errors import BadInput

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "version": {
            "type": "string",
            "description": "What to deploy.",
            "required": True,
            "pattern": "^[0-9.]+$",
        },
        "env": {"type": "string", "enum": ["staging", "prod"], "default": "staging"},
        "pods": {"type": "integer", "minimum": 1, "maximum": 6},
        "share": {"type": "number"},
        "dry": {"type": "boolean"},
        "hosts": {"type": "array", "items": {"type": "string"}},
        "zones": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
        "more": {"type": "object"},
        "token": {"type": "string", "secret": True, "minLength": 8, "default": "default-secret"},
        "notes": {"type": "string", "maxLength": 4000},
    },
}
ONE = {"type": "object", "properties": {"continue": {"type": "boolean", "required": True}}}


def wrong(call: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(BadAnswer) as raised:
        call()
    return raised.value.problems


def of(name: str) -> Any:
    return next(question for question in forms.questions_of(SCHEMA) if question.name == name)


def test_every_property_is_a_question_in_the_order_of_the_schema() -> None:
    assert [one.name for one in forms.questions_of(SCHEMA)] == list(SCHEMA["properties"])


def test_a_question_says_what_its_property_wants() -> None:
    assert of("version").is_required
    assert of("version").about == "What to deploy."
    assert of("env").choices == ("staging", "prod")
    assert of("env").default == "staging"
    assert of("pods").about == "1 to 6"
    assert of("dry").choices == ("yes", "no")
    assert of("zones").choices == ("a", "b", "c")
    assert of("notes").is_long
    assert not of("version").is_long


def test_the_default_of_a_secret_is_not_shown() -> None:
    assert of("token").is_secret
    assert of("token").default == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("version", "1.42.0", "1.42.0"),
        ("env", "prod", "prod"),
        ("pods", " 3 ", 3),
        ("share", "0.5", 0.5),
        ("share", "2", 2),
        ("dry", "yes", True),
        ("dry", "False", False),
        ("hosts", "web1, web2", ["web1", "web2"]),
        ("hosts", '["web1", "we,b2"]', ["web1", "we,b2"]),
        ("zones", '["a", "c"]', ["a", "c"]),
        ("more", '{"a": [1]}', {"a": [1]}),
        ("token", "hunter22", "hunter22"),
        ("notes", "two\nlines", "two\nlines"),
    ],
)
def test_a_text_becomes_a_value_of_the_declared_type(name: str, text: str, value: object) -> None:
    assert forms.fill(SCHEMA, {"version": "1", name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("version", "latest", "does not match"),
        ("env", "moon", "Choose one of: staging, prod."),
        ("pods", "many", "whole number"),
        ("pods", "7", "maximum of 6"),
        ("share", "inf", "number"),
        ("dry", "perhaps", "yes or no"),
        ("zones", "a, z", "Choose one of: a, b, c."),
        ("more", "[1]", "object in JSON"),
        ("more", "{", "object in JSON"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(name: str, text: str, said: str) -> None:
    problems = wrong(lambda: forms.fill(SCHEMA, {"version": "1", name: text}))
    assert list(problems) == [name]
    assert said in problems[name]


def test_all_wrong_fields_are_named_at_once() -> None:
    assert wrong(lambda: forms.fill(SCHEMA, {"env": "moon", "pods": "many"})).keys() == {
        "version",
        "env",
        "pods",
    }


def test_what_is_left_empty_is_left_out() -> None:
    assert forms.fill(SCHEMA, {"version": "1", "env": "", "pods": " "}) == {"version": "1"}


def test_a_secret_is_never_part_of_a_problem() -> None:
    assert "hunter2" not in str(wrong(lambda: forms.fill(SCHEMA, {"version": "1", "token": "hunter2"})))
    assert "hunter2" not in str(
        wrong(lambda: forms.read_words(SCHEMA, '{"version": "1", "token": "hunter2"}'))
    )
    assert "hunter2" not in str(
        wrong(lambda: forms.read_words(SCHEMA, '{"version": "1", "token": ["hunter2"]}'))
    )


def test_a_field_that_the_form_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput) as raised:
        forms.fill(SCHEMA, {"version": "1", "envv": "prod"})
    assert raised.value.hint == "Did you mean env?"


def test_values_of_other_kinds_can_be_chosen() -> None:
    schema = {"type": "object", "properties": {"n": {"enum": [1, "one", True]}}}
    assert forms.fill(schema, {"n": "yes"}) == {"n": True}
    assert forms.fill(schema, {"n": "1"}) == {"n": 1}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "boolean"}, "yes", True),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({}, '{"a": 1}', {"a": 1}),
        ({"type": "string", "enum": ["a", "b"]}, "a", "a"),
    ],
)
def test_a_schema_without_properties_is_one_question(
    schema: dict[str, Any], text: str, value: object
) -> None:
    (question,) = forms.questions_of(schema)
    assert question.name == ""
    assert forms.fill(schema, {"": text}) == value


def test_a_broken_schema_makes_a_form_all_the_same() -> None:
    schema = {"properties": {"a": 3, "b": {"type": "colour"}, "c": {"type": ["null", "integer"]}}}
    assert [one.type for one in forms.questions_of(schema)] == ["any", "any", "integer"]
    assert forms.fill(schema, {"a": "x", "b": "[1]", "c": "3"}) == {"a": "x", "b": [1], "c": 3}


@pytest.mark.parametrize(
    ("words", "response"),
    [
        ("version=1 env=prod", {"version": "1", "env": "prod"}),
        (
            'version="1" notes="two words" hosts=[ "a", "b c" ]',
            {"version": "1", "notes": "two words", "hosts": ["a", "b c"]},
        ),
        ("version='1' notes='it is \"so\"'", {"version": "1", "notes": 'it is "so"'}),
        (r'version=1 notes="say \"hi\""', {"version": "1", "notes": 'say "hi"'}),
        ('{"version": "1", "pods": 2}', {"version": "1", "pods": 2}),
        ('version=1 more={"a": {"b": 1}} dry=no', {"version": "1", "more": {"a": {"b": 1}}, "dry": False}),
    ],
)
def test_words_are_pairs_or_json(words: str, response: dict[str, Any]) -> None:
    assert forms.read_words(SCHEMA, words) == response


@pytest.mark.parametrize("words", ["yes", "continue=yes", "true", '{"continue": true}', '"yes"'])
def test_the_one_value_needs_no_name(words: str) -> None:
    assert forms.read_words(ONE, words) == {"continue": True}


def test_the_one_value_may_look_like_a_pair() -> None:
    schema = {"type": "object", "properties": {"expression": {"type": "string"}}}
    assert forms.read_words(schema, "a=1 and more") == {"expression": "a=1 and more"}


def test_words_without_names_are_refused_where_there_are_several_values() -> None:
    with pytest.raises(BadInput) as raised:
        forms.read_words(SCHEMA, "prod please")
    assert "version=..." in raised.value.hint


@pytest.mark.parametrize("words", ["{", '{"version": }'])
def test_broken_json_is_refused(words: str) -> None:
    with pytest.raises(BadInput):
        forms.read_words(SCHEMA, words)


def test_json_is_checked_against_the_schema() -> None:
    assert wrong(lambda: forms.read_words(SCHEMA, '{"version": "1", "pods": 9}')).keys() == {"pods"}
    assert wrong(lambda: forms.read_words(SCHEMA, '{"pods": 1}')).keys() == {"version"}


@pytest.mark.parametrize("words", ["a=[ " * 20_000, 'a="' * 20_000, "a=" + "[" * 50_000, "a={" * 20_000])
def test_hostile_words_are_read_in_reasonable_time(words: str) -> None:
    started = time.process_time()
    forms.pairs_in(words)
    assert time.process_time() - started < 10


def test_secret_names_are_known() -> None:
    assert forms.secret_names(SCHEMA) == {"token"}
