"""What the templates of a chain see, and what becomes of what they make."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.errors import BadParameter
from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings
from engine.workflows.action_chains import ActionChains
from engine.workflows.rehearse import RehearsalHost
from tests.engine.workflows.chain_hand import CONTEXT, ChainHand


def given(parameters: str, inputs: dict[str, Any] | None = None, **more: Any) -> Any:
    """What the only task of a chain is given."""
    hand = ChainHand(
        f"chain:\n  - name: c1\n    ref: core.noop\n    parameters: {parameters}\n", inputs, **more
    )
    assert hand.status == "running", hand.result
    return hand.given


def test_what_is_no_template_keeps_its_type() -> None:
    written = "{a: 1, b: true, c: null, d: [1, x], e: {f: 1.5}, g: text}"
    assert given(written) == {"a": 1, "b": True, "c": None, "d": [1, "x"], "e": {"f": 1.5}, "g": "text"}


def test_what_a_template_makes_is_text() -> None:
    assert given('{a: "{{ n }}", b: "{{ n + 1 }}", c: "{{ list }}"}', {"n": 1, "list": [2, 3]}) == {
        "a": "1",
        "b": "2",
        "c": "[2, 3]",
    }


def test_lists_and_dicts_are_rendered_inside_and_keep_their_shape() -> None:
    made = given('{p: {"{{ k }}": ["{{ n }}", 7, {x: "a{{ n }}"}]}}', {"k": "key", "n": 1})
    assert made == {"p": {"key": ["1", 7, {"x": "a1"}]}}


def test_quotes_and_newlines_in_a_value_neither_break_a_list_nor_add_to_it() -> None:
    hostile = '", "admin": "yes'
    assert given('{p: {user: "{{ u }}"}, q: ["{{ u }}"]}', {"u": hostile}) == {
        "p": {"user": hostile},
        "q": [hostile],
    }
    assert given('{q: ["{{ u }}"]}', {"u": "a\nb\\n"}) == {"q": ["a\nb\\n"]}


def test_what_came_from_a_caller_or_a_result_is_never_a_template() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c1, ref: core.noop, publish: {said: '{{ c1.stdout }}'}, on-success: c2}\n"
        "  - name: c2\n    ref: core.noop\n"
        "    parameters: {a: '{{ who }}', b: '{{ said }}', c: '{{ c1.stdout }}'}\n",
        {"who": "{{ st2kv.system.secret }}"},
        keys={"system.secret": "s3cret"},
    )
    hand.end({"stdout": "{{ st2kv.system.secret }} {% raw %}"})
    words = "{{ st2kv.system.secret }} {% raw %}"
    assert hand.given == {"a": "{{ st2kv.system.secret }}", "b": words, "c": words}


def test_a_template_in_a_text_that_came_out_of_vars_stays_text() -> None:
    hand = ChainHand(
        "vars: {v: '{{ who }}'}\nchain:\n  - {name: c1, ref: x.y, parameters: {a: '{{ v }}'}}\n",
        {"who": "{{ 7 * 7 }}"},
    )
    assert hand.given == {"a": "{{ 7 * 7 }}"}


@pytest.mark.parametrize(
    ("inputs", "variables", "seen"),
    [
        ({"x": "parameter"}, {}, "parameter"),
        ({"x": "parameter"}, {"x": "variable"}, "variable"),
        ({"c1": "parameter"}, {}, "parameter"),
    ],
)
def test_variables_come_before_parameters(inputs: Any, variables: Any, seen: str) -> None:
    name = next(iter(inputs))
    hand = ChainHand(
        f"vars: {variables}\nchain:\n  - {{name: c1, ref: x.y, parameters: {{a: '{{{{ {name} }}}}'}}}}\n",
        inputs,
    )
    assert hand.given == {"a": seen}


def test_results_come_before_parameters_and_after_variables() -> None:
    text = (
        "chain:\n"
        "  - {name: c1, ref: x.y, on-success: c2%s}\n"
        "  - {name: c2, ref: x.y, parameters: {a: '{{ c1 }}'}}\n"
    )
    hand = ChainHand(text % "", {"c1": "parameter"})
    hand.end("result")
    assert hand.given == {"a": "result"}
    hand = ChainHand(text % ", publish: {c1: variable}", {"c1": "parameter"})
    hand.end("result")
    assert hand.given == {"a": "variable"}


def test_all_results_are_seen_by_the_name_of_their_task() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c-1, ref: x.y, on-success: c2}\n"
        "  - {name: c2, ref: x.y, on-success: c3}\n"
        "  - name: c3\n    ref: x.y\n    parameters:\n"
        "      a: \"{{ __results['c-1'].out }}\"\n"
        '      b: "{{ __results | to_json_string }}"\n'
        '      c: "{{ __context.c2.out }}"\n'
    )
    hand.end({"out": 1}, {"out": 2})
    assert (hand.given["a"], hand.given["c"]) == ("1", "2")
    assert '"c2"' in hand.given["b"]


def test_the_newest_result_of_a_task_counts() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: a, ref: x.y, parameters: {last: '{{ b.n if b is defined }}'}, on-success: b}\n"
        "  - {name: b, ref: x.y, on-success: a}\n"
    )
    hand.end({}, {"n": 1}, {}, {"n": 2})
    assert hand.given == {"last": "2"}


def test_a_task_that_could_not_be_requested_has_its_error_as_result() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c1, ref: x.y, on-failure: c2}\n"
        "  - {name: c2, ref: x.y, parameters: {why: '{{ c1.error }}'}}\n"
    )
    hand.refuse(BadParameter("no such parameter"))
    assert hand.given == {"why": 'Failed running task "c1".. no such parameter'}


# the datastore, the configuration


class Listening(RehearsalHost):
    """Keeps what it is told of secrets."""

    def learn(self, secrets: Sequence[str]) -> None:
        self.ended["heard"] = list(secrets)


@pytest.mark.parametrize("text", ["{{ st2kv.system.a.b }}", "{{ st2kv.system['a.b'] }}", "{{ system.a.b }}"])
def test_parameters_read_the_datastore(text: str) -> None:
    assert given(f'{{x: "{text}"}}', keys={"system.a.b": "value"}) == {"x": "value"}


def test_a_key_that_is_not_there_is_empty() -> None:
    assert given('{x: "<{{ st2kv.system.nothing }}>"}') == {"x": "<>"}


def test_vars_read_the_datastore_and_the_parameters_and_are_rendered_once() -> None:
    hand = ChainHand(
        "vars: {a: '{{ st2kv.system.k }}', b: '{{ st2kv.user.k }}', c: 'x{{ p }}', n: 9101}\n"
        "chain:\n  - {name: c1, ref: x.y, parameters: {v: '{{ a }}{{ b }}{{ c }}{{ n + 1 }}'}}\n",
        {"p": "p"},
        keys={"system.k": "1", "user.k": "2"},
    )
    assert hand.given == {"v": "12xp9102"}


def test_the_configuration_of_the_pack_is_there() -> None:
    assert given('{x: "{{ config_context.host }}"}') == {"x": "db1"}


def test_what_a_template_decrypts_is_told_to_the_host() -> None:
    host = Listening(keys={"system.k": "cipher"})
    language = ActionChains(Templates(TemplateSettings(), decrypt=lambda text: f"clear-{text}"))
    plan = language.plan(
        "vars: {k: '{{ st2kv.system.k | decrypt_kv }}'}\n"
        "chain:\n  - {name: c1, ref: x.y, parameters: {a: '{{ k }}'}}\n"
    )
    conductor = language.begin(plan, context=CONTEXT, inputs={}, host=host)
    assert conductor.work().calls[0].input == {"a": "clear-cipher"}
    assert host.ended["heard"] == ["clear-cipher"]


# publishing


def test_published_variables_are_seen_by_all_later_tasks() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c1, ref: x.y, publish: {o1: '{{ c1.n }}', l: ['{{ c1.n }}', 2]}, on-success: c2}\n"
        "  - {name: c2, ref: x.y, on-success: c3}\n"
        "  - {name: c3, ref: x.y, parameters: {p: '{{ o1 }} {{ l[0] }}'}}\n"
    )
    hand.end({"n": 5}, {})
    assert hand.given == {"p": "5 5"}
    assert hand.published == {"o1": "5", "l": ["5", 2]}


def test_a_task_that_failed_publishes_too() -> None:
    hand = ChainHand("chain:\n  - {name: c1, ref: x.y, publish: {why: '{{ c1.error }}'}}\n")
    hand.turn("failed", {"error": "no room"})
    assert hand.published == {"why": "no room"}


def test_what_is_published_again_is_replaced() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c1, ref: x.y, publish: {g: {a: 1, b: 2}}, on-success: c2}\n"
        "  - {name: c2, ref: x.y, publish: {g: {c: '{{ g.a }}'}}}\n"
    )
    hand.end({}, {})
    assert hand.published == {"g": {"c": "1"}}


def test_vars_are_not_published_until_a_task_does() -> None:
    hand = ChainHand("vars: {a: 1}\nchain:\n  - {name: c1, ref: x.y, publish: {b: '{{ a }}'}}\n")
    hand.end({})
    assert hand.published == {"b": "1"}
