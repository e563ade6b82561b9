"""`stormcrow workflow`: inspected, drawn, rehearsed; a real run recorded and replayed."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

from tests.bot.cli.conftest import Shell
from tests.engine.world import wait_until

FLOW = """\
version: 1.0
input: [name]
tasks:
  greet:
    action: core.echo message="<% ctx().name %>"
    next:
      - when: <% succeeded() %>
        publish: said=<% result().stdout %>
        do: done
  done:
    action: core.noop
output:
  - said: <% ctx().said %>
"""
REHEARSAL = """\
workflow: flow.yaml
inputs: {name: Ada}
mock_action_executions:
  - {task_id: greet, result_path: greet.json}
expected_task_sequence: [greet, done]
expected_output: {said: Hello}
"""


def test_a_good_workflow_is_praised(shell: Shell) -> None:
    Path("flow.yaml").write_text(FLOW, encoding="utf-8")
    done = shell("workflow", "inspect", "flow.yaml")
    assert (done.exit_code, done.output) == (0, "Nothing is wrong with it.\n")


def test_what_is_wrong_is_told_with_its_line(shell: Shell) -> None:
    text = FLOW.replace("core.noop", "core.nope").replace("do: done", "do: dune")
    Path("flow.yaml").write_text(text, encoding="utf-8")
    done = shell("workflow", "inspect", "flow.yaml")
    assert done.exit_code == 1
    assert 'flow.yaml:9: tasks.greet.next[0].do: The task "dune" is not defined.' in done.output
    assert 'flow.yaml:11: tasks.done.action: The action "core.nope" is not registered' in done.output


def test_problems_come_as_json_too(shell: Shell) -> None:
    Path("flow.yaml").write_text(FLOW.replace("ctx().name", "ctx().nome"), encoding="utf-8")
    [found] = json.loads(shell("workflow", "inspect", "flow.yaml", "--json").output)
    assert (found["severity"], found["where"]) == ("error", "flow.yaml:5")


def test_an_action_stands_for_its_workflow(shell: Shell) -> None:
    assert shell("workflow", "inspect", "examples.release").exit_code == 0
    assert "● stage" in shell("workflow", "graph", "examples.release").output
    assert shell("workflow", "graph", "examples.release", "--format", "dot").output.startswith("digraph")


def test_an_action_that_is_no_workflow_is_refused(shell: Shell) -> None:
    done = shell("workflow", "inspect", "core.local")
    assert done.exit_code == 2
    assert "no Orquesta workflow" in done.output
    assert shell("workflow", "graph", "core.nothing").exit_code == 4


def test_rehearsals_tell_what_went_otherwise(shell: Shell) -> None:
    Path("flow.yaml").write_text(FLOW, encoding="utf-8")
    Path("greet.json").write_text('{"stdout": "Hello"}', encoding="utf-8")
    Path("good.yaml").write_text(REHEARSAL, encoding="utf-8")
    Path("bad.yaml").write_text(REHEARSAL.replace("said: Hello", "said: Bye"), encoding="utf-8")
    assert shell("workflow", "rehearse", "good.yaml").output == "ok good.yaml\n"
    done = shell("workflow", "rehearse", "good.yaml", "bad.yaml", "--junit", "out.xml")
    assert done.exit_code == 1
    assert "output: expected {'said': 'Bye'}, found {'said': 'Hello'}" in done.output
    suite = ET.fromstring(Path("out.xml").read_text(encoding="utf-8"))
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")


def test_a_rehearsal_without_its_workflow_is_told(shell: Shell) -> None:
    Path("lost.yaml").write_text(REHEARSAL, encoding="utf-8")
    done = shell("workflow", "rehearse", "lost.yaml")
    assert done.exit_code == 4
    assert "flow.yaml cannot be read" in done.output


def test_a_run_becomes_a_rehearsal_and_goes_the_same_way_again(shell: Shell) -> None:
    execution_id = str(shell.server.start("examples.survey", hosts=["a", "b-down"])["id"])
    wait_until(lambda: shell.server.engine.execution(execution_id).is_finished, timeout_s=20)
    done = shell("workflow", "record", execution_id, "-o", "run.yaml")
    assert done.exit_code == 0, done.output
    recorded = yaml.safe_load(Path("run.yaml").read_text(encoding="utf-8"))
    assert recorded["expected_task_sequence"] == ["ask_each", "report", "continue"]
    assert [mock.get("item_id") for mock in recorded["mock_action_executions"]] == [0, 1, None]
    assert shell("workflow", "rehearse", "run.yaml").output == "ok run.yaml\n"
    again = shell("workflow", "replay", execution_id)
    assert (again.exit_code, again.output) == (0, "It goes the same way.\n")
