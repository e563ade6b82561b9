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


def test_what_is_passed_over_is_told_and_is_no_error(shell: Shell) -> None:
    text = FLOW.replace("stdout %>\n        do", "stdout %>, word=hello\n        do")
    Path("flow.yaml").write_text(text, encoding="utf-8")
    done = shell("workflow", "inspect", "flow.yaml")
    assert done.exit_code == 0, done.output
    assert "flow.yaml:8: tasks.greet.next[0].publish: 'word=hello' is no `name=VALUE`" in done.output


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
    assert shell("workflow", "graph", "core.nothing").exit_code == 9


def write_rehearsals() -> None:
    Path("flow.yaml").write_text(FLOW, encoding="utf-8")
    Path("greet.json").write_text('{"stdout": "Hello"}', encoding="utf-8")
    Path("good.yaml").write_text(REHEARSAL, encoding="utf-8")
    Path("bad.yaml").write_text(REHEARSAL.replace("said: Hello", "said: Bye"), encoding="utf-8")


def test_rehearsals_tell_what_went_otherwise(shell: Shell) -> None:
    write_rehearsals()
    assert shell("workflow", "rehearse", "good.yaml").stdout == "ok good.yaml\n"
    done = shell("workflow", "rehearse", "good.yaml", "bad.yaml")
    assert done.exit_code == 1
    assert 'output.said: expected "Bye", found "Hello"' in done.stdout
    assert "2 rehearsals, 1 failed." in done.stderr


def test_a_rehearsal_that_cannot_be_run_stops_no_other(shell: Shell) -> None:
    write_rehearsals()
    lost = REHEARSAL.replace("workflow: flow.yaml", "workflow: gone.yaml")
    Path("broken.yaml").write_text(lost, encoding="utf-8")
    done = shell("workflow", "rehearse", "broken.yaml", "good.yaml", "--json")
    assert done.exit_code == 1
    broken, good = json.loads(done.stdout)
    assert "broken.yaml:1: There is no file gone.yaml." in broken["differences"][0]
    assert good == {"file": "good.yaml", "ok": True, "differences": []}


def test_a_folder_stands_for_its_rehearsals_and_they_find_the_workflow_above(shell: Shell) -> None:
    write_rehearsals()
    Path("tests").mkdir()
    Path("good.yaml").rename("tests/good.yaml")
    assert shell("workflow", "rehearse", "tests").stdout == "ok tests/good.yaml\n"
    assert shell("workflow", "rehearse", "nowhere").exit_code == 9


def test_junit_tells_failures_from_errors(shell: Shell) -> None:
    write_rehearsals()
    # A control character is no XML, however it is escaped.
    Path("greet.json").write_text('{"stdout": "Hel\\u001blo"}', encoding="utf-8")
    Path("broken.yaml").write_text("inputs: 3", encoding="utf-8")
    done = shell("workflow", "rehearse", "bad.yaml", "broken.yaml", "--junit", "out.xml")
    assert done.exit_code == 1
    suites = ET.fromstring(Path("out.xml").read_text(encoding="utf-8"))
    [suite] = suites
    counts = [suite.attrib[name] for name in ("tests", "failures", "errors")]
    assert counts == ["2", "1", "1"]
    assert [[part.tag for part in case] for case in suite] == [["failure"], ["error"]]


def ended(shell: Shell, action: str, **parameters: object) -> str:
    execution_id = str(shell.server.start(action, **parameters)["id"])
    wait_until(lambda: shell.server.engine.execution(execution_id).is_finished, timeout_s=60)
    return execution_id


def test_a_run_becomes_a_rehearsal_and_goes_the_same_way_again(shell: Shell) -> None:
    execution_id = ended(shell, "examples.survey", hosts=["a", "b-down"])
    Path("tests").mkdir()
    done = shell("workflow", "record", execution_id, "-o", "tests/run.yaml")
    assert done.exit_code == 0, done.output
    recorded = yaml.safe_load(Path("tests/run.yaml").read_text(encoding="utf-8"))
    assert recorded["inputs"] == {"hosts": ["a", "b-down"], "at_once": 2}
    assert not Path(recorded["workflow"]).is_absolute()
    assert recorded["expected_task_sequence"] == ["ask_each", "report", "continue"]
    assert "in_order" not in recorded
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
    wait_until(lambda: "probe.limited" in server.engine.registry.actions, timeout_s=60)
    first = str(server.start("probe.limited")["id"])
    wait_until(lambda: server.engine.execution(first).is_finished, timeout_s=60)
    recorded = json.loads(shell("workflow", "record", first, "--json").output)
    given = [(mock["task_id"], mock["status"]) for mock in recorded["mock_action_executions"]]
    assert given == [("tries", "failed"), ("tries", "failed"), ("waits", "timeout"), ("last", "failed")]
    assert shell("workflow", "replay", first).output == "It goes the same way.\n"
    (pack / "mark").touch()
    again = server.ask("POST", f"/executions/{first}/re_run", json={"tasks": ["last"]}).json()["id"]
    wait_until(lambda: server.engine.execution(again).is_finished, timeout_s=60)
    assert server.engine.execution(again).status == "succeeded"
    assert shell("workflow", "replay", again).output == "It goes the same way.\n"
    assert "went on as a later run" in shell("workflow", "replay", first).output
    changed = LIMITED.replace("do: waits", "do: last")
    (pack / "actions" / "limited.flow").write_text(changed, encoding="utf-8")
    done = shell("workflow", "replay", again)
    assert done.exit_code == 1
    assert "task_sequence: expected tries, waits, last, last; found tries, waits, last__r1" in done.output


def test_a_run_is_tried_with_another_definition(shell: Shell) -> None:
    execution_id = ended(shell, "examples.survey", hosts=["a"])
    shown = shell.server.get("/actions/views/entry_point/examples.survey").text
    Path("other.yaml").write_text(shown.replace("report:", "tell:").replace("do: report", "do: tell"))
    done = shell("workflow", "replay", execution_id, "--definition", "other.yaml")
    assert done.exit_code == 1
    assert "task_sequence: expected ask_each, report; found ask_each, tell" in done.stdout


def test_only_workflows_that_have_ended_are_recorded(shell: Shell) -> None:
    done = shell("workflow", "record", ended(shell, "core.noop"))
    assert done.exit_code == 2
    assert "is no Orquesta workflow" in done.stderr


def test_a_workflow_that_cannot_be_run_is_listed_as_unavailable(shell: Shell) -> None:
    actions = shell.server.engine.registry.packs["probe"].folder / "actions"
    (actions / "lost.flow").write_text(FLOW.replace("do: done", "do: dune"), encoding="utf-8")
    text = "name: lost\nrunner_type: orquesta\nentry_point: lost.flow\n"
    (actions / "lost.yaml").write_text(text, encoding="utf-8")
    assert 'probe/actions/lost.flow:9: tasks.greet.next[0].do: The task "dune"' in shell("reload").output
    assert "lost.flow:9" in shell("pack", "list").output
    (actions / "lost.yaml").unlink()
    (actions / "lost.flow").unlink()
    assert "lost.flow" not in shell("reload").output
