"""YAQL through the package: what is rare, and the words of its failures."""

from typing import Any

import pytest

from tests.engine.workflows.expressions.world import evaluate, refusal


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$", None),
        ("1/2", 0),
        ("ctx().l.groupBy($ > 1)", [[False, [1]], [True, [2, 3]]]),
        ("let(x => 2) -> $x * $x", 4),
        ("ctx().d.mergeWith({b => 2})", {"a": [1], "b": 2}),
        ("[3, 1].toSet()", [1, 3]),
        ("ctx().d.keys()", ["a"]),
        ("ctx().d.items()", [["a", [1]]]),
        ("ctx().l.aggregate($1 + $2)", 6),
        ("'a-b'.split('-').select($.toUpper())", ["A", "B"]),
        ("ctx().d.a = [1]", True),
        ("ctx().d = {a => [1]}", True),
        ("str(ctx().l)", "(1, 2, 3)"),
        ("str(ctx().d)", "{'a': (1,)}"),
        ("regex('(.)b').search('ab')", "ab"),
        ("regex('b+').replace('abb', x)", "ax"),
        ("regex(',').split('a,b')", ["a", "b"]),
        ("regex('a').searchAll('aba')", ["a", "a"]),
        ("datetime('2026-01-02').format('%Y')", "2026"),
        ("datetime('2026-01-02T03:04:05Z')", "2026-01-02T03:04:05+00:00"),
        ("timespan(minutes => 2)", 120.0),
        ("{1 => 2, true => 3, null => 4}", {"1": 3, "null": 4}),
    ],
)
def test_what_is_not_compiled_is_evaluated_by_the_package(expression: str, value: Any) -> None:
    assert evaluate(f"<% {expression} %>", l=[1, 2, 3], d={"a": [1]}) == value


def test_values_of_the_workflow_are_shared_and_not_copied() -> None:
    d = {"a": [1]}
    assert evaluate("<% ctx().d %>", d=d) is d
    assert evaluate("<% let(x => ctx().d) -> $x %>", d=d) is d


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("ctx().nope", "Unable to resolve key 'nope' in expression '<% ctx().nope %>' from context."),
        ("ctx().d.nope", "Unable to resolve key 'nope' in expression '<% ctx().d.nope %>' from context."),
        (
            "ctx(nope)",
            "Unable to evaluate expression '<% ctx(nope) %>'. "
            'VariableUndefinedError: The variable "nope" is undefined.',
        ),
        (
            "ctx('__state')",
            "Unable to evaluate expression '<% ctx('__state') %>'. "
            'VariableInaccessibleError: The variable "__state" is for internal use and inaccessible.',
        ),
        (
            "ctx().n.value",
            "Unable to evaluate expression '<% ctx().n.value %>'. "
            'NoFunctionRegisteredException: Unknown function "#property#value"',
        ),
        (
            "task(t)",
            "Unable to evaluate expression '<% task(t) %>'. "
            'ExpressionEvaluationException: Unable to find task execution for "t".',
        ),
        (
            "'a' + 1",
            "Unable to evaluate expression '<% 'a' + 1 %>'. "
            'NoMatchingFunctionException: No function "#operator_+" matches supplied arguments',
        ),
        (
            "nothing()",
            "Unable to evaluate expression '<% nothing() %>'. NoFunctionRegisteredException: Unknown",
        ),
        ("ctx().d.nothing()", "Unable to evaluate expression '<% ctx().d.nothing() %>'. NoMethodRegistered"),
        ("1 / 0", "Unable to evaluate expression '<% 1 / 0 %>'. ZeroDivisionError: "),
        (
            "json(1)",
            "Unable to evaluate expression '<% json(1) %>'. TypeError: Given object is not typeof string.",
        ),
        (
            "json('{')",
            "Unable to evaluate expression '<% json('{') %>'. JSONDecodeError: Expecting property name",
        ),
        ("int(x)", "Unable to evaluate expression '<% int(x) %>'. ValueError: invalid literal for int()"),
        ("[].first()", "Unable to evaluate expression '<% [].first() %>'. StopIteration: "),
    ],
)
def test_a_failure_begins_as_orquestas_does(expression: str, words: str) -> None:
    message = refusal(f"<% {expression} %>", n=1, d={"a": [1]}, __state=1)
    assert message.startswith(f"YaqlEvaluationException: {words}")


def test_a_failure_among_other_text_names_the_expression_alone() -> None:
    assert refusal("a <% 1 %> b <% ctx().x %>").endswith(
        "Unable to resolve key 'x' in expression '<% ctx().x %>' from context."
    )


def test_a_long_value_is_cut_out_of_a_failure() -> None:
    assert len(refusal("<% ctx().d.nothing() %>", d={"a": "x" * 100_000})) < 3_000
