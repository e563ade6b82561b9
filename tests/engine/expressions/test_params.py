"""Parameters: from what a caller gives to what a run gets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadContent, BadParameter, BadTemplate
from engine.expressions.params import Plans
from engine.specs.runner_type import RUNNER_TYPES
from tests.engine.expressions.world import action, plan, scope

S = scope()
ECHO = {
    "message": {"type": "string", "required": True},
    "cmd": {"immutable": True, "default": 'echo "{{message}}"'},
}


def test_what_is_stored_is_what_was_given() -> None:
    assert plan("local-shell-cmd").live({"cmd": "date"}, scope=S) == {"cmd": "date"}


def test_every_parameter_reaches_the_run() -> None:
    made = plan("local-shell-cmd", extra={"type": "string"}).final({"cmd": "date"}, scope=S)
    assert made.action == {"extra": None}
    assert made.runner["cmd"] == "date"
    assert made.runner["timeout"] == 60
    assert made.runner.keys() == RUNNER_TYPES["local-shell-cmd"].parameters.keys()


def test_a_name_that_runner_and_action_share_belongs_to_the_runner() -> None:
    made = plan(timeout={"default": 5}).final({}, scope=S)
    assert made.runner["timeout"] == 5
    assert "timeout" not in made.action


def test_an_action_cannot_change_the_type_of_a_runner_parameter() -> None:
    with pytest.raises(BadContent) as caught:
        plan("local-shell-cmd", cmd={"type": "integer"})
    assert caught.value.message == (
        'The attribute "type" for the runner parameter "cmd" in action "p.a" cannot be overridden.'
    )


def test_what_a_runner_fixes_stays_fixed() -> None:
    with pytest.raises(
        BadParameter, match=r"Override of immutable parameter\(s\) \['parallel'\] is unsupported."
    ):
        plan("remote-shell-cmd", parallel={"immutable": False}).live(
            {"hosts": "h", "parallel": True}, scope=S
        )


@pytest.mark.parametrize(
    ("given_", "message", "hint"),
    [
        ({}, "'message' is a required property", "action show p.a"),
        (
            {"message": "x", "mesage": "y"},
            "Additional properties are not allowed ('mesage' was unexpected)",
            "message?",
        ),
        ({"message": "x", "cmd": "y"}, "Override of immutable parameter(s) ['cmd'] is unsupported.", "Leave"),
        ({"message": 5}, 'Value "5" must either be a string or None. Got "int".', '"message"'),
        ({"message": "x", "timeout": "soon"}, "invalid literal for int() with base 10: 'soon'", '"timeout"'),
        ({"message": "x", "env": []}, "[] is not of type 'object', 'null'", '"env"'),
    ],
)
def test_a_wrong_parameter_is_refused_in_stackstorms_words(
    given_: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(BadParameter) as caught:
        plan("local-shell-cmd", **ECHO).live(given_, scope=S)
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_what_a_parameter_takes_is_said_in_words() -> None:
    with pytest.raises(BadParameter) as caught:
        plan("local-shell-cmd", stage={"type": "string", "enum": ["staging", "prod"]}).live(
            {"stage": "prd"}, scope=S
        )
    assert caught.value.message == "'prd' is not one of ['staging', 'prod']"
    assert caught.value.hint == 'The parameter "stage" takes: staging, prod.'


def test_texts_are_cast_to_the_declared_type() -> None:
    made = plan(n={"type": "integer"}, o={"type": "object"}, b={"type": "boolean"}).live(
        {"n": "5", "o": '{"a": 1}', "b": "true"}, scope=S
    )
    assert made == {"n": 5, "o": {"a": 1}, "b": True}


def test_a_default_with_a_template_is_rendered_and_stored() -> None:
    of_key = plan(n={"type": "integer", "default": "{{ st2kv.system.count }}", "required": True})
    assert of_key.live({}, scope=scope({"system.count": "7"})) == {"n": 7}


def test_plain_defaults_are_not_stored() -> None:
    assert plan(n={"type": "integer", "default": 5}).live({}, scope=S) == {}


def test_fixed_templates_are_rendered_at_the_start_of_the_run() -> None:
    echo = plan("local-shell-cmd", **ECHO)
    stored = echo.live({"message": "hi"}, scope=S)
    assert stored == {"message": "hi"}
    assert echo.final(stored, scope=S).runner["cmd"] == 'echo "hi"'


def test_templates_are_rendered_in_the_order_of_their_needs() -> None:
    chained = plan(
        c={"type": "string", "default": "{{ b }}c"},
        b={"type": "string", "default": "{{ a }}b"},
        a={"type": "string"},
    )
    assert chained.live({"a": "a"}, scope=S) == {"a": "a", "b": "ab", "c": "abc"}


def test_a_circle_is_named() -> None:
    circle = plan(a={"default": "{{ b }}"}, b={"default": "{{ a }}"}, c={"default": "{{ a }}"})
    with pytest.raises(BadTemplate) as caught:
        circle.live({}, scope=S)
    assert caught.value.message == (
        "Cyclic dependency found in the following variables: a, b. Likely the variable is referencing itself"
    )


def test_a_given_value_opens_the_circle() -> None:
    circle = plan(a={"default": "{{ b }}"}, b={"default": "{{ a }}"})
    assert circle.live({"a": "x"}, scope=S) == {"a": "x", "b": "x"}


def test_a_variable_that_nobody_knows_is_named() -> None:
    with pytest.raises(BadParameter, match='Dependency unsatisfied in variable "nobody"'):
        plan(a={"default": "{{ nobody }}"}).live({}, scope=S)


def test_a_template_that_fails_names_its_parameter() -> None:
    with pytest.raises(BadTemplate, match='Failed to render parameter "a": ZeroDivisionError'):
        plan(a={"default": "{{ 1 / 0 }}"}).live({}, scope=S)


def test_a_default_that_is_no_template_after_all_stays_text() -> None:
    assert plan(a={"type": "string", "default": "{{ broken"}).final({}, scope=S).action == {"a": "{{ broken"}


def test_members_of_lists_keep_the_type_of_a_lone_variable() -> None:
    listed = plan(
        n={"type": "integer"}, xs={"type": "array", "default": ["{{n}}", "{{ n }}", {"k": "{{n}}"}]}
    )
    assert listed.final({"n": 5}, scope=S).action["xs"] == [5, "5", {"k": 5}]


def test_templates_see_action_and_config_context_when_they_ask() -> None:
    asked: list[str] = []

    def config() -> dict[str, str]:
        asked.append("config")
        return {"host": "h"}

    keys = {"user.bob.k": "v", "user.ann.k": "hers"}
    s = scope(keys, user="bob", action_context={"api_user": "ann"}, config_context=config)
    seen = plan(a={"default": "{{ action_context.api_user }} {{ st2kv.user.k }} {{ config_context.host }}"})
    assert seen.live({}, scope=s) == {"a": "ann v h"}
    plan(a={"default": "{{ st2kv.user.k }}"}).live({}, scope=s)
    assert asked == ["config"]


def test_a_default_of_another_type_is_cast() -> None:
    odd = plan(s={"type": "string", "default": 5}, xs={"type": "array", "default": "a, b"})
    assert odd.live({}, scope=S) == {}
    assert odd.final({}, scope=S).action == {"s": "5", "xs": ["a", "b"]}


def test_a_default_that_cannot_be_cast_is_refused_when_it_is_needed() -> None:
    odd = plan(o={"type": "object", "default": "x"})
    assert odd.live({"o": {}}, scope=S) == {"o": {}}
    with pytest.raises(BadParameter, match="'x' is not of type 'object'"):
        odd.live({}, scope=S)


def test_defaults_are_not_shared_between_runs() -> None:
    listed = plan(xs={"type": "array", "default": [1]})
    listed.final({}, scope=S).action["xs"].append(2)
    assert listed.final({}, scope=S).action["xs"] == [1]


TEMPLATE_TEXTS = st.sampled_from(
    ["{{7*7}}", "{{ st2kv.system.x | decrypt_kv }}", "{% raw %}", "{{", "{{ cmd }}"]
)


@given(TEMPLATE_TEXTS, st.text())
def test_text_of_callers_stays_text(template: str, around: str) -> None:
    text = around + template
    every = plan(
        s={"type": "string"},
        xs={"type": "array"},
        o={"type": "object"},
        any={},
        d={"default": "{{ s }}", "type": "string"},
    )
    given_ = {"s": text, "xs": [text, {"k": text}], "o": {"k": [text]}, "any": text}
    stored = every.live(given_, scope=S)
    made = every.final(stored, scope=S)
    assert stored == {**given_, "d": text}
    assert made.action == {**given_, "d": text}


def test_templates_are_no_numbers() -> None:
    typed = plan(n={"type": "integer"}, f={"type": "number"}, b={"type": "boolean"})
    for name in ("n", "f", "b"):
        with pytest.raises(BadParameter):
            typed.live({name: "{{7*7}}"}, scope=S)


SECRETS = {
    "password": {"type": "string", "secret": True},
    "login": {
        "type": "object",
        "properties": {"user": {"type": "string"}, "pin": {"type": "integer", "secret": True}},
    },
    "tokens": {"type": "array", "items": {"type": "string", "secret": True}},
    "plain": {"type": "string"},
}


def test_secrets_are_masked_at_every_depth() -> None:
    given_ = {"password": "pw", "login": {"user": "u", "pin": 4711}, "tokens": ["t1", "t2"], "plain": "p"}
    secret = plan(**SECRETS)
    assert secret.mask(given_) == {
        "password": "********",
        "login": {"user": "u", "pin": "********"},
        "tokens": ["********", "********"],
        "plain": "p",
    }
    assert sorted(secret.secret_values(given_)) == ["4711", "pw", "t1", "t2"]
    assert secret.secret_names >= {"password", "login", "tokens"}
    assert given_["password"] == "pw"


def test_what_is_made_from_a_secret_is_secret() -> None:
    derived = plan(
        pw={"default": "{{ st2kv.system.pw | decrypt_kv }}"},
        url={"default": "https://u:{{ pw }}@h"},
        other={},
    )
    assert derived.secret_names == {"pw", "url"}
    stored = derived.live({}, scope=scope({"system.pw": "cipher:hidden"}))
    assert derived.mask(stored) == {"pw": "********", "url": "********"}


def test_what_a_template_decrypts_is_among_the_secrets_of_the_run() -> None:
    fixed = plan(
        "local-shell-cmd", cmd={"immutable": True, "default": "x {{ st2kv.system.pw | decrypt_kv }}"}
    )
    made = fixed.final({}, scope=scope({"system.pw": "cipher:hidden"}))
    assert made.runner["cmd"] == "x hidden"
    assert "hidden" in made.secrets


def test_a_secret_that_does_not_fit_is_not_shown() -> None:
    for schema in ({"type": "integer"}, {"type": "string", "maxLength": 3}, {"type": "object"}):
        with pytest.raises(BadParameter) as caught:
            plan(x={**schema, "secret": True}).live({"x": "hunter2"}, scope=S)
        assert "hunter2" not in str(caught.value)


def test_rules_may_render_what_they_give() -> None:
    s = scope({"system.k": "v"}, extra={"trigger": {"n": 5, "text": "{{7*7}}"}, "whole": {"n": 5}})
    made = plan(
        n={"type": "integer"}, s={"type": "string"}, xs={"type": "array"}, d={"default": "d"}
    ).render_trusted(
        {
            "n": "{{ trigger.n }}",
            "s": "{{ trigger.text }} {{ st2kv.system.k }} {{ n }} {{ d }}",
            "xs": ["{{n}}", "{{whole}}"],
            "unknown": "{{ trigger.n }}",
        },
        scope=s,
    )
    assert made == {"n": 5, "s": "{{7*7}} v 5 d", "xs": ["5", {"n": 5}], "unknown": "5"}


def test_the_magic_none_of_a_rule_is_null() -> None:
    made = plan(n={"type": "integer"}).render_trusted(
        {"n": "{{ trigger.n | use_none }}"}, scope=scope(extra={"trigger": {"n": None}})
    )
    assert made == {"n": None}


def test_a_plan_is_kept_until_the_action_changes() -> None:
    plans, first, second = Plans(), action(a={}), action(b={})
    assert plans.get(first) is plans.get(first)
    assert "b" in plans.get(second).parameters


def test_an_unknown_runner_is_named() -> None:
    with pytest.raises(
        BadContent, match=r"RunnerType local-shel-cmd is not found\. Did you mean local-shell-cmd\?"
    ):
        Plans().get(action("local-shel-cmd"))


def test_a_failing_template_does_not_show_the_secret_it_was_given() -> None:
    for text in ("{{ {}[pw].x }}", "{{ pw | version_bump_major }}"):
        odd = plan(pw={"type": "string", "secret": True}, d={"default": text})
        with pytest.raises(BadTemplate) as caught:
            odd.live({"pw": "hunter2!"}, scope=S)
        assert "hunter2" not in str(caught.value)


def test_a_failing_template_does_not_show_what_it_decrypted() -> None:
    odd = plan(d={"default": "{{ st2kv.system.pw | decrypt_kv | version_bump_major }}"})
    with pytest.raises(BadTemplate) as caught:
        odd.live({}, scope=scope({"system.pw": "cipher:hunter2!"}))
    assert "hunter2" not in str(caught.value)
