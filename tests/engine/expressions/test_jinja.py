"""Rendering: what templates see and give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadTemplate
from tests.engine.expressions.world import templates

T = templates()


def test_blocks_leave_no_blank_lines() -> None:
    assert T.render("{% if x %}\na\n{% endif %}\nb", {"x": 1}) == "a\nb"


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(BadTemplate, match="'nobody' is undefined"):
        T.render("{{ nobody }}", {})


def test_an_undefined_name_is_empty_when_lenient() -> None:
    assert T.render("<{{ nobody }}>", {}, lenient=True) == "<>"


def test_a_lenient_template_may_call_iteritems() -> None:
    text = "{% for k, v in d.iteritems() %}{{ k }}={{ v }};{% endfor %}"
    assert T.render(text, {"d": {"a": 1, "b": 2}}, lenient=True) == "a=1;b=2;"


def test_a_member_called_iteritems_is_not_hidden() -> None:
    assert T.render("{{ d.iteritems }}", {"d": {"iteritems": "mine"}}, lenient=True) == "mine"


def test_iteritems_is_unknown_to_strict_templates() -> None:
    with pytest.raises(BadTemplate):
        T.render("{{ d.iteritems() }}", {"d": {}})


@pytest.mark.parametrize(
    "text", ["{{", "{% if %}", "{{ 1/0 }}", "{{ [1][5].x }}", "{{ x|nofilter }}", "{{ {}['k'] }}"]
)
def test_every_failure_is_a_bad_template(text: str) -> None:
    with pytest.raises(BadTemplate):
        T.render(text, {"x": 1})


def test_templates_cannot_include_others() -> None:
    with pytest.raises(BadTemplate):
        T.render("{% include '/etc/passwd' %}", {})


def test_variables_are_the_names_from_outside() -> None:
    assert T.variables("{{ a.b }}{% set c = d %}{{ c }}{% for i in range(e) %}{{ i }}{% endfor %}") == {
        "a",
        "d",
        "e",
    }


def test_what_is_a_template_is_decided_by_two_tokens() -> None:
    assert [T.is_template(text) for text in ("{{ x }}", "{% set x=1 %}", "{x}", "{# c #}")] == [
        True,
        True,
        False,
        False,
    ]


def test_loops_conditions_macros_and_namespaces_work() -> None:
    text = (
        "{% macro hi(n) %}[{{ n }}]{% endmacro %}{% set ns = namespace(sum=0) %}"
        "{% for i in xs if i > 1 %}{% set ns.sum = ns.sum + i %}{{ hi(i) }}"
        "{{ ',' if not loop.last }}{% endfor %}={{ ns.sum }}"
    )
    assert T.render(text, {"xs": [1, 2, 3]}) == "[2],[3]=5"


def test_a_recursive_loop_works() -> None:
    text = "{% for n in tree recursive %}{{ n.v }}({{ loop(n.c) }}){% endfor %}"
    assert T.render(text, {"tree": [{"v": 1, "c": [{"v": 2, "c": []}]}]}) == "1(2())"


def test_usual_expressions_of_packs_render() -> None:
    context = {
        "execution": {"id": "0123456789", "result": {"stdout": "a\nb", "n": 3, "items": [{"k": 2}, {"k": 1}]}}
    }
    assert T.render("{{ execution.id[-6:] }}", context) == "456789"
    assert T.render("{{ execution.result.stdout.split('\n')|join('+') ~ '!' }}", context) == "a+b!"
    assert T.render("{{ execution.result['items']|map(attribute='k')|sort|list }}", context) == "[1, 2]"
    assert T.render("{{ 'yes' if execution.result.n in [1, 3] else 'no' }}", context) == "yes"
    assert T.render("{{ '%s-%02d' % ('a', 5) }}{{ '{:>4}'.format('x') }}", context) == "a-05   x"
    assert T.render(
        "{{ execution.result.stdout | truncate(3) }}{{ {'a': execution.id}|to_json_string }}", context
    )


def test_render_values_keeps_the_types_of_what_is_not_text() -> None:
    assert T.render_values(
        {"a": 1, "b": [True, None, "{{ x }}"], "c": {"{{ x }}": "{{ y }}"}}, {"x": 7, "y": "q"}
    ) == {
        "a": 1,
        "b": [True, None, "7"],
        "c": {"7": "q"},
    }


def test_render_values_takes_values_with_quotes() -> None:
    assert T.render_values({"a": ["{{ x }}"]}, {"x": 'say "hi" \\n'}) == {"a": ['say "hi" \\n']}


def test_render_values_without_context_changes_nothing() -> None:
    assert T.render_values({"a": "{{ x }}"}, {}) == {"a": "{{ x }}"}


def test_templates_see_the_whole_context() -> None:
    assert T.render_values({"a": "{{ __context.x }}"}, {"x": 1}) == {"a": "1"}


@given(st.text())
def test_rendered_data_is_not_rendered_again(text: str) -> None:
    data = text + "{{ 7*7 }}{% raw %}"
    assert T.render_values({"a": ["{{ x }}"]}, {"x": data}) == {"a": [data]}


def test_decrypted_values_are_told_to_the_caller() -> None:
    seen: list[str] = []
    assert T.render("{{ 'cipher:hidden' | decrypt_kv }}", {}, decrypted=seen) == "hidden"
    assert seen == ["hidden"]


def test_decrypting_nothing_names_the_key() -> None:
    with pytest.raises(BadTemplate, match="doesn't exist or it contains an empty string"):
        T.render("{{ '' | decrypt_kv }}", {})


def test_a_failure_to_decrypt_is_a_bad_template() -> None:
    with pytest.raises(BadTemplate, match="not a ciphertext"):
        T.render("{{ 'plain' | decrypt_kv }}", {})


def test_members_of_structures_keep_their_newlines() -> None:
    text = "{% if x %}\na\n{% endif %}\nb\n"
    assert T.render_values({"a": text, "l": [text, "plain\n"]}, {"x": 1}) == {
        "a": "a\nb",
        "l": ["\na\n\nb\n", "plain\n"],
    }
