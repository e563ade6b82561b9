"""Actions and policies load with the strictness of StackStorm 3.9.0."""

import pytest

from engine.specs.runner_type import RUNNER_TYPES
from tests.engine.content.site import Site, only_trouble


def test_an_action_is_read_whole(site: Site) -> None:
    registry = site.action(
        "description: Says it.\nenabled: false\nentry_point: run.sh\nx-idempotent: true\n"
        "tags: [{name: a, value: b}]\nnotify: {on-success: {message: done, routes: [ops]}}\n"
        "parameters:\n  word: {type: string, required: true, secret: true, position: 0, default: hi}\n",
        runner="local-shell-script",
    )
    action = registry.action("demo.act")
    word = action.parameters["word"]
    assert (action.runner_type, action.enabled, action.entry_point) == ("local-shell-script", False, "run.sh")
    assert (word.type, word.required, word.secret, word.position, word.default) == (
        "string",
        True,
        True,
        0,
        "hi",
    )
    assert action.extensions == {"x-idempotent": True}
    assert action.metadata_file == "actions/act.yaml"
    assert action.entry_path == site.root / "packs/demo/actions/run.sh"


@pytest.mark.parametrize(
    "parameters",
    [
        "a: {}",
        "a: {description: no type}",
        "a: {type: string, default: 5}",
        "a: {type: boolean, default: 'no'}",
        "a: {type: array, default: null, items: {type: string}, enum: [x, y]}",
        "a: {type: object, properties: {b: {type: string, required: [x], filter: odd}}}",
        "a: {type: object, patternProperties: {'^x': {$ref: '#/properties/y'}}}",
        "a: {type: object, properties: {b: {type: [string, 'null']}}}",
        "a: {type: object, additionalProperties: false}",
        "a: {anyOf: [{type: string}, {type: integer}]}",
        "a: {type: string, position: 3}\n  b: {type: string, position: 4}",
        "a: {type: string, x-widget: list}",
        "a_1: {type: number, minimum: 1.5, maximum: 2, exclusiveMaximum: true}",
    ],
)
def test_odd_parameters_of_real_packs_are_accepted(site: Site, parameters: str) -> None:
    registry = site.action(f"parameters:\n  {parameters}\n")
    assert not registry.unavailable
    assert "demo.act" in registry.actions


@pytest.mark.parametrize(
    ("parameters", "reason", "line"),
    [
        ("a: {type: [string, integer]}", "is not valid under any of the given schemas", 4),
        ("a: {type: text}", "is not valid under any of the given schemas", 4),
        ("a: {type: string, requried: true}", "('requried' was unexpected)", 4),
        ("a: {type: string, required: 'yes'}", "required: 'yes' is not of type 'boolean'", 4),
        ("a: {type: string, description: null}", "description: None is not of type 'string'", 4),
        ("a-b: {type: string}", 'Parameter name "a-b" is invalid.', 4),
        ("a: null", "None is not of type 'object'", 4),
        ("a: {enum: []}", "too short", 4),
        ("a: {enum: [1, 1]}", "non-unique", 4),
        ("a: {position: -1}", "less than the minimum of 0", 4),
        ("a: {position: 0}\n  b: {position: 0}", "Parameters b and a have same position 0.", 5),
        ("a: {position: 0}\n  b: {position: 2}", "Positions supplied [0, 2] for parameters are not", 5),
        ("a: {type: string, immutable: true}", "Immutable param a requires a default value.", 4),
        ("a: {type: string, exclusiveMinimum: true}", "'minimum' is a dependency of 'exclusiveMinimum'", 4),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_line(
    site: Site, parameters: str, reason: str, line: int
) -> None:
    trouble = only_trouble(site.action(f"parameters:\n  {parameters}\n"))
    assert reason in trouble.reason
    assert (trouble.kind, trouble.pack, trouble.name) == ("action", "demo", "act")
    assert trouble.where == f"packs/demo/actions/act.yaml:{line}"


def test_an_immutable_parameter_may_lean_on_the_default_of_the_runner(site: Site) -> None:
    registry = site.action("parameters: {kwarg_op: {immutable: true}}", runner="local-shell-cmd")
    assert registry.action("demo.act").parameters["kwarg_op"].immutable


def test_an_immutable_parameter_of_the_runner_stays_so(site: Site) -> None:
    trouble = only_trouble(
        site.action("parameters: {parallel: {immutable: true, default: true}}", runner="remote-shell-cmd")
    )
    assert trouble.reason == "Param parallel is declared immutable in runner. Cannot override in action."


def test_only_some_attributes_of_a_runner_parameter_can_be_overridden(site: Site) -> None:
    trouble = only_trouble(site.action("parameters: {timeout: {type: string}}", runner="local-shell-cmd"))
    assert trouble.reason == (
        'The attribute "type" for the runner parameter "timeout" in action "demo.act" cannot be overridden.'
    )


def test_the_same_type_may_be_said_again(site: Site) -> None:
    registry = site.action("parameters: {timeout: {type: integer, default: 5}}", runner="local-shell-cmd")
    assert registry.action("demo.act").parameters["timeout"].default == 5


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("run-local", "local-shell-cmd"),
        ("run-python", "python-script"),
        ("run-remote-script", "remote-shell-script"),
        ("http-runner", "http-request"),
        ("orchestra", "orquesta"),
        ("local_shell_cmd", "local-shell-cmd"),
        *((name, name) for name in RUNNER_TYPES),
    ],
)
def test_old_names_of_runners_are_understood(site: Site, written: str, meant: str) -> None:
    assert site.action("", runner=written).action("demo.act").runner_type == meant


