"""Workflows in the API: inspected, their tasks, paused, resumed and run again."""

from tests.engine.api.running import Running

GOOD = "version: 1.0\ntasks:\n  t1:\n    action: core.noop\n"


def inspected(server: Running, text: str) -> object:
    answer = server.ask("POST", "/workflows/inspect", data=text, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_good_definition_has_no_problems(server: Running) -> None:
    assert inspected(server, GOOD) == []


def test_problems_come_as_stackstorms_flat_list(server: Running) -> None:
    text = GOOD.replace("core.noop", "std.noop\n    next:\n      - when: <% ctx().x %>\n        do: t1b")
    found = inspected(server, text)
    assert isinstance(found, list)
    assert [(one["type"], one.get("language"), one["spec_path"]) for one in found] == [
        ("content", None, "tasks.t1.action"),
        ("context", "yaql", "tasks.t1.next[0].when"),
        ("semantic", None, "tasks.t1.next[0].do"),
    ]


def test_parameters_are_held_against_the_action(server: Running) -> None:
    text = "version: 1.0\ntasks:\n  t1: {action: core.local, input: {command: date}}\n"
    found = inspected(server, text)
    assert isinstance(found, list)
    assert [one["message"] for one in found] == [
        'Action "core.local" is missing required input "cmd".',
        'Action "core.local" has unexpected input "command".',
    ]
    assert [one["spec_path"] for one in found] == ["tasks.t1.input", "tasks.t1.input.command"]
    assert str(found[1]["schema_path"]).endswith(r".properties.input.patternProperties.^\w+$")


def test_an_unquoted_word_is_taken_for_a_part_of_the_action_as_by_stackstorm(server: Running) -> None:
    found = inspected(server, GOOD.replace("core.noop", "core.echo message=hello"))
    assert isinstance(found, list)
    assert [one["message"] for one in found] == [
        'The action "core.echo message=hello" is not registered in the database.'
    ]


def test_an_action_without_a_pack_is_not_well_formed(server: Running) -> None:
    found = inspected(server, GOOD.replace("core.noop", "noop"))
    assert isinstance(found, list)
    assert [one["message"] for one in found] == ['The action reference "noop" is not formatted correctly.']


def test_what_is_no_yaml_is_refused(server: Running) -> None:
    answer = server.ask("POST", "/workflows/inspect", data="tasks: [", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    assert "not valid YAML" in answer.json()["faultstring"]
