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

LIMITED = """\
version: 1.0
tasks:
  tries:
    action: core.local cmd="exit 1"
    retry: {count: 1}
    next:
      - when: <% failed() %>
        do: waits
  waits:
    action: core.local cmd="sleep 60"
    x-timeout: 1
    next:
      - when: <% timedout() %>
        do: last
  last:
    action: core.local cmd="test -e MARK"
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
    Path("tests").mkdir()
    done = shell("workflow", "record", execution_id, "-o", "tests/run.yaml")
    assert done.exit_code == 0, done.output
    recorded = yaml.safe_load(Path("tests/run.yaml").read_text(encoding="utf-8"))
    assert recorded["inputs"] == {"hosts": ["a", "b-down"], "at_once": 2}
    assert not Path(recorded["workflow"]).is_absolute()
    assert recorded["expected_task_sequence"] == ["ask_each", "report", "continue"]
    items = [mock.get("item_id") for mock in recorded["mock_action_executions"]]
    assert sorted(items[:2]) == [0, 1]
    assert items[2] is None
    assert shell("workflow", "rehearse", "tests/run.yaml").output == "ok tests/run.yaml\n"
    for wanted in (execution_id, "tests/run.yaml"):
        again = shell("workflow", "replay", wanted)
        assert (again.exit_code, again.output) == (0, "It goes the same way.\n")


def test_retries_time_limits_and_reruns_are_recorded(shell: Shell) -> None:
    """The run stands for itself: what it gave is given again, in the order in which it ended."""
    server = shell.server
    pack = server.engine.registry.packs["probe"].folder
    (pack / "actions" / "limited.flow").write_text(
        LIMITED.replace("MARK", str(pack / "mark")), encoding="utf-8"
    )
    (pack / "actions" / "limited.yaml").write_text(
        "name: limited\nrunner_type: orquesta\nentry_point: limited.flow\n", encoding="utf-8"
    )
    server.ask("POST", "/packs/register", json={"types": ["actions"]})
    wait_until(lambda: "probe.limited" in server.engine.registry.actions, timeout_s=20)
    first = str(server.start("probe.limited")["id"])
    wait_until(lambda: server.engine.execution(first).is_finished, timeout_s=20)
    recorded = json.loads(shell("workflow", "record", first, "--json").output)
    given = [(mock["task_id"], mock["status"]) for mock in recorded["mock_action_executions"]]
    assert given == [("tries", "failed"), ("tries", "failed"), ("waits", "timeout"), ("last", "failed")]
    assert shell("workflow", "replay", first).output == "It goes the same way.\n"
    (pack / "mark").touch()
    again = server.ask("POST", f"/executions/{first}/re_run", json={"tasks": ["last"]}).json()["id"]
    wait_until(lambda: server.engine.execution(again).is_finished, timeout_s=20)
    assert server.engine.execution(again).status == "succeeded"
    assert shell("workflow", "replay", again).output == "It goes the same way.\n"
    assert "went on as a later run" in shell("workflow", "replay", first).output
    changed = LIMITED.replace("do: waits", "do: last")
    (pack / "actions" / "limited.flow").write_text(changed, encoding="utf-8")
    done = shell("workflow", "replay", again)
    assert done.exit_code == 1
    assert "task_sequence: expected ['tries', 'waits', 'last', 'last']" in done.output
