"""The functions, in both languages: what a workflow knows of itself, and what is done to data."""

import inspect
from typing import Any

import pytest

from engine.workflows.expressions.functions import DATA, LOOKING
from engine.workflows.expressions.running import Run
from tests.engine.workflows.expressions.world import World, evaluate, refusal

RECORD = {
    "task_execution_id": "t" * 24,
    "task_name": "t1",
    "route": 1,
    "status": "succeeded",
    "result": {"items": [{"status": "succeeded", "result": {"stdout": "hi"}}]},
}


def world(**more: Any) -> World:
    given: dict[str, Any] = {
        "variables": {"a": 1, "__state": 2, "d": {"b": [1, 2]}, "text": '{"foo": {"bar": "x"}}'},
        "status": "succeeded",
        "outcome": {"stdout": "done"},
        "statuses": {("t1", 0): "failed"},
        "records": {"t1": RECORD, "current": RECORD},
        "keys": {"system.a": "value"},
        "secrets": {"system.s": "hidden-value"},
    }
    return World(**(given | more))


BOTH = [
    ("ctx()", "ctx()", {"a": 1, "d": {"b": [1, 2]}, "text": '{"foo": {"bar": "x"}}'}),
    ("ctx(a)", "ctx('a')", 1),
    ("ctx().d.b[1]", "ctx().d.b[1]", 2),
    ("result().stdout", "result().stdout", "done"),
    ("succeeded()", "succeeded()", True),
    ("failed()", "failed()", False),
    ("completed()", "completed()", True),
    ("timedout()", "timedout()", False),
    ("task_status(t1)", "task_status('t1')", "failed"),
    ("task_status(t2)", "task_status('t2')", "null"),
    ("task_status(t1, 1)", "task_status('t1', 1)", "null"),
    ("task(t1).task_name", "task('t1').task_name", "t1"),
    ("task().task_execution_id", "task().task_execution_id", "t" * 24),
    ("task(t1, route => 1).status", "task('t1', route=1).status", "succeeded"),
    (
        "task(t1).result.items.select($.result.stdout)",
        "task('t1').result['items'] | map(attribute='result.stdout')",
        ["hi"],
    ),
    ("st2kv('system.a')", "st2kv('system.a')", "value"),
    ("st2kv('system.s')", "st2kv('system.s')", "ciphertext"),
    ("st2kv('system.s', decrypt => true)", "st2kv('system.s', decrypt=true)", "hidden-value"),
    ("st2kv(x, default => null)", "st2kv('x', default=none)", None),
    ("st2kv(x, default => '')", "st2kv('x', default='')", ""),
    ("json(ctx().text).foo.bar", "json(ctx().text).foo.bar", "x"),
    ("json(ctx().d)", "ctx().d | json", {"b": [1, 2]}),
    ("zip([1, 2], [3])", "zip([1, 2], [3])", [[1, 3], [2, None]]),
    ("zip([1, 2], [3], pad => 0)", "zip([1, 2], [3], pad=0)", [[1, 3], [2, 0]]),
    ("zip([1, 2])", "zip([1, 2])", [1, 2]),
    ("zip(null, [3])", "zip(none, [3])", [[None, 3]]),
    ("from_json_string(ctx().text)", "ctx().text | from_json_string", {"foo": {"bar": "x"}}),
    ("json_parse(ctx().text).foo", "json_parse(ctx().text).foo", {"bar": "x"}),
    ("to_json_string(ctx().d)", "ctx().d | to_json_string", '{"b": [1,2]}'),
    ("json_dump(ctx().d)", "json_dump(ctx().d)", '{"b": [1,2]}'),
    ("json_dump({b => 1, a => 2}, sort_keys => true)", "json_dump({'b': 1}, sort_keys=true)", None),
    ("from_yaml_string('a: yes')", "from_yaml_string('a: yes')", {"a": True}),
    ("yaml_parse('[1]')", "'[1]' | yaml_parse", [1]),
    ("to_yaml_string({b => [1]})", "to_yaml_string({'b': [1]})", "b:\n- 1\n"),
    ("yaml_dump({b => 1})", "{'b': 1} | yaml_dump", "b: 1\n"),
    ("json_escape('a\"b')", "'a\"b' | json_escape", 'a\\"b'),
    ("jsonpath_query(ctx().d, 'b[*]')", "ctx().d | jsonpath_query('b[*]')", [1, 2]),
    ("jsonpath_query(ctx().d, nothing)", "ctx().d | jsonpath_query('nothing')", None),
    ("use_none(null)", "none | use_none", "%*****__%NONE%__*****%"),
    ("use_none(x)", "use_none('x')", "x"),
    ("basename('/a/b.c')", "'/a/b.c' | basename", "b.c"),
    ("dirname('/a/b.c')", "dirname('/a/b.c')", "/a"),
    ("regex_match(xyz, x)", "'xyz' | regex_match('x')", True),
    ("regex_search(xyz, Y, true)", "regex_search('xyz', 'Y', ignorecase=true)", True),
    ("regex_replace(xyz, x, wx)", "regex_replace('xyz', 'x', 'wx')", "wxyz"),
    ("regex_substring('a1b2', '[0-9]', 1)", "'a1b2' | regex_substring('[0-9]', 1)", "2"),
    ("to_human_time_from_seconds(12345)", "12345 | to_human_time_from_seconds", "3h25m45s"),
    ("version_compare('0.10.0', '0.9.0')", "'0.10.0' | version_compare('0.9.0')", 1),
    ("version_more_than('1.0.0', '0.9.0')", "version_more_than('1.0.0', '0.9.0')", True),
    ("version_less_than('1.0.0', '0.9.0')", "version_less_than('1.0.0', '0.9.0')", False),
    ("version_equal('1.0.0', '1.0.0')", "version_equal('1.0.0', '1.0.0')", True),
    ("version_match('0.10.1', '>0.10.0')", "version_match('0.10.1', '>0.10.0')", True),
    ("version_bump_major('0.1.2')", "version_bump_major('0.1.2')", "1.0.0"),
    ("version_bump_minor('0.1.2')", "version_bump_minor('0.1.2')", "0.2.0"),
    ("version_bump_patch('0.1.2')", "version_bump_patch('0.1.2')", "0.1.3"),
    ("version_strip_patch('0.1.2')", "'0.1.2' | version_strip_patch", "0.1"),
]


