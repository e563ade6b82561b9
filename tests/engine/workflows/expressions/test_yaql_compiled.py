"""The compiled part of YAQL against the package: the same values, and failures where the package fails."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionFailure
from engine.settings.content import TemplateSettings
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
OPERATORS = st.sampled_from(
    ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "mod", "and", "or", "in", "=~", "!~"]
)
METHODS = st.sampled_from(
    ["len()", "count()", "first()", "last()", "first(null)", "last(4)", "toList()", "keys()",
     "values()", "items()", "toUpper()", "toLower()", "distinct()", "get(name)", "get(missing, 3)",
     "containsKey(a)", "containsValue(7)", "join(',')", "startsWith(c)", "endsWith('w')", "sum()",
     "sum(1)", "max()", "min()", "min(0)", "split(o)", "split()", "replace(c, k)", "replace(o, u, 1)",
     "flatten()", "any()", "all()", "skip(1)", "limit(2)", "take(1)", "reverse()", "enumerate()",
     "enumerate(1)", "contains(1)", "contains(crow)", "indexOf(1)", "indexOf(o)", "indexOf(o, 1)",
     "trim()", "trim(c)", "trimLeft(c)", "norm()", "isEmpty()", "substring(1)", "substring(-2, 1)",
     "toCharArray()", "matches('^c')", "set(a, 1)", "set({z => 2})", "delete(a)", "delete(name, age)",
     "limit(-1)", "skip(-1)", "toSet()", "thenBy($)", "groupBy($)", "unknown()"]
)  # fmt: skip
LOOPS = st.sampled_from(
    ["select", "where", "map", "filter", "any", "all", "orderBy", "orderByDescending", "distinct",
     "selectMany", "toDict"]
)  # fmt: skip
LAMBDAS = st.sampled_from(
    ["$", "$.name", "$.age", "$.age > 20", "$ > 1", "$.name = ada", "$ + 1", "$.len()", "[$, 1]",
     "{k => $}", "$ in [1, 2]", "not $", "$[0]", "$[1]", "$.b", "[1, 2].select($ * 2)", "ctx().n",
     "$ or 3", "str($)", "$ = null"]
)  # fmt: skip
ONE = st.sampled_from(
    ["len", "str", "int", "float", "bool", "list", "abs", "round", "isString", "isInteger",
     "isNumber", "isBoolean", "isList", "isDict", "any", "all", "distinct", "norm", "isEmpty", "json",
     "to_json_string", "basename", "use_none", "dict", "zip", "enumerate", "coalesce"]
)  # fmt: skip
TWO = st.sampled_from(["list", "max", "min", "zip", "concat", "coalesce", "regex_match", "range", "round"])
INDEXES = st.sampled_from(["0", "-1", "9", "name", "$ > 1"])
RANGES = st.sampled_from(["range(3)", "range(0)", "range(2, 5)", "range(5, 0, -2)", "range(true)"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        RANGES,
        st.builds("({}) {} ({})".format, inner, OPERATORS, inner),
        st.builds("not ({})".format, inner),
        st.builds("{}({})".format, st.sampled_from("+-"), inner),
        st.builds("({}).{}".format, inner, METHODS),
        st.builds("({})?.{}".format, inner, METHODS),
        st.builds("({}).{}({})".format, inner, LOOPS, LAMBDAS),
        st.builds("({}).toDict({}, {})".format, inner, LAMBDAS, LAMBDAS),
        st.builds("({})[{}]".format, inner, INDEXES),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{x => {}, ({}) => 1}}".format, inner, inner),
        st.builds("{}({})".format, ONE, inner),
        st.builds("{}({}, {})".format, TWO, inner, inner),
        st.builds("({}).name".format, inner),
        st.builds("({})?.name".format, inner),
        st.builds("switch({} => {}, true => {})".format, inner, inner, inner),
    )


EXPRESSIONS = st.recursive(
    st.one_of(
        CONSTANTS,
        PATHS,
        FUNCTIONS,
        st.builds("ctx().{}".format, NAMES),
        st.builds("ctx({})".format, NAMES),
    ),
    grown,
    max_leaves=6,
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
    """The value as JSON, or how it failed."""
    try:
        value = evaluate(expression, Run(TemplateSettings(), world()))
        return "value", json.dumps(value)
    except Exception as error:  # noqa: BLE001 - both sides may raise whatever the package raises
        words = re.sub("0x[0-9a-f]+", "0x", str(error))
        return "failure", f"{type(error).__name__}: {words}"


@settings(max_examples=800, deadline=None, derandomize=True)
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
        "ctx().people.orderBy($.age).select($.name)",
        "ctx().list.sum() = 6 and max(1, ctx().n) > 2",
        "ctx().words.toDict($, $.len())",
        "ctx().deep.a.keys().first()",
        "str(ctx().n) + ' of ' + ctx().words.join(',')",
        "switch(ctx().n > 5 => large, true => small)",
        "coalesce(ctx().no, ctx().word).replace(c, C)",
        "ctx().word =~ '^c' and not ctx().word in [a, b]",
        "dict(a => 1).set(b, 2)",
        "range(3).select($ + 1)",
        "regex_match(ctx().word, '^c')",
        "st2kv(a, default => 1)",
        "zip(ctx().list, ctx().words)",
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
