"""Commands that talk to a server."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running, write_pack

ROOT = Path(__file__).parents[3]


def test_running_prints_what_the_action_printed(shell: Shell) -> None:
    done = shell("run", "probe.say", "text=hello you")
    assert done.exit_code == 0, done.output
    assert done.stdout == "hello you\n"
    assert re.fullmatch(r"succeeded after \d+\.\d s  probe\.say  [0-9a-f]{24}\n", done.stderr)


def test_bare_words_are_the_command_of_a_shell_action(shell: Shell) -> None:
    assert shell("run", "core.local", "echo", "hi").stdout == "hi\n"


def test_a_failed_action_is_exit_code_1(shell: Shell) -> None:
    done = shell("run", "probe.fail")
    assert (done.exit_code, done.stdout) == (1, "wrong\n")


def test_an_action_that_times_out_is_exit_code_3(shell: Shell) -> None:
    assert shell("run", "core.local", "cmd=sleep 20", "timeout=1").exit_code == 3


def test_not_waiting_prints_the_id(shell: Shell) -> None:
    done = shell("run", "probe.say", "text=x", "--no-wait")
    assert done.exit_code == 0
    assert re.fullmatch(r"[0-9a-f]{24}\n", done.stdout)


def test_waiting_stops_at_the_timeout_and_the_action_goes_on(shell: Shell) -> None:
    done = shell("run", "probe.slow", "seconds=20", "--timeout", "1s", "--json")
    assert done.exit_code == 6
    execution = json.loads(done.stdout)
    assert execution["status"] == "running"
    cancelled = shell("execution", "cancel", execution["id"])
    assert cancelled.exit_code == 0
    assert shell("execution", "cancel", "no-such-execution").exit_code == 9


def test_following_shows_the_output_and_then_the_end(shell: Shell) -> None:
    done = shell("run", "probe.slow", "seconds=0.2", "--follow")
    assert done.exit_code == 0
    assert done.stdout == "first\nlast\n"


def test_a_delay_starts_it_later(shell: Shell) -> None:
    started = time.monotonic()
    assert shell("run", "core.noop", "--delay", "0.7s").exit_code == 0
    assert time.monotonic() - started > 0.7


def test_the_same_idempotency_key_runs_once(shell: Shell) -> None:
    first, second = (
        shell("run", "core.noop", "--no-wait", "--idempotency-key", "clé 1").stdout for _ in range(2)
    )
    assert first == second


def test_a_key_that_an_unset_variable_left_empty_is_none(shell: Shell) -> None:
    done = shell("run", "core.noop", "--idempotency-key", "")
    assert done.exit_code == 2
    assert "Idempotency-Key is empty." in done.stderr


def test_an_action_whose_file_is_broken_is_said_to_be_that(shell: Shell) -> None:
    done = shell("action", "show", "probe.broken")
    assert done.exit_code == 9
    assert "not found. Its file cannot be used: " in done.stderr
    assert "actions/broken.yaml:" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "probe.sya"), 2),
        (("run", "probe.say"), 2),
        (("run", "probe.say", "text=x", "nonsense=1"), 2),
        (("run", "probe.say", "text=x", "times=many"), 2),
        (("run", "probe.say", "text=x", "--timeout", "soon"), 2),
        (("run",), 2),
        (("execution", "get", "000000000000000000000000"), 9),
        (("action", "show", "no.such"), 9),
        (("pack", "show", "nosuch"), 9),
        (("alias", "match", "zzz yyy"), 2),
        (("apikey", "revoke", "000000000000000000000000"), 9),
    ],
)
def test_what_is_wrong_has_its_exit_code_and_a_word_on_stderr(
    shell: Shell, words: tuple[str, ...], code: int
) -> None:
    done = shell(*words)
    assert done.exit_code == code, done.output
    assert done.stderr
    assert "Traceback" not in done.output


def test_without_a_server_the_way_to_start_it_is_told(shell: Shell) -> None:
    done = shell("execution", "list", STORMCROW_URL="http://127.0.0.1:9")
    assert done.exit_code == 8
    assert "stormcrow up" in done.stderr


def test_a_wrong_key_is_exit_code_8(shell: Shell) -> None:
    done = shell("execution", "list", STORMCROW_API_KEY="wrong")
    assert done.exit_code == 8
    assert "Unauthorized" in done.stderr


def test_the_key_of_this_machine_is_not_sent_to_another(shell: Shell) -> None:
    done = shell(
        "execution", "list", "--url", "http://192.0.2.1:9101", STORMCROW_API_KEY=None, STORMCROW_URL=None
    )
    assert done.exit_code == 8
    assert "no API key for http://192.0.2.1:9101" in done.stderr


def test_the_key_is_found_in_the_data_folder(shell: Shell) -> None:
    data = str(shell.server.folder / "data")
    done = shell("execution", "list", "--data", data, STORMCROW_API_KEY=None)
    assert done.exit_code == 0, done.stderr


def test_executions_are_listed_and_shown(shell: Shell) -> None:
    made = json.loads(shell("run", "probe.say", "text=shown", "--json").stdout)["id"]
    listed = shell("execution", "list", "-n", "3", "--action", "probe.say").stdout
    assert made in listed
    assert all(len(line) <= 80 for line in listed.splitlines())
    shown = shell("execution", "get", "last").stdout
    assert "shown" in shown
    assert made in shown
    assert json.loads(shell("execution", "list", "--json").stdout)[0]["id"] == made
    assert shell("execution", "output", made[-8:]).stdout == "shown\n"
    assert json.loads(shell("execution", "output", made, "--json").stdout)["output"] == "shown\n"


def test_what_is_over_cannot_be_cancelled(shell: Shell) -> None:
    made = json.loads(shell("run", "core.noop", "--json").stdout)["id"]
    done = shell("execution", "cancel", made)
    assert (done.exit_code, done.stderr) == (1, "Action cannot be canceled. State = succeeded.\n")


def test_a_rerun_changes_what_is_named(shell: Shell) -> None:
    made = json.loads(shell("run", "probe.say", "text=one", "--json").stdout)["id"]
    assert shell("execution", "rerun", made).stdout == "one\n"
    assert shell("execution", "rerun", made, "text=two").stdout == "two\n"
    assert shell("execution", "rerun", made, "--fresh").exit_code == 2


def test_actions_aliases_and_packs_are_listed_with_what_is_broken(shell: Shell) -> None:
    for noun, word in (("action", "probe.say"), ("alias", "say {{text}}"), ("pack", "probe")):
        done = shell(noun, "list")
        assert word in done.stdout
        assert all(len(line) <= 80 for line in done.stdout.splitlines())
        assert json.loads(shell(noun, "list", "--json").stdout)
    assert "broken.yaml" in shell("action", "list", "--pack", "probe").stderr
    assert "broken.yaml" in shell("pack", "show", "probe").stderr
    assert "probe.say" in shell("pack", "show", "probe").stdout


def test_an_action_is_shown_with_its_parameters_first_the_required(shell: Shell) -> None:
    lines = shell("action", "show", "probe.say").stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("PARAMETER"))
    assert lines[first + 1].split()[:3] == ["text", "string", "required"]


def test_a_text_is_matched_and_nothing_runs(shell: Shell) -> None:
    before = shell("execution", "list", "-n", "1").stdout
    assert "probe.say" in shell("alias", "match", "say hello").stdout
    assert shell("execution", "list", "-n", "1").stdout == before


def test_reload_counts_and_names_what_is_broken(shell: Shell) -> None:
    done = shell("reload")
    assert " actions" in done.stdout
    assert "broken.yaml" in done.stderr
    assert json.loads(shell("reload", "--json").stdout)["unavailable"]


def test_a_key_is_made_listed_and_revoked(shell: Shell) -> None:
    made = json.loads(shell("apikey", "create", "--user", "ann", "-d", "tests", "--json").stdout)
    assert shell("execution", "list", STORMCROW_API_KEY=made["key"]).exit_code == 0
    assert made["id"] in shell("apikey", "list").stdout
    assert shell("apikey", "revoke", made["id"]).exit_code == 0
    assert shell("execution", "list", STORMCROW_API_KEY=made["key"]).exit_code == 8
    plain = shell("apikey", "create")
    assert len(plain.stdout.strip()) > 40


@pytest.mark.parametrize(
    ("number", "how", "code"),
    [(signal.SIGINT, "detach", 6), (signal.SIGTERM, "detach", 6), (signal.SIGTERM, "cancel", 4)],
)
def test_an_interrupt_does_to_the_action_what_was_said(
    shared: Running, number: signal.Signals, how: str, code: int
) -> None:
    words = ["run", "probe.slow", "seconds=20", "--on-interrupt", how, "--follow"]
    command = [sys.executable, "-m", "bot.cli", *words]
    variables = {"STORMCROW_URL": shared.url, "STORMCROW_API_KEY": shared.key, "PATH": "/usr/bin:/bin"}
    # A test run in the background of a shell inherits that SIGINT is ignored, and would pass that on.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, inherited)
    assert process.stdout is not None
    # It shows output: it has the execution's id, and waits.
    assert process.stdout.readline() == "first\n"
    (newest,) = shared.get("/executions?limit=1&action=probe.slow&status=running").json()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    status = shared.get(f"/executions/{newest['id']}").json()["status"]
    if how == "cancel":
        assert status == "canceled"
    else:
        assert status == "running"
        assert f"stormcrow execution cancel {newest['id']}" in stderr
        shared.ask("DELETE", f"/executions/{newest['id']}")


@pytest.mark.slow
def test_up_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    write_pack(tmp_path / "packs")
    variables = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "STORMCROW_SERVER__SHUTDOWN_S": "2"}
    command = [sys.executable, "-m", "bot.cli", "up", "--port", "0", "--data", "data"]
    server = subprocess.Popen(
        command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        client = {**variables, "STORMCROW_URL": url}
        words = [sys.executable, "-m", "bot.cli", "run", "probe.say", "text=up", "--data", "data"]
        done = subprocess.run(
            words, env=client, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.stdout == "up\n", done.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        _, stderr = server.communicate(timeout=20)
    assert server.returncode == 0, stderr
    # It is no terminal: the key stays in its file.
    assert str(tmp_path / "data" / "admin.key") in stderr
    assert (tmp_path / "data" / "admin.key").read_text().strip() not in stderr
