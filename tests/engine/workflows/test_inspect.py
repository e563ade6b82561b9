"""Inspection: what is wrong with a definition, in Orquesta's shapes and words."""

import contextlib
import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadContent
from engine.workflows.inline import pairs_of
from engine.workflows.inspect import flattened, inspect
from engine.workflows.rehearse import replay

RECORDED = Path(__file__).parents[4] / "shared" / "conformance" / "orquesta"
TASK = "properties.tasks.patternProperties.^\\w+$"


def workflow(tasks: str, *, more: str = "") -> str:
    return f"version: 1.0\n{more}\ntasks:\n" + "".join(f"  {line}\n" for line in tasks.splitlines())


def messages(text: str) -> dict[str, list[str]]:
    return {kind: [problem["message"] for problem in found] for kind, found in inspect(text).items()}


def test_the_recorded_inspections_are_the_same() -> None:
    if not RECORDED.is_dir():
        pytest.skip(f"{RECORDED} is not there: the recorded cases come with the design, not with the code")
    wrong = []
    for path in sorted(RECORDED.glob("*/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        case: dict[str, Any] = document["cases"][0]
        found = replay({**case, "definition": document["definition"], "context": document["context"]})
        expected = case["expect"]
        told = [(outcome.get("load_error"), outcome.get("inspection")) for outcome in (found, expected)]
        if told[0] != told[1]:
            wrong.append((path.name, *told))
    assert wrong == []


def test_a_good_workflow_has_no_problems() -> None:
    text = workflow(
        'a: {action: core.noop, next: [{when: "<% succeeded() %>", do: b}]}\nb: {action: core.noop}'
    )
    assert inspect(text) == {}


def test_fields_of_the_wrong_shape_are_named_with_their_place() -> None:
    text = workflow("a: {action: core.noop, retry: {delay: 1}, join: -1}")
    assert inspect(text)["syntax"] == [
        {
            "message": "-1 is not valid under any of the given schemas",
            "spec_path": "tasks.a.join",
            "schema_path": f"{TASK}.properties.join.oneOf",
        },
        {
            "message": "'count' is a required property",
            "spec_path": "tasks.a.retry",
            "schema_path": f"{TASK}.properties.retry.required",
        },
    ]


def test_only_the_fields_of_the_language_are_allowed() -> None:
    assert messages(workflow("a: {action: core.noop, description: x}")) == {
        "syntax": ["Additional properties are not allowed ('description' was unexpected)"]
    }


def test_our_own_keys_are_allowed() -> None:
    text = workflow(
        "a: {action: core.noop, x-timeout: 5, next: [{x-else: true, do: noop}]}", more="x-timeout: 9"
    )
    assert inspect(text) == {}


def test_a_workflow_that_begins_in_a_loop_cannot_start() -> None:
    found = messages(
        workflow("a: {action: core.noop, next: [{do: b}]}\nb: {action: core.noop, next: [{do: a}]}")
    )
    assert found["semantics"][0].startswith("Unable to identify any tasks to start the workflow.")


def test_a_task_that_is_not_there_is_named_where_it_is_wanted() -> None:
    [problem] = inspect(workflow("a: {action: core.noop, next: [{do: [a1, noop]}]}"))["semantics"]
    assert (problem["message"], problem["spec_path"]) == (
        'The task "a1" is not defined.',
        "tasks.a.next[0].do",
    )


def test_a_join_of_branches_on_different_levels_is_unreachable() -> None:
    text = workflow(
        "a: {action: core.noop, next: [{do: [b, c, e]}]}\n"
        "b: {action: core.noop, next: [{do: d}]}\n"
        "c: {action: core.noop, next: [{do: d}]}\n"
        "d: {action: core.noop, next: [{do: f}]}\n"
        "e: {action: core.noop, next: [{do: f}]}\n"
        "f: {action: core.noop, join: all}"
    )
    [problem] = inspect(text)["semantics"]
    assert problem["message"].startswith('The join task "f" is unreachable.')


def test_items_need_an_action() -> None:
    assert messages(workflow("a: {with: '<% [1] %>'}")) == {
        "semantics": ["The action property is required for with items task."]
    }


def test_a_variable_is_known_after_the_task_that_publishes_it() -> None:
    text = workflow(
        "a: {action: core.noop, next: [{publish: [{x: 1}], do: b}]}\n"
        "b: {action: core.echo, input: {message: '<% ctx(x) %>'}}"
    )
    assert inspect(text) == {}


def test_a_variable_that_nobody_sets_is_named() -> None:
    [problem] = inspect(workflow("a: {action: core.echo, input: {message: 'hi {{ ctx().who }}'}}"))["context"]
    assert problem == {
        "type": "jinja",
        "expression": "hi {{ ctx().who }}",
        "message": 'Variable "who" is referenced before assignment.',
        "spec_path": "tasks.a.input",
        "schema_path": f"{TASK}.properties.input",
    }


def test_what_the_host_gives_is_known() -> None:
    assert inspect(workflow("a: {action: core.echo, input: {message: '<% ctx().st2.user %>'}}")) == {}


def test_inputs_are_known_to_what_comes_after_them() -> None:
    more = "input: [a, {b: <% ctx().a %>}]\nvars: [{c: <% ctx().b %>}]\noutput: [{d: <% ctx().c %>}]"
    assert inspect(workflow("t: {action: core.noop}", more=more)) == {}


def test_task_names_may_have_dashes() -> None:
    assert inspect(workflow("a-b: {action: core.noop, next: [{do: c-d}]}\nc-d: {action: core.noop}")) == {}


def test_tasks_whose_names_are_more_than_a_word_are_looked_at_too() -> None:
    [problem] = inspect(workflow("a-b: {action: core.noop, bogus: 1}"))["syntax"]
    assert (problem["message"], problem["spec_path"], problem["schema_path"]) == (
        "Additional properties are not allowed ('bogus' was unexpected)",
        "tasks.a-b",
        f"{TASK}.additionalProperties",
    )
    assert messages(workflow("a b: 5"))["syntax"] == ["5 is not of type 'object'"]


def test_items_without_a_list_are_told() -> None:
    assert messages(workflow("a: {action: core.noop, with: {concurrency: 2}}"))["syntax"] == [
        "'items' is a required property"
    ]


def test_a_key_that_is_written_twice_cannot_be_loaded() -> None:
    with pytest.raises(BadContent, match='duplicate key "a"') as caught:
        inspect(workflow("a: {action: core.noop}\na: {action: core.noop}"))
    assert caught.value.where == "workflow:5"


def test_the_flat_list_tells_category_and_language() -> None:
    text = workflow("a: {action: core.echo, input: {message: '<% ctx().x %>'}, next: [{do: ghost}]}")
    assert [(entry["type"], entry.get("language")) for entry in flattened(inspect(text))] == [
        ("context", "yaql"),
        ("semantic", None),
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "tasks: 5", "tasks: {a: 5}", "tasks: {a: {next: 7}}", "tasks: []"]
)
def test_nonsense_is_told_and_breaks_nothing(text: str) -> None:
    with contextlib.suppress(BadContent):
        assert inspect(text)


@pytest.mark.parametrize(
    "items", [" " * 50_000 + "x", "a, " * 20_000, "a" * 50_000, "a in " * 20_000 + "<% x"]
)
def test_hostile_items_are_refused_quickly(items: str) -> None:
    text = workflow(f"a: {{action: core.noop, with: '{items}'}}")
    began = time.process_time()
    assert inspect(text)["syntax"]
    # Linear: a few milliseconds. What backtracks would not come back at all.
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "text", ["a" * 50_000, "x=[" * 20_000, "x=<%" * 20_000, "x='" * 20_001, "x=1" * 20_000]
)
def test_hostile_inline_parameters_are_read_in_one_pass(text: str) -> None:
    began = time.process_time()
    pairs_of(text)
    assert time.process_time() - began < 20


