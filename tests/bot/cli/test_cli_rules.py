"""`rule`: tested without a server; listed, explained, tried on the past and released with one."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from engine.records.trigger import Event
from tests.bot.cli.conftest import Shell

RULE = """
name: disk
pack: probe
enabled: true
trigger:
  type: core.st2.webhook
  parameters: {url: disk}
criteria:
  trigger.body.status:
    type: equals
    pattern: firing
  trigger.body.used:
    type: gt
    pattern: 90
action: {ref: core.noop}
"""


def files(folder: Path, payload: Any, rule: str = RULE) -> tuple[str, str]:
    (folder / "disk.yaml").write_text(rule)
    (folder / "event.json").write_text(json.dumps(payload))
    return str(folder / "disk.yaml"), str(folder / "event.json")


def tried(*words: str, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, ["rule", "test", *words], input=stdin, env={"COLUMNS": "80"})


def test_a_match_is_exit_code_0_and_shows_every_criterion(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {"body": {"status": "firing", "used": 95}})
    done = tried("--rule", rule, "--event", event)
    assert done.exit_code == 0, done.output
    assert f"yes   trigger.body.status  {rule}:9" in done.stdout
    assert '      equals "firing"; it was "firing"' in done.stdout
    assert "probe.disk matches." in done.stdout


def test_no_match_is_exit_code_1_and_shows_what_was_there(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {"body": {"status": "firing", "used": 50}})
    done = tried("--rule", rule, "--event", event)
    assert done.exit_code == 1
    assert f"no    trigger.body.used  {rule}:12" in done.stdout
    assert "gt 90; it was 50" in done.stdout


def test_what_cannot_be_answered_says_why(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {"body": {"status": "firing", "used": "95"}})
    done = tried("--rule", rule, "--event", event)
    assert done.exit_code == 1
    assert "error trigger.body.used" in done.stdout
    assert "'>' not supported between instances of 'str' and 'int'" in done.stdout


def test_the_test_speaks_json(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {"body": {"status": "firing", "used": 50}})
    report = json.loads(tried("--rule", rule, "--event", event, "--json").stdout)
    assert report["matches"] is False
    assert report["criteria"][1] == {
        "key": "trigger.body.used",
        "result": "false",
        "operator": "gt",
        "pattern": 90,
        "value": 50,
        "where": f"{rule}:12",
    }


def test_an_event_may_name_its_trigger_as_in_stackstorms_tester(tmp_path: Path) -> None:
    payload = {"body": {"status": "firing", "used": 95}}
    given = {"trigger": "core.st2.webhook", "payload": payload}
    assert tried("-r", files(tmp_path, given)[0], "-e", str(tmp_path / "event.json")).exit_code == 0
    other = {"trigger": "other.thing", "payload": payload}
    done = tried("-r", files(tmp_path, other)[0], "-e", str(tmp_path / "event.json"))
    assert done.exit_code == 1
    assert "the event is of other.thing, the rule is on core.st2.webhook" in done.stdout
    wrong = {**given, "parameters": {"url": "other"}}
    assert tried("-r", files(tmp_path, wrong)[0], "-e", str(tmp_path / "event.json")).exit_code == 1


def test_an_event_comes_from_standard_input_too(tmp_path: Path) -> None:
    rule, _ = files(tmp_path, {})
    payload = "body: {status: firing, used: 95}"
    assert tried("-r", rule, "-e", "-", stdin=payload).exit_code == 0


def test_hints_are_told_beside_the_answer(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {"status": "firing"}, RULE.replace("enabled: true", "enabled: false"))
    done = tried("-r", rule, "-e", event)
    assert "The rule is disabled" in done.stderr
    assert "stands under `body`" in done.stderr


def test_secrets_of_an_event_are_hidden(tmp_path: Path) -> None:
    text = RULE.replace("trigger.body.used", "trigger.body.token")
    rule, event = files(tmp_path, {"body": {"status": "firing", "token": "tok-87654321"}}, text)
    done = tried("-r", rule, "-e", event)
    assert "********" in done.stdout
    assert "tok-87654321" not in done.output


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (RULE.replace("equals", "equal"), "operator equal not in list", 9),
        (RULE + "x-throttle: {once_within: soon}\n", "'soon' is not a time span", 15),
        (RULE + "criterion: {}\n", "'criterion' was unexpected", 15),
    ],
)
def test_a_wrong_rule_is_told_with_file_line_and_value(
    tmp_path: Path, text: str, message: str, line: int
) -> None:
    rule, event = files(tmp_path, {}, text.lstrip("\n"))
    done = tried("-r", rule, "-e", event)
    assert done.exit_code == 2
    assert message in done.stderr
    assert f"{rule}:{line}" in done.stderr


def test_files_that_are_not_there_are_exit_code_4(tmp_path: Path) -> None:
    rule, event = files(tmp_path, {})
    assert tried("-r", rule, "-e", str(tmp_path / "none")).exit_code == 9
    assert tried("-r", str(tmp_path / "none"), "-e", event).exit_code == 9


# with a server


@pytest.fixture
def event(shell: Shell) -> str:
    """The id of an event on which default.seen fired and default.held was held back."""
    document = {
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "cli-rules"}},
        "criteria": {"trigger.body.n": {"type": "gt", "pattern": 1}},
        "action": {"ref": "core.noop"},
    }
    engine = shell.server.engine
    engine.stored.put("rule", {**document, "name": "seen"}, user="ann")
    held = {**document, "name": "held", "x-budget": {"at_most": 1, "within": "1h", "on_exceed": "drop"}}
    engine.stored.put("rule", held, user="ann")
    for n in (5, 6):
        emitted = engine.emit(
            Event(trigger="core.st2.webhook", parameters={"url": "cli-rules"}, payload={"body": {"n": n}})
        )
    return emitted.instance.id


def test_rules_are_listed_and_shown(shell: Shell, event: str) -> None:
    del event
    listed = shell("rule", "list").stdout
    assert "default.held" in listed
    assert all(len(line) <= 80 for line in listed.splitlines())
    assert [one["ref"] for one in json.loads(shell("rule", "list", "-p", "probe", "--json").stdout)] == [
        "probe.on_file"
    ]
    shown = shell("rule", "show", "default.held").stdout
    assert "x-budget" in shown
    assert '"on_exceed": "drop"' in shown
    assert shell("rule", "show", "default.nothing").exit_code == 9


def test_an_event_is_explained_rule_by_rule(shell: Shell, event: str) -> None:
    done = shell("rule", "explain", event)
    assert done.exit_code == 0, done.output
    assert "default.seen: fired" in done.stdout
    assert "default.held: held" in done.stdout
    assert "x-budget" in done.stdout
    assert "gt 1; it was 6" in done.stdout
    found = json.loads(shell("rule", "explain", event, "--json").stdout)
    assert {one["ref"]: one["conclusion"] for one in found["rules"]}["default.seen"] == "fired"
    assert shell("rule", "explain", "0" * 24).exit_code == 9


def test_a_rule_is_tried_on_the_past_by_name_and_from_a_file(shell: Shell, event: str) -> None:
    done = shell("rule", "backtest", "default.held", "--since", "7d")
    assert done.exit_code == 0, done.output
    assert "x-budget held" in done.stdout
    Path("mine.yaml").write_text(
        "name: mine\ntrigger: {type: core.st2.webhook, parameters: {url: cli-rules}}\n"
        "criteria: {trigger.body.n: {type: eq, pattern: 6}}\naction: {ref: core.noop}\n"
    )
    found = json.loads(shell("rule", "backtest", "mine.yaml", "--json").stdout)
    assert event in [fire["trigger_instance"] for fire in found["fired"]]
    assert shell("rule", "backtest", "default.none").exit_code == 9
    assert shell("rule", "backtest", "default.held", "--since", "soon").exit_code == 2


def test_what_was_held_is_released_once(shell: Shell, event: str) -> None:
    done = shell("rule", "release", "default.held", event)
    assert done.exit_code == 0, done.output
    assert len(done.stdout.strip()) == 24
    again = shell("rule", "release", "default.held", event)
    assert again.exit_code == 2
    assert "is not held back" in again.stderr
    assert "default.held: fired" in shell("rule", "explain", event).stdout
