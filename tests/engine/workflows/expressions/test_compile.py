"""Texts, lists and objects of a definition, with and without expressions."""

import pytest

from engine.workflows.expressions.compile import Problem, compile_value
from tests.engine.workflows.expressions.world import World, evaluate, refusal


def test_a_value_without_expressions_is_shared_as_it_is() -> None:
    value = {"a": [1, None, "x > 1 % 2"], "b": {"c": True}}
    compiled = compile_value(value)
    assert compiled.is_constant
    assert compiled.evaluate(World()) is value


def test_expressions_in_keys_values_and_lists_are_evaluated() -> None:
    value = {"<% 'k' + 'ey' %>": [1, {"z": "{{ 2 }}"}], "n": 3}
    assert evaluate(value) == {"key": [1, {"z": 2}], "n": 3}


def test_a_raw_value_is_given_as_it_is() -> None:
    assert evaluate({"a": {"x-raw": ["<% 1 %>", "{{ 2 }}"]}, "b": "<% 3 %>"}) == {
        "a": ["<% 1 %>", "{{ 2 }}"],
        "b": 3,
    }
    assert compile_value({"a": {"x-raw": "<% 1 %>"}}).is_constant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<% ctx().n %>", 7),
        ("<% ctx().none %>", None),
        ("n=<% ctx().n %>", "n=7"),
        ("<% ctx().n %> ", "7 "),
        ("x<% null %>", "xNone"),
        ("<% ctx().n %><% ctx().l %>", "7[1, 2]"),
        ("{{ ctx().n }}", 7),
        ("{{ none }}", None),
        ("{{ '3' }}", "3"),
        ("x{{ [1, 2] }}", "x[1, 2]"),
        ("{% for i in [1, 2] %}{{ i }},{% endfor %}", "1,2,"),
        ("{% raw %}{{ a }}{% endraw %} and {{ ctx().n }}", "{{ a }} and 7"),
    ],
)
def test_one_expression_keeps_its_type_and_others_become_text(text: str, value: object) -> None:
    assert evaluate(text, n=7, none=None, l=[1, 2]) == value


@pytest.mark.parametrize(
    "text", ["<% 1 +\n1 %>", "<% 1 +\n1 %>\n", "{{ 1 +\n1 }}\n", "  <%\n  1\n  + 1\n%>\n"]
)
def test_an_expression_may_go_over_lines_with_white_space_around_it(text: str) -> None:
    assert evaluate(text) == 2


def test_results_are_data_and_never_evaluated() -> None:
    world = World(variables={"y": "<% ctx(secret) %> {{ ctx('secret') }}", "secret": "S"})
    assert evaluate("<% ctx(y) %>", world) == "<% ctx(secret) %> {{ ctx('secret') }}"
    assert evaluate("{{ ctx('y') }}", world) == "<% ctx(secret) %> {{ ctx('secret') }}"
    assert evaluate("<% ctx(y) %> <% ctx(secret) %>", world).startswith("<% ctx(secret) %>")
    assert evaluate("{% if true %}{{ ctx('y') }}{% endif %}", world).endswith("{{ ctx('secret') }}")


def test_results_are_evaluated_again_where_that_was_asked_for() -> None:
    world = World(variables={"y": "<% ctx(z) %>", "z": "<% ctx(n) %>", "n": 7, "j": "{{ ctx('n') }}!"})
    assert compile_value("<% ctx(y) %>", evaluates_data=True).evaluate(world) == 7
    assert compile_value("{{ ctx('j') }}", evaluates_data=True).evaluate(world) == "7!"


def test_what_is_raw_is_not_evaluated_again_either() -> None:
    text = "{{ ctx().n }}{% for x in ctx().l %}{{ x }}{% endfor %} {% raw %}{{ 1 }}{% endraw %}"
    world = World(variables={"n": 7, "l": ["a", "{{ ctx().n }}"]})
    assert compile_value(text, evaluates_data=True).evaluate(world) == "7a7 {{ 1 }}"
    assert compile_value("{% raw %}{{ 1 }}{% endraw %}", evaluates_data=True).evaluate(world) == "{{ 1 }}"


def test_data_that_holds_itself_is_refused() -> None:
    compiled = compile_value("<% ctx(y) %>", evaluates_data=True)
    with pytest.raises(Exception, match="more than 20 times"):
        compiled.evaluate(World(variables={"y": "<% ctx(y) %>"}))


def test_what_does_not_parse_is_a_problem_with_its_language() -> None:
    found = compile_value({"a": "<% <% x %>", "b": ["{{ ctx('a' }} <% ctx(a) %>", "{{ ctx( }}"]}).problems
    assert found == (
        Problem(
            language="yaql",
            expression="<% <% x %>",
            message="Parse error: unexpected '<' at position 0 of expression '<% x'",
        ),
        Problem(
            language=None,
            expression="{{ ctx('a' }} <% ctx(a) %>",
            message="Expression with multiple types is not supported.",
        ),
        Problem(language="jinja", expression="{{ ctx( }}", message="unexpected '}', expected ')'"),
    )


def test_what_does_not_parse_fails_when_it_is_evaluated() -> None:
    assert refusal("<% 1 + %>").startswith(
        "YaqlEvaluationException: Unable to evaluate expression '<% 1 + %>'. YaqlGrammarException: "
    )
    assert refusal("{{ 1 + }}").startswith(
        "JinjaEvaluationException: Unable to evaluate expression '{{ 1 + }}'. TemplateSyntaxError:"
    )


def test_variables_are_the_names_that_ctx_is_asked_for() -> None:
    compiled = compile_value(
        [
            "<% ctx().qq + ctx(z).y + ctx().get(a) %>",
            "{{ ctx('w') }}",
            '<% ctx("v") %>',
            "<% ctx().__state %>",
        ]
    )
    assert compiled.variables == ("__state", "qq", "v", "w", "z")
    assert [reference.language for reference in compiled.references if reference.name == "w"] == ["jinja"]