def test_items_are_refused_with_the_pattern_that_they_do_not_match() -> None:
    (problem,) = inspect(workflow("t: {action: core.noop, with: all of them}"))["syntax"]
    assert problem["message"] == (
        "'all of them' does not match '^(\\s+)?({{.*?}}|<%.*?%>)(\\s+)?$|"
        "^(\\s+)?((\\w+,\\s?|\\s+)+)?(\\w+)\\s+in\\s+({{.*?}}|<%.*?%>)(\\s+)?$'"
    )
    assert problem["spec_path"] == "tasks.t.with.items"
    assert problem["schema_path"] == f"{TASK}.properties.with.properties.items.pattern"


def test_text_is_quoted_as_it_is_written() -> None:
    (problem,) = inspect(workflow("t: {action: core.noop, join: 'é \\ \"q\"'}"))["syntax"]
    assert problem["message"] == "'é \\ \"q\"' is not valid under any of the given schemas"


def test_a_date_is_no_value() -> None:
    (problem,) = inspect(workflow("t: {action: core.noop, input: {day: 2026-01-02}}"))["syntax"]
    assert (
        problem["message"] == "{'day': datetime.date(2026, 1, 2)} is not valid under any of the given schemas"
    )


def test_a_join_of_none_does_not_wait_but_is_a_join() -> None:
    text = workflow(
        "a: {action: core.noop, next: [{do: [c, d]}]}\n"
        "b: {action: core.noop, next: [{do: c}]}\n"
        "c: {action: core.noop, next: [{do: e}]}\n"
        "d: {action: core.noop, next: [{do: e}]}\n"
        "e: {action: core.noop, join: 0}"
    )
    (message,) = messages(text)["semantics"]
    assert message.startswith('The join task "e" is unreachable.')


def test_expressions_are_looked_for_in_join_too() -> None:
    found = inspect(workflow("t: {action: core.noop, join: '<% <% x %>'}"))
    assert [problem["spec_path"] for problem in found["expressions"]] == ["tasks.t.join"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Workflow definition is empty."),
        ("- a", "Unable to convert workflow definition into dict."),
        ("tasks: [", "Failed to load workflow definition because this is not valid YAML: "),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadContent) as caught:
        inspect(text)
    assert caught.value.message.startswith(message)
    assert caught.value.where.startswith("workflow:")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("opened", ["<%", "{{", "{%", "<% ctx("])
def test_a_text_of_open_expressions_does_not_hold_the_server(opened: str) -> None:
    assert inspect(workflow(f'fine: {{action: "{opened * 50_000}"}}')).get("semantics") is None


@pytest.mark.timeout(60)
def test_ways_that_double_with_every_task_do_not_hold_the_server() -> None:
    layers = [[f"t{layer}-{number}" for number in range(20)] for layer in range(8)]
    tasks = []
    for layer, below in itertools.pairwise(layers):
        targets = ", ".join(below)
        tasks += [
            f"{name}: {{action: core.noop, next: [{{publish: [{{{name}: 1}}], do: [{targets}]}}]}}"
            for name in layer
        ]
    tasks += [f"{name}: {{action: core.noop, input: {{x: <% ctx(nobody) %>}}}}" for name in layers[-1]]
    start = f"start: {{action: core.noop, next: [{{do: [{', '.join(layers[0])}]}}]}}"
    found = inspect(workflow("\n".join([start, *tasks])))
    assert {problem["spec_path"] for problem in found["context"]} == {
        f"tasks.{name}.input" for name in layers[-1]
    }
