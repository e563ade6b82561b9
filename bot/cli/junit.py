"""The report of an execution as JUnit's XML: a test case for each task of a workflow."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from bot.cli.exits import CODE_OF, Code
from bot.cli.outcomes import xml_text
from bot.cli.output import note, put, result_text
from bot.cli.reporting import Reporter, summary
from bot.cli.verdicts import Verdict

# Longer output is cut in the report; all of it is at the server.
_LONGEST = 65_536
_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# Ways of a task to end that are no fault of its own.
_SKIPPED = frozenset({"canceled", "abandoned"})


class JUnitReporter(Reporter):
    """XML on standard output, everything else on standard error."""

    wants_tasks = True
    wants_results = True

    def begin(self, execution: Mapping[str, Any], *, waits: bool) -> None:
        if not waits:
            note(str(execution["id"]))

    def output(self, text: str) -> None:
        put(text, nl=False, err=True)

    def end(self, verdict: Verdict) -> None:
        put(report(verdict).decode())
        note(summary(verdict.execution))


def report(verdict: Verdict) -> bytes:
    execution = verdict.execution
    action = xml_text(str(execution["action"]["ref"]))
    cases = [_task(action, task) for task in verdict.tasks]
    says_why = any(case.find("failure") is not None for case in cases)
    if not cases or (verdict.code != Code.OK and not says_why):
        # No task says why it did not succeed, or there are none: the whole is a case of its own.
        cases.append(_whole(action, verdict))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(1 for one in cases if one.find("failure") is not None)),
        "errors": str(sum(1 for one in cases if one.find("error") is not None)),
        "skipped": str(sum(1 for one in cases if one.find("skipped") is not None)),
        "time": f"{execution.get('elapsed_seconds') or 0:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": action, **counts})
    properties = ET.SubElement(suite, "properties")
    for name in ("id", "status", "web_url"):
        ET.SubElement(properties, "property", name=name, value=xml_text(str(execution.get(name, ""))))
    suite.extend(cases)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def _task(action: str, task: Mapping[str, Any]) -> ET.Element:
    name = str(task["task"])
    if (task.get("attempt") or 1) > 1:
        name = f"{name} (attempt {task['attempt']})"
    case = ET.Element("testcase", classname=action, name=xml_text(name), time=f"{_took_s(task):.3f}")
    status = str(task["status"])
    said = _text(f"{task.get('action') or name} is {status}")
    if status in _SKIPPED:
        ET.SubElement(case, "skipped", message=said)
    elif CODE_OF.get(status) not in (None, Code.OK):
        ids = " ".join(str(one) for one in task.get("execution_ids", ()))
        printed = result_text(task.get("result"))[:_LONGEST]
        ET.SubElement(case, "failure", message=said).text = _text(f"{printed}\nexecutions: {ids}".lstrip())
    return case


def _whole(action: str, verdict: Verdict) -> ET.Element:
    execution = verdict.execution
    took = f"{execution.get('elapsed_seconds') or 0:.3f}"
    case = ET.Element("testcase", classname=action, name=action, time=took)
    text = _text(result_text(execution.get("result"))[:_LONGEST])
    if verdict.code == Code.OK:
        ET.SubElement(case, "system-out").text = text
        return case
    kind = "failure" if verdict.code in (Code.FAILED, Code.REJECTED) else "error"
    message = _text(verdict.sentence or f"{action} is {execution['status']}")
    ET.SubElement(case, kind, message=message).text = text
    return case


def _text(text: str) -> str:
    """What XML can hold, without the colours of a terminal."""
    return xml_text(_COLOURS.sub("", text))


def _took_s(task: Mapping[str, Any]) -> float:
    started, ended = task.get("started_at"), task.get("ended_at")
    if not started or not ended:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
