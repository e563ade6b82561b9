"""`stormcrow trigger` against a real server."""

import json
from pathlib import Path

from tests.bot.cli.conftest import Shell


def test_types_are_listed_and_shown(shell: Shell) -> None:
    listed = shell("trigger", "list", "--pack", "core")
    assert "core.st2.webhook" in listed.output
    shown = shell("trigger", "get", "core.st2.generic.actiontrigger")
    assert "runner_ref" in shown.output
    assert shell("trigger", "get", "no.such").exit_code == 9


def test_a_trigger_is_fired_listed_and_fired_again(shell: Shell, tmp_path: Path) -> None:
    shell.server.post("/triggertypes", {"name": "cli", "pack": "probe"})
    file = tmp_path / "payload.json"
    file.write_text('{"host": "db1", "n": 1}', encoding="utf-8")
    fired = shell("trigger", "emit", "probe.cli", "n=7", "words=two words", "--payload", f"@{file}")
    assert fired.exit_code == 0, fired.output
    listed = json.loads(shell("trigger", "instances", "--type", "probe.cli", "--json").output)
    assert listed[0]["payload"] == {"host": "db1", "n": 7, "words": "two words"}
    instance = listed[0]["id"]
    assert instance in shell("trigger", "instances", "--trigger", "probe.cli").output
    assert "db1" in shell("trigger", "instance", instance).output
    again = shell("trigger", "re-emit", instance)
    assert "re-sent" in again.output
    assert len(json.loads(shell("trigger", "instances", "--type", "probe.cli", "--json").output)) == 2


def test_wrong_words_are_refused_before_the_server_is_asked(shell: Shell) -> None:
    assert shell("trigger", "emit", "probe.cli", "loose").exit_code == 2
    assert shell("trigger", "emit", "probe.cli", "--payload", "[1]").exit_code == 2
    assert shell("trigger", "emit", "probe.cli", "--payload", "{").exit_code == 2


def test_an_unknown_trigger_is_said(shell: Shell) -> None:
    answer = shell("trigger", "emit", "no.such")
    assert answer.exit_code != 0
    assert "no.such" in answer.output


def test_a_run_names_who_is_told(shell: Shell) -> None:
    answer = shell("run", "core.noop", "--notify", "pager", "--notify", "chat", "--json")
    notify = json.loads(answer.output)["liveaction"]["notify"]
    assert notify == {"on-complete": {"routes": ["pager", "chat"]}}