@pytest.mark.parametrize(("runner", "hint"), [("mistral-v2", "orquesta"), ("local-shel-cmd", "Did you mean")])
def test_an_unknown_runner_is_refused_with_advice(site: Site, runner: str, hint: str) -> None:
    trouble = only_trouble(site.action("", runner=runner))
    assert trouble.reason == f"RunnerType {runner} is not found."
    assert hint in trouble.hint
    assert trouble.where.endswith("act.yaml:2")


def test_an_unknown_key_of_an_action_names_the_nearest(site: Site) -> None:
    trouble = only_trouble(site.action("entrypoint: x\n"))
    assert trouble.reason == "Additional properties are not allowed ('entrypoint' was unexpected)"
    assert trouble.hint == "Did you mean entry_point?"
    assert trouble.where.endswith(":3")


@pytest.mark.parametrize("text", ["enabled: 'true'", "tags: {a: b}", "notify: {on-fail: {}}", "name: 5"])
def test_wrong_types_at_the_top_are_refused(site: Site, text: str) -> None:
    only_trouble(site.action(text))


def test_null_at_the_top_is_the_same_as_left_out(site: Site) -> None:
    text = "description:\nparameters:\nenabled:\nentry_point:\ntags:\nnotify:\noutput_schema:\npack:\n"
    assert site.action(text).action("demo.act").enabled


def test_the_pack_in_the_file_must_be_the_pack_of_the_folder(site: Site) -> None:
    trouble = only_trouble(site.action("pack: other\n"))
    assert trouble.reason == 'Model is in pack "demo" but field "pack" is different: other'


def test_names_with_dots_dashes_and_digits_are_right(site: Site) -> None:
    assert site.action("", name="chat.post-Message_2").action("demo.chat.post-Message_2").name


def test_a_missing_name_is_refused(site: Site) -> None:
    site.pack()
    site.write("packs/demo/actions/nameless.yaml", "runner_type: noop\n")
    trouble = only_trouble(site.load())
    assert (trouble.name, trouble.reason) == ("nameless", "'name' is a required property")


@pytest.mark.parametrize("entry", ["../../../../etc/passwd", "/etc/passwd", "a\\0b", "link/x.sh"])
def test_an_entry_point_outside_of_the_pack_is_refused(site: Site, entry: str) -> None:
    folder = site.pack()
    (folder / "actions").mkdir()
    (folder / "actions/link").symlink_to("/etc")
    trouble = only_trouble(site.action(f'entry_point: "{entry}"\n', runner="python-script"))
    assert "outside of the pack" in trouble.reason


def test_an_entry_point_elsewhere_in_the_pack_is_right(site: Site) -> None:
    assert not site.action("entry_point: ../lib/sub/x.py\n", runner="python-script").unavailable


def test_a_policy_gets_the_defaults_of_its_type(site: Site) -> None:
    site.pack()
    site.write(
        "packs/demo/policies/p.yaml",
        "name: p\nresource_ref: demo.act\npolicy_type: action.retry\nparameters: {retry_on: failure}\n",
    )
    policy = site.load().policies["demo.p"]
    assert policy.parameters == {"retry_on": "failure", "max_retry_count": 2, "delay": 0}


@pytest.mark.parametrize(
    ("kind", "parameters", "reason"),
    [
        ("action.concurency", "{}", 'Referenced policy_type "action.concurency" doesnt exist'),
        ("action.concurrency", "{}", "'threshold' is a required property"),
        ("action.concurrency", "{threshold: '1'}", "is not of type 'integer'"),
        ("action.concurrency", "{threshold: 1, action: drop}", "'drop' is not one of ['delay', 'cancel']"),
        ("action.retry", "{retry_on: timeout, max_retry_count: 6}", "is not from 1 to 5"),
        ("action.retry", "{retry_on: timeout, delays: 6}", "('delays' was unexpected)"),
    ],
)
def test_a_wrong_policy_is_refused(site: Site, kind: str, parameters: str, reason: str) -> None:
    site.pack()
    text = f"name: p\nresource_ref: demo.act\npolicy_type: {kind}\nparameters: {parameters}\n"
    site.write("packs/demo/policies/p.yaml", text)
    trouble = only_trouble(site.load())
    assert trouble.kind == "policy"
    assert reason in trouble.reason
