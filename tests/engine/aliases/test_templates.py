"""Acknowledgements and results."""

from typing import Any

import pytest

from engine.aliases.templates import AliasTemplates
from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings
from engine.specs.alias import AliasAck, AliasResult
from tests.engine.aliases.builders import alias

TEXTS = AliasTemplates(Templates(TemplateSettings()))


def view(runner: str, result: Any, **more: Any) -> dict[str, Any]:
    base = {
        "id": "65f000000000000000abcdef",
        "status": "succeeded",
        "action": {"ref": "demo.work"},
        "runner": {"name": runner},
        "parameters": {"app": "web"},
        "elapsed_seconds": 62.4,
        "web_url": "http://h/chat#execution/1",
        "result": result,
    }
    return {**base, **more}


def test_an_acknowledgement_sees_the_execution_and_the_alias() -> None:
    ack = AliasAck(format="{{ actionalias.name }} {{ execution.id[-6:] }} for {{ execution.parameters.app }}")
    text, extra = TEXTS.ack(
        alias("go", "go", ack=ack), execution=view("noop", None), actionalias={"name": "go"}
    )
    assert (text, extra) == ("go abcdef for web", {})


def test_an_undefined_name_in_an_acknowledgement_is_told_in_stackstorms_words() -> None:
    text, _ = TEXTS.ack(
        alias("go", "go", ack=AliasAck(format="{{ cmd }}")), execution=view("noop", None), actionalias={}
    )
    assert text == 'Cannot render "format" in field "ack" for alias. \'cmd\' is undefined'


def test_the_extra_of_an_acknowledgement_sees_its_message() -> None:
    ack = AliasAck(format="hello", extra={"slack": {"text": "{{ message }}!", "short": True}})
    _, extra = TEXTS.ack(alias("go", "go", ack=ack), execution=view("noop", None), actionalias={})
    assert extra == {"slack": {"text": "hello!", "short": True}}


def test_a_disabled_acknowledgement_says_nothing() -> None:
    ack = AliasAck(enabled=False, format="hello")
    assert TEXTS.ack(alias("go", "go", ack=ack), execution=view("noop", None), actionalias={}) == ("", {})


def test_a_result_template_is_lenient_and_keeps_the_split_mark() -> None:
    result = AliasResult(
        format="done{~}{% for k, v in execution.result.iteritems() %}{{k}}={{v}} {% endfor %}{{x}}"
    )
    enabled, text, _ = TEXTS.result(alias("go", "go", result=result), execution=view("noop", {"a": 1}))
    assert (enabled, text) == (True, "done{~}a=1 ")


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("{% for k, v in six.iteritems(execution.result) %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ six.text_type(execution.result.a) }}", "1"),
        ("{{ alias.name }}", "go"),
    ],
)
def test_a_result_template_has_six_and_the_alias(format: str, text: str) -> None:
    made = TEXTS.result(
        alias("go", "go", result=AliasResult(format=format)), execution=view("noop", {"a": 1})
    )
    assert made[1] == text


def test_text_of_the_output_is_never_a_template() -> None:
    result = AliasResult(format="{{ execution.result.out }}", extra={"color": "{{ execution.result.out }}"})
    made = TEXTS.result(alias("go", "go", result=result), execution=view("noop", {"out": "{{ 7 * 7 }}"}))
    assert made == (True, "{{ 7 * 7 }}", {"color": "{{ 7 * 7 }}"})


def test_a_disabled_result_is_not_posted() -> None:
    made = TEXTS.result(alias("go", "go", result=AliasResult(enabled=False)), execution=view("noop", None))
    assert made == (False, HEAD, {})


def test_a_result_template_that_fails_does_not_hide_the_result() -> None:
    made = TEXTS.result(
        alias("go", "go", result=AliasResult(format="{{ 1 / 0 }}")), execution=view("noop", {"a": "kept"})
    )
    assert made[1].startswith(
        'Cannot render "format" in field "result" for alias. ZeroDivisionError: division by zero'
    )
    assert made[1].endswith("a: kept")


HEAD = "demo.work: succeeded\nexecution 65f000000000000000abcdef · took 1m2s · http://h/chat#execution/1"


@pytest.mark.parametrize(
    ("runner", "result", "shown"),
    [
        ("local-shell-cmd", {"stdout": "a\nb", "stderr": "", "return_code": 0}, "\nstdout:\na\nb"),
        ("local-shell-cmd", {"stdout": "", "stderr": "no", "return_code": 1}, "\nstderr: no\nreturn_code: 1"),
        ("remote-shell-cmd", {"h1": {"stdout": "x", "failed": False}}, "\nh1:\n  stdout: x"),
        ("python-script", {"result": False, "stdout": "", "exit_code": 0}, "\nresult: false"),
        ("http-request", {"status_code": 200, "body": {"k": 1}}, '\nstatus_code: 200\nbody:\n{\n  "k": 1\n}'),
        ("noop", None, ""),
    ],
)
def test_the_default_result_shows_what_the_runner_gives(runner: str, result: Any, shown: str) -> None:
    assert TEXTS.result(alias("go", "go"), execution=view(runner, result))[1] == HEAD + shown


def test_an_execution_without_alias_gets_the_default_result() -> None:
    assert TEXTS.result(None, execution=view("noop", None)) == (True, HEAD, {})
