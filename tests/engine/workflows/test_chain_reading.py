"""Files of action chains: what loads, what is refused, and in which words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.content.check import Finding
from engine.content.folders import MANIFEST
from engine.content.loader import Places, load_places
from engine.content.reading import FileReader
from engine.errors import BadContent
from engine.workflows.chain import Chain
from engine.workflows.chain_lint import lint
from engine.workflows.chain_reading import read_chain

MANIFEST_TEXT = "name: ops\ndescription: d\nversion: 1.0.0\nauthor: a\nemail: a@example.com\n"

TWO = """\
chain:
  - name: first
    ref: core.local
    parameters: {cmd: "echo {{ name }}"}
    publish: {said: "{{ first.stdout }}"}
    on-success: second
  - name: second
    ref: core.noop
"""


def read(text: str) -> Chain:
    return read_chain(text, name="deploy.yaml")


def refused(text: str) -> BadContent:
    with pytest.raises(BadContent) as caught:
        read(text)
    return caught.value


def test_a_chain_is_read_with_its_tasks_in_order() -> None:
    chain = read(TWO)
    assert list(chain.nodes) == ["first", "second"]
    first = chain.nodes["first"]
    assert (first.ref, first.on_success, first.on_failure) == ("core.local", "second", "")
    assert first.parameters == {"cmd": "echo {{ name }}"}
    assert first.publish == {"said": "{{ first.stdout }}"}


def test_a_chain_without_default_starts_at_the_first_task_that_no_other_leads_to() -> None:
    chain = read(
        "chain:\n"
        "  - {name: b, ref: core.noop}\n"
        "  - {name: a, ref: core.noop, on-success: b, on-failure: c}\n"
        "  - {name: c, ref: core.noop}\n"
    )
    assert chain.default == "a"


def test_a_chain_in_a_circle_starts_at_its_first_task() -> None:
    chain = read(
        "chain:\n  - {name: b, ref: core.noop, on-success: a}\n  - {name: a, ref: core.noop, on-success: b}\n"
    )
    assert chain.default == "b"


def test_default_says_where_the_chain_starts() -> None:
    assert read(TWO + "default: second\n").default == "second"


def test_parameters_may_have_their_old_name() -> None:
    chain = read("chain:\n  - {name: a, ref: core.noop, params: {x: 1}}\n")
    assert chain.nodes["a"].parameters == {"x": 1}


def test_params_and_parameters_together_are_refused() -> None:
    error = refused("chain:\n  - name: a\n    ref: core.noop\n    parameters: {x: 1}\n    params: {y: 2}\n")
    assert error.message == ('Either "params" or "parameters" attribute needs to be provided, but not both')
    assert error.where == "deploy.yaml:5"


@pytest.mark.parametrize("key", ["on-success", "on-failure"])
def test_a_name_that_leads_nowhere_is_refused_with_its_line(key: str) -> None:
    error = refused(
        f"chain:\n  - name: a\n    ref: core.noop\n    {key}: secnd\n  - {{name: second, ref: x.y}}\n"
    )
    assert error.message == f'Unable to find node with name "secnd" referenced in "{key}" in task "a".'
    assert (error.where, error.hint) == ("deploy.yaml:4", "Did you mean second?")


def test_a_default_that_is_no_task_is_refused() -> None:
    error = refused(TWO + "default: third\n")
    assert error.message == 'Unable to find node with name "third" referenced in "default".'
    assert error.where == "deploy.yaml:9"


def test_names_that_look_like_templates_are_not_checked() -> None:
    chain = read('chain:\n  - {name: a, ref: core.noop, on-success: "{{ next }}"}\n')
    assert chain.nodes["a"].on_success == "{{ next }}"


def test_a_chain_without_tasks_is_refused() -> None:
    assert refused("chain: []\n").message == "Failed to find default node in deploy.yaml."


@pytest.mark.parametrize("key", ["name", "ref"])
def test_a_task_needs_a_name_and_an_action(key: str) -> None:
    task = {"name": "a", "ref": "core.noop"}
    del task[key]
    error = refused(f"chain:\n  - {task}\n")
    assert (error.message, error.where) == (f"{key!r} is a required property", "deploy.yaml:2")


def test_the_chain_itself_is_needed() -> None:
    assert refused("default: a\n").message == "'chain' is a required property"


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert refused(text).where == "deploy.yaml:1"


def test_yaml_that_does_not_parse_is_refused_with_its_line() -> None:
    error = refused("chain:\n  - name: a\n   ref: b\n")
    assert error.message.startswith("This is not valid YAML")
    assert error.where == "deploy.yaml:3"


def test_an_unknown_key_of_the_first_task_is_refused_with_the_nearest_known_one() -> None:
    error = refused("chain:\n  - name: a\n    ref: core.noop\n    on_success: b\n")
    assert error.message == "Additional properties are not allowed ('on_success' was unexpected)"
    assert (error.where, error.hint) == ("deploy.yaml:4", "Did you mean on-success?")


def test_later_tasks_may_have_unknown_keys_and_all_may_have_a_description() -> None:
    chain = read(
        "chain:\n"
        "  - {name: a, ref: core.noop, description: The first.}\n"
        "  - {name: b, ref: core.noop, description: The second., colour: red}\n"
    )
    assert list(chain.nodes) == ["a", "b"]


def test_an_unknown_key_of_the_file_is_refused() -> None:
    assert refused(TWO + "variables: {}\n").where == "deploy.yaml:9"


def test_null_counts_as_left_out() -> None:
    node = read("chain:\n  - name: a\n    ref: core.noop\n    parameters:\n    on-success:\n").nodes["a"]
    assert (node.parameters, node.on_success) == ({}, "")


def test_the_first_of_two_tasks_with_one_name_counts() -> None:
    chain = read("chain:\n  - {name: a, ref: core.noop}\n  - {name: a, ref: core.local}\n")
    assert [node.ref for node in chain.nodes.values()] == ["core.noop"]


def test_the_notify_section_of_a_task_is_checked() -> None:
    error = refused("chain:\n  - name: a\n    ref: core.noop\n    notify: {on-end: {routes: [chat]}}\n")
    assert "'on-end' was unexpected" in error.message
    assert error.where == "deploy.yaml:4"


def test_dates_of_yaml_are_texts() -> None:
    assert read("chain: [{name: a, ref: x.y}]\nvars: {day: 2026-01-31}\n").vars == {"day": "2026-01-31"}


def test_the_same_text_has_the_same_digest() -> None:
    assert read(TWO).digest == read(TWO).digest != read(TWO + "\n").digest


# stormcrow pack check


@pytest.fixture
def findings(tmp_path: Path) -> Callable[[str], list[Finding]]:
    pack = tmp_path / "ops"
    (pack / "actions").mkdir(parents=True)
    (pack / MANIFEST).write_text(MANIFEST_TEXT, "utf-8")
    (pack / "actions" / "deploy.meta.yaml").write_text(
        "name: deploy\nrunner_type: action-chain\nentry_point: chains/deploy.yaml\n", "utf-8"
    )
    (pack / "actions" / "greet.yaml").write_text(
        "name: greet\nrunner_type: noop\nparameters:\n  whom: {type: string, required: true}\n", "utf-8"
    )
    (pack / "actions" / "chains").mkdir()

    def find(text: str) -> list[Finding]:
        (pack / "actions" / "chains" / "deploy.yaml").write_text(text, "utf-8")
        registry = load_places(Places(bases=(tmp_path,)), FileReader(tmp_path))
        return lint(registry)

    return find


def test_the_check_finds_nothing_wrong_with_a_good_chain(findings: Callable[[str], list[Finding]]) -> None:
    assert findings("chain:\n  - {name: a, ref: ops.greet, parameters: {whom: you}}\n") == []


@pytest.mark.parametrize(
    ("text", "line", "severity", "words"),
    [
        ("chain:\n  - {name: a, ref: ops.greet, on-success: b}\n", 2, "error", "Unable to find node"),
        ("chain:\n  - {name: a, ref: ops.gret}\n", 2, "error", "names ops.gret, which is not there"),
        ("chain:\n  - {name: a, ref: slack.post}\n", 2, "warning", "of a pack that is not there"),
        ('chain:\n  - {name: a, ref: "{{ x }}"}\n', 2, "error", 'action of task "a" is a template'),
        ("chain:\n  - {name: a, ref: ops.greet}\n", 2, "error", "does not give whom"),
        (
            "chain:\n  - {name: a, ref: ops.greet, parameters: {whom: x, who: y}}\n",
            2,
            "error",
            "gives who, and ops.greet has no such parameter",
        ),
        (
            "chain:\n  - {name: a, ref: ops.deploy}\n  - {name: a, ref: ops.deploy}\n",
            3,
            "warning",
            'A second task "a" never runs.',
        ),
        (
            "chain:\n  - {name: a, ref: ops.deploy}\n  - name: b\n    ref: ops.deploy\n    on_success: a\n",
            5,
            "warning",
            '"on_success" in task "b" is not read.',
        ),
        (
            'chain:\n  - {name: a, ref: ops.deploy, on-success: "{{ b }}"}\n',
            2,
            "warning",
            '"on-success" in task "a" is a template',
        ),
        (
            'chain:\n  - {name: a, ref: ops.deploy}\ndefault: "{{ b }}"\n',
            3,
            "error",
            "nothing would run",
        ),
        (
            "chain:\n  - {name: a, ref: ops.deploy}\nvars: {x: 1, x: 2}\n",
            3,
            "warning",
            "'x' is written twice",
        ),
    ],
)
def test_the_check_names_file_and_line(
    findings: Callable[[str], list[Finding]], text: str, line: int, severity: str, words: str
) -> None:
    [found] = findings(text)
    assert (found.where, found.severity) == (f"ops/actions/chains/deploy.yaml:{line}", severity)
    assert words in found.text
    assert found.hint
