"""Jinja in workflows: values, blocks, and the words of failures."""

from typing import Any

import pytest

from engine.workflows.expressions.texts import with_raw, without_raw
from tests.engine.workflows.expressions.world import evaluate, refusal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ ctx().d.a }}", [1]),
        ("{{ ctx()['d']['a'][0] }}", 1),
        ("{{ ctx().items() | list | length }}", 2),
        ("{{ ctx().get('nope', 3) }}", 3),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ ctx().l | map('string') }}", ["1", "2"]),
        ("{{ ctx().d.keys() }}", ["a"]),
        ("{{ ctx().d.items() }}", [["a", [1]]]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ ctx().l | sum == 3 and true }}", True),
        ("{{ ctx().nope is defined }}", False),
        ("{{ ctx().nope | default('x') }}", "x"),
        ("{{ ctx().l | join('-') }}!", "1-2!"),
        ("{{ 1 }}{{ none }}", "1None"),
        ("{% for n in ctx().l %}{{ n }}{{ ctx().d.a }}{% endfor %}", "1[1]2[1]"),
        ("{% if ctx().l %}\n  yes\n{% endif %}", "  yes\n"),
        ("{% set ctx = 3 %}{{ ctx }}", "3"),
    ],
)
def test_an_expression_gives_a_value_and_a_block_a_text(text: str, value: Any) -> None:
    assert evaluate(text, l=[1, 2], d={"a": [1]}) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ ctx().nope }}", "There are unresolved variables: ctx().nope"),
        ("{{ ctx()['a.b'] }} {{ foo }} {{ 1 }}", "There are unresolved variables: ctx()['a.b'], foo"),
        (
            "{{ ctx().nope.x }}",
            "Unable to evaluate expression '{{ ctx().nope.x }}'. "
            "UndefinedError: 'dict object' has no attribute 'nope'",
        ),
        (
            "{{ ctx().n['x']['y'] }}",
            "Unable to evaluate expression '{{ ctx().n['x']['y'] }}'. "
            "UndefinedError: 'int object' has no attribute 'x'",
        ),
        (
            "{{ ctx('nope') }}",
            "Unable to evaluate expression '{{ ctx('nope') }}'. "
            'VariableUndefinedError: The variable "nope" is undefined.',
        ),
        ("{{ ctx().__state }}", "There are unresolved variables: ctx().__state"),
        (
            '{{ task("t") }}',
            "Unable to evaluate expression '{{ task(\"t\") }}'. "
            'ExpressionEvaluationException: Unable to find task execution for "t".',
        ),
        (
            "{{ 1 | nothing }}",
            "Unable to evaluate expression '{{ 1 | nothing }}'. TemplateAssertionError: No filter",
        ),
        (
            "{{ 'a' | to_complex }}",
            "Unable to evaluate expression '{{ 'a' | to_complex }}'. TemplateAssertionError",
        ),
        ("{{ 1 / 0 }}", "Unable to evaluate expression '{{ 1 / 0 }}'. ZeroDivisionError: division by zero"),
        (
            "{% if true %}{{ ctx().nope }}{% endif %}",
            "Unable to evaluate expression '{% if true %}{{ ctx().nope }}{% endif %}'. UndefinedError: "
            "'dict object' has no attribute 'nope'",
        ),
    ],
)
def test_a_failure_begins_as_orquestas_does(text: str, words: str) -> None:
    assert refusal(text, n=1, __state=2).startswith(f"JinjaEvaluationException: {words}")


def test_values_of_the_workflow_are_shared_and_cannot_be_changed() -> None:
    d = {"a": [1]}
    assert evaluate("{{ ctx().d }}", d=d) is d
    assert "SecurityError" in refusal("{{ ctx().d.a.append(2) }}", d=d)
    assert "SecurityError" in refusal("{% set x = ctx().d.update({'b': 1}) %}", d=d)
    assert d == {"a": [1]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{% raw %}{{ a }}{% endraw %}-{{ ctx().n }}-{%- raw -%}{% x %}{%- endraw -%}", "{{ a }}-1-{% x %}"),
        ("{% raw %}{% raw %}{{ a }}{% endraw %}{{ ctx().n }}", "{% raw %}{{ a }}1"),
    ],
)
def test_raw_blocks_stay_as_they_are_written(text: str, value: str) -> None:
    assert evaluate(text, n=1) == value


@pytest.mark.timeout(60)
def test_raw_blocks_without_an_end_do_not_hold_the_server() -> None:
    text = "{% raw %}" * 50_000
    assert without_raw(text) == (text, ())


@pytest.mark.timeout(60)
def test_many_raw_blocks_do_not_hold_the_server_either() -> None:
    text = "{% raw %}x{% endraw %}" * 200_000
    assert with_raw(*without_raw(text)) == "x" * 200_000


def test_data_that_looks_like_a_raw_block_stays_data() -> None:
    assert with_raw("\0007\0 \0000\0", ("<\0000\0>",)) == "\0007\0 <\0000\0>"
