"""The compiled part of YAQL against the package: the same values, and failures where the package fails."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionFailure
from engine.settings import TemplateSettings
from engine.workflows.expressions import yaql_package
from engine.workflows.expressions.compile import compile_value
from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_compiled import compiled
from tests.engine.workflows.expressions.world import World

CONTEXT: dict[str, Any] = {
    "n": 7,
    "zero": 0,
    "f": 2.5,
    "neg": -3,
    "t": True,
    "no": None,
    "word": "crow",
    "empty": "",
    "list": [3, 1, 2],
    "words": ["b", "a", "cc"],
    "none": [],
    "people": [{"name": "ada", "age": 36}, {"name": "bob", "age": 7}, {"name": "cy", "age": 36}],
    "deep": {"a": {"b": {"c": [1, {"d": "x"}]}}, "keys": 5},
}

NAMES = st.sampled_from([*CONTEXT, "missing"])
CONSTANTS = st.sampled_from(
    ["0", "1", "2", "-1", "1.5", "true", "false", "null", "'a'", "'crow'", "''", "age"]
)
PATHS = st.sampled_from(
    ["ctx().deep.a.b", "ctx().deep.a.b.c[1].d", "ctx().people[0].name", "ctx().people[1]", "ctx().deep?.a"]
)
FUNCTIONS = st.sampled_from(
    ["succeeded()", "failed()", "completed()", "result()", "item()", "task_status(t)"]
)
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "mod", "and", "or", "in"])
METHODS = st.sampled_from(
    ["len()", "first()", "last()", "toList()", "keys()", "values()", "toUpper()", "toLower()", "distinct()",
     "get(name)", "get(missing, 3)", "containsKey(a)", "join(',')", "startsWith(c)", "endsWith('w')",
     "sum()", "first(null)", "split(o)", "replace(c, k)", "orderBy($)", "flatten()", "any()"]
)  # fmt: skip
LAMBDAS = st.sampled_from(["$", "$.name", "$.age", "$.age > 20", "$ > 1", "$.name = ada", "$ + 1", "$.len()"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, OPERATORS, inner),
        st.builds(lambda a: f"not ({a})", inner),
        st.builds(lambda a: f"-({a})", inner),
        st.builds(lambda a, method: f"({a}).{method}", inner, METHODS),
        st.builds(lambda a, method: f"({a})?.{method}", inner, METHODS),
        st.builds(lambda a, by: f"({a}).select({by})", inner, LAMBDAS),
        st.builds(lambda a, by: f"({a}).where({by})", inner, LAMBDAS),
        st.builds(
            lambda a, index: f"({a})[{index}]", inner, st.sampled_from(["0", "-1", "9", "name", "$ > 1"])
        ),
        st.builds(lambda a, b: f"[{a}, {b}]", inner, inner),
        st.builds(lambda a: f"{{x => {a}}}", inner),
        st.builds(lambda a: f"len({a})", inner),
        st.builds(lambda a: f"({a}).name", inner),
        st.builds(lambda a: f"to_json_string({a})", inner),
    )


EXPRESSIONS = st.recursive(
    st.one_of(
        CONSTANTS,
        PATHS,
        FUNCTIONS,
        st.builds(lambda name: f"ctx().{name}", NAMES),
        st.builds(lambda name: f"ctx({name})", NAMES),
    ),
    grown,
    max_leaves=5,
)


def world() -> World:
    return World(
        variables=CONTEXT,
        current_item={"name": "i"},
        status="succeeded",
        outcome={"a": [1]},
        statuses={("t", 0): "failed"},
    )


def outcome(evaluate: Any, expression: str) -> tuple[str, str]:
    """The value as JSON, or that it failed."""
    try:
        value = evaluate(expression, Run(TemplateSettings(), world()))
        return "value", json.dumps(value, sort_keys=True)
    except Exception as error:  # noqa: BLE001 - both sides may raise whatever the package raises
        return "failure", type(error).__name__


@settings(max_examples=400, deadline=None)
@given(expression=EXPRESSIONS)
def test_what_is_compiled_gives_what_the_package_gives(expression: str) -> None:
    assert outcome(yaql_package.evaluate, expression) == outcome(yaql_package.interpreted, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "ctx().deep.a.b.c[1].d",
        "ctx(word)",
        "ctx('word')",
        "succeeded() and ctx().n > 3",
        "not failed() or ctx().list.len() = 3",
        "result().a[0] + 1",
        "ctx().people.where($.age > 20).select($.name)",
        "ctx().words.join(', ')",
        "[1, ctx().n, {a => ctx().f}]",
        "item().name",
        "item(name)",
        "ctx().no?.x",
        "ctx().deep.get(zero, 5)",
        "to_json_string(ctx().deep)",
        "task_status(t) = failed",
    ],
)
def test_what_workflows_use_is_compiled(expression: str) -> None:
    quick = compiled(yaql_package.parse(expression))
    assert quick is not None
    quick(Run(TemplateSettings(), world()), None)


def test_a_failure_has_the_words_of_the_package() -> None:
    with pytest.raises(ExpressionFailure, match="Unable to resolve key 'missing' in expression"):
        compile_value("<% ctx().missing %>").evaluate(world())


def test_private_variables_stay_private() -> None:
    with pytest.raises(ExpressionFailure):
        compile_value("<% ctx('__x') %>").evaluate(World(variables={"__x": 1}))


@pytest.mark.parametrize("expression", ["ctx().a + ctx().a", "ctx().b.select(ctx().b)", "ctx().a.toUpper()"])
def test_what_is_compiled_is_bounded_too(expression: str) -> None:
    large = World(variables={"a": "x" * 50_000_000, "b": list(range(30_000))})
    with pytest.raises(ExpressionFailure):
        compile_value(f"<% {expression} %>").evaluate(large)
