"""`audit`, `purge` and `trace ID` on the command line."""

import json
from pathlib import Path

import pytest

from bot.cli.exits import Code
from tests.bot.cli.conftest import Shell


@pytest.fixture
def export(shell: Shell, tmp_path: Path) -> Path:
    shell("key", "set", "told", "a value")
    path = tmp_path / "audit.jsonl"
    done = shell("audit", "export", "--file", str(path))
    assert done.exit_code == 0, done.output
    return path


def test_list_shows_who_did_what_within_80_columns(shell: Shell) -> None:
    shell("key", "set", "told", "a value")
    done = shell("audit", "list", "--user", "admin", "--kind", "key.*", "--since", "1h")
    assert done.exit_code == 0, done.output
    head, first, *_ = done.stdout.splitlines()
    assert head.split() == ["NO", "AT", "USER", "DID", "TO"]
    assert first.split()[2:] == ["admin", "key.set", "told"]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_verify_of_the_database_names_the_head(shell: Shell) -> None:
    done = shell("audit", "verify")
    assert done.exit_code == 0, done.output
    assert "all as they were written" in done.stdout
    head = done.stdout.split()[-1]
    assert shell("audit", "verify", "--head", head).exit_code == 0
    assert shell("audit", "verify", "--head", "ab" * 32).exit_code == Code.FAILED


def test_a_head_that_was_noted_is_part_of_the_chain_later_too(shell: Shell, tmp_path: Path) -> None:
    noted = shell("audit", "head").stdout.strip()
    shell("key", "set", "later", "a value")
    path = tmp_path / "later.jsonl"
    assert shell("audit", "export", "--file", str(path)).exit_code == 0
    for words in (("audit", "verify"), ("audit", "verify", str(path))):
        done = shell(*words, "--head", noted)
        assert done.exit_code == 0, done.output
        assert f"the head that was noted is part of the chain: {noted}" in done.stdout
        number = noted.split("@")[1]
        done = shell(*words, "--head", f"{'ab' * 32}@{number}")
        assert (done.exit_code, f"act {number}: it does not have the hash" in done.stdout) == (1, True)
    refused = shell("audit", "verify", str(path), "--head", "not-a-hash")
    assert (refused.exit_code, "is no head of the audit" in refused.output) == (Code.WRONG, True)


def test_verify_of_a_file_needs_no_server_and_no_settings(shell: Shell, export: Path) -> None:
    done = shell("audit", "verify", str(export), STORMCROW_URL="http://127.0.0.1:1", STORMCROW_API_KEY=None)
    assert done.exit_code == 0, done.output
    assert "all as they were written" in done.stdout


def test_a_changed_file_is_named_and_ends_with_code_1(shell: Shell, export: Path) -> None:
    lines = export.read_text(encoding="utf-8").splitlines(keepends=True)
    number = json.loads(lines[2])["number"]
    lines[2] = lines[2].replace('"via":"', '"via":"forged ')
    export.write_text("".join(lines), encoding="utf-8")
    done = shell("audit", "verify", str(export))
    assert done.exit_code == Code.FAILED
    assert f"act {number}: its content is not what was written" in done.stdout


def test_what_is_no_export_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"\xff\xfe")
    for name in ("other", "missing"):
        assert shell("audit", "verify", str(tmp_path / name)).exit_code == Code.WRONG


def test_purge_counts_and_removes_only_with_yes(shell: Shell) -> None:
    shell("run", "core.noop")
    shell("run", "probe.say", "text=hi")
    words = ("purge", "executions", "--action-ref", "core.noop", "--timestamp", "0.001s")
    counted = shell(*words, "--json")
    assert json.loads(counted.stdout)["count"] >= 1
    assert shell("execution", "list", "--json").stdout.count('"core.noop"') >= 1
    done = shell(*words, "--yes")
    assert (done.exit_code, "executions removed" in done.stdout) == (0, True), done.output
    listed = shell("execution", "list", "--json").stdout
    assert '"core.noop"' not in listed
    assert '"probe.say"' in listed


def test_trace_tells_the_story_of_an_execution(shell: Shell) -> None:
    run = json.loads(shell("run", "probe.say", "text=hello there", "--trace-tag", "night-7", "--json").stdout)
    for wanted in (run["id"], "night-7"):
        done = shell("trace", wanted)
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert "night-7" in lines[0]
        begun = next(line for line in lines if " + " in line)
        assert "probe.say requested text=hello there" in begun
        assert any("probe.say succeeded after" in line for line in lines)
        assert all(len(line) <= 80 for line in lines)
    number = json.loads(shell("audit", "list", "--trace", run["id"], "--json").stdout)[0]["number"]
    assert run["id"] in shell("trace", str(number)).stdout
    story = json.loads(shell("trace", run["id"], "--json").stdout)
    assert [step["what"] for step in story["steps"]] == ["begun", "ended"]


def test_trace_takes_last_a_request_id_and_links(shell: Shell) -> None:
    run = json.loads(shell("run", "probe.say", "text=hi", "--json").stdout)
    act = json.loads(shell("audit", "list", "--trace", run["id"], "--json").stdout)[0]
    ways = ("last", run["id"][-8:], act["request_id"], f"http://crow.test/chat/#execution/{run['id']}")
    for wanted in ways:
        done = shell("trace", wanted)
        assert (done.exit_code, run["id"] in done.stdout) == (0, True), (wanted, done.output)
    lost = shell("trace", "https://x.slack.com/archives/C024BE91L/p1355517523000008")
    assert (lost.exit_code, '"1355517523.000008"' in lost.output) == (Code.NOT_FOUND, True), lost.output
    shown = shell("audit", "show", f"#{act['number']}")
    assert (shown.exit_code, run["id"] in shown.stdout, '"text": "hi"' in shown.stdout) == (0, True, True)
    assert "probe.say text=hi" in shell("audit", "list", "--request", act["request_id"]).stdout
    by_request = json.loads(shell("audit", "list", "--request", act["request_id"], "--json").stdout)
    assert [one["number"] for one in by_request] == [act["number"]]


def test_an_act_that_began_nothing_is_pointed_to(shell: Shell) -> None:
    shell("key", "set", "told", "a value")
    act = json.loads(shell("audit", "list", "--kind", "key", "-n", "1", "--json").stdout)[0]
    done = shell("trace", str(act["number"]))
    assert (done.exit_code, f"stormcrow audit show {act['number']}" in done.output) == (Code.NOT_FOUND, True)


def test_what_strangers_wrote_moves_no_terminal(shell: Shell) -> None:
    shell("key", "set", "told", "a value")
    shell("run", "probe.say", "text=hi", "--trace-tag", "\x1b[31mred\x07")
    for words in (("trace", "list"), ("trace", "last"), ("audit", "list")):
        assert "\x1b" not in shell(*words).stdout


def test_trace_of_nothing_is_not_found_and_its_other_commands_still_work(shell: Shell) -> None:
    assert shell("trace", "no-such-thing").exit_code == Code.NOT_FOUND
    assert shell("trace", "list").exit_code == 0