@pytest.mark.parametrize(("yaql", "jinja", "value"), [case for case in BOTH if "sort_keys" not in case[0]])
def test_a_function_gives_the_same_in_both_languages(yaql: str, jinja: str, value: Any) -> None:
    assert evaluate(f"<% {yaql} %>", world()) == value
    assert evaluate("{{ " + jinja + " }}", world()) == value


@pytest.mark.parametrize("name", [*LOOKING, *DATA])
def test_every_function_is_tried_above(name: str) -> None:
    assert any(f"{name}(" in yaql for yaql, _, _ in [*BOTH, ("item()", "", None)])


def test_parts_of_an_item_are_asked_for_by_name() -> None:
    there = world(current_item={"host": "a", "port": 1})
    assert evaluate("<% item() %>", there) == {"host": "a", "port": 1}
    assert evaluate("<% item(host) %>", there) == evaluate("{{ item('host') }}", there) == "a"
    assert 'ExpressionEvaluationException: Item does not have key "x".' in refusal("<% item(x) %>", there)
    assert "Item is not type of collections.abc.Mapping." in refusal("<% item(x) %>", world(current_item=3))
    assert evaluate("<% item() %>", world()) is None


@pytest.mark.parametrize("function", ["succeeded", "failed", "completed", "timedout", "result"])
def test_outside_of_tasks_there_is_no_current_task(function: str) -> None:
    assert refusal(f"<% {function}() %>", world(status="")) == (
        f"YaqlEvaluationException: Unable to evaluate expression '<% {function}() %>'. "
        "ExpressionEvaluationException: The current task is not set in the context."
    )


@pytest.mark.parametrize(
    ("status", "true"),
    [
        ("succeeded", {"succeeded", "completed"}),
        ("failed", {"failed", "completed"}),
        ("timeout", {"completed"}),
        ("abandoned", {"completed"}),
        ("canceled", {"completed"}),
        ("null", set()),
    ],
)
def test_conditions_are_exact_about_the_status(status: str, true: set[str]) -> None:
    for function in ("succeeded", "failed", "completed"):
        assert evaluate(f"<% {function}() %>", world(status=status)) is (function in true)


def test_timedout_is_asked_of_the_scope() -> None:
    assert evaluate("<% timedout() %>", world(status="failed", is_timed_out=True)) is True


def test_a_key_that_is_missing_has_the_words_of_stackstorm() -> None:
    assert refusal("<% st2kv(abc) %>", world()) == (
        "YaqlEvaluationException: Unable to evaluate expression '<% st2kv(abc) %>'. "
        'ExpressionEvaluationException: The key "abc" does not exist in the StackStorm datastore.'
    )
    assert "Decrypt parameter is not typeof bool." in refusal("<% st2kv(abc, decrypt => 1) %>", world())
    assert "Given key is not typeof string." in refusal("<% st2kv(1) %>", world())
    assert "The key cannot be read." in refusal("{{ st2kv('broken') }}", world())


def test_a_decrypted_value_is_masked_in_the_words_of_a_failure() -> None:
    for text in (
        "<% st2kv('system.s', decrypt => true).nothing() %>",
        "{{ regex_substring(st2kv('system.s', decrypt=true), 'hidden-value)') }}",
        "{{ {}[st2kv('system.s', decrypt=true)] + 1 }}",
    ):
        assert "hidden-value" not in refusal(text, world()).replace("'hidden-value)'", "")


def test_functions_take_no_other_arguments_than_stackstorms() -> None:
    for expression in ("succeeded(1)", "ctx(a, b)", "json()", "task(route => 1, nothing => 2)"):
        assert "NoMatchingFunctionException" in refusal(f"<% {expression} %>", world())


def test_functions_that_look_take_the_run_first() -> None:
    for function in LOOKING.values():
        assert next(iter(inspect.signature(function).parameters)) == "context"
    assert Run.run is not None
