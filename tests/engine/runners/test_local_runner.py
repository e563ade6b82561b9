"""local-shell-cmd and local-shell-script, as their users know them."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import RunnerFailure
from engine.runners.base import RunControl
from engine.runners.shell import decode_output, status_of_exit
from engine.status import Status
from tests.engine.runners.local_world import Heard, World, command_lines, is_running, opened, until


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("local"), output_limit_bytes=1_000_000) as found:
        yield found


def test_a_result_has_both_outputs_and_the_exit_code(world: World) -> None:
    result = world.shell("echo out; echo err >&2; exit 3")
    assert result.status == Status.FAILED
    assert result.result == {
        "failed": True,
        "succeeded": False,
        "return_code": 3,
        "stdout": "out",
        "stderr": "err",
    }


@pytest.mark.parametrize(
    ("code", "status"), [(0, "succeeded"), (1, "failed"), (-9, "timeout"), (-15, "abandoned"), (77, "failed")]
)
def test_exit_codes_mean_what_they_mean_in_stackstorm(code: int, status: str) -> None:
    assert status_of_exit(code) == status


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12\n", 12),
        ("true", True),
        ('{"a": 1}\n', {"a": 1}),
        ("007", "007"),
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("9" * 40, "9" * 40),
        ("[" * 100_000, "[" * 100_000),
        ('"\\ud800"', '"\\ud800"'),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
        ("", ""),
    ],
)
def test_output_that_is_json_is_decoded_and_the_rest_stays_text(text: str, value: object) -> None:
    assert decode_output(text) == value


def test_the_environment_is_built_and_not_inherited(world: World) -> None:
    found = str(world.shell("env", env={"MINE": "yes", "N": 5}).result["stdout"]).splitlines()
    names = {line.partition("=")[0] for line in found}
    assert "SLACK_TOKEN" not in names
    assert {"MINE=yes", "N=5", "ST2_ACTION_PACK_NAME=test"} <= set(found)
    allowed = {*world.settings.actions.environment, "MINE", "N", "PWD", "_", "SHLVL", "OLDPWD"}
    assert {name for name in names if not name.startswith("ST2_")} <= allowed


def test_a_bad_name_of_a_variable_is_refused(world: World) -> None:
    with pytest.raises(RunnerFailure, match="cannot be the name"):
        world.shell("true", env={"A B": "1"})


def test_it_runs_in_its_folder(world: World, tmp_path: Path) -> None:
    assert world.shell("pwd", cwd=str(tmp_path)).result["stdout"] == str(tmp_path)


def test_a_folder_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(RunnerFailure, match=r"No such file or directory.*/no/such/folder"):
        world.shell("pwd", cwd="/no/such/folder")
    assert world.shims.spool.entries() == []


def test_arguments_arrive_as_they_were_given(world: World) -> None:
    nasty = [
        "a b",
        "it's",
        '"',
        "$(touch /tmp/no)",
        "`id`",
        "*",
        "-rf",
        "x\ny",
        "é\U0001f600",
        "; exit 1",
        "",
    ]
    declared = {f"p{index}": {"type": "string", "position": index} for index in range(len(nasty))}
    values = {f"p{index}": text for index, text in enumerate(nasty)}
    request = world.script("#!/bin/sh\nprintf '%s\\0' \"$@\"\n", values=values, parameters=declared)
    assert world.run(request).result["stdout"] == "".join(f"{text}\\x00" for text in nasty)


def test_positional_values_are_written_by_type_and_empty_ones_keep_their_place(world: World) -> None:
    declared = {
        "nothing": {"type": "string", "position": 0},
        "flag": {"type": "boolean", "position": 1},
        "many": {"type": "array", "position": 2},
        "thing": {"type": "object", "position": 3},
        "number": {"type": "integer", "position": 4},
    }
    values = {"nothing": None, "flag": False, "many": ["a", 2], "thing": {"k": 1}, "number": 7}
    request = world.script("#!/bin/sh\nprintf '<%s>' \"$@\"\n", values=values, parameters=declared)
    assert world.run(request).result["stdout"] == '<><0><a,2><{"k": 1}><7>'


def test_named_values_follow_the_operator_and_empty_ones_are_left_out(world: World) -> None:
    values = {"name": "x y", "on": True, "off": False, "none": None, "empty": ""}
    declared = {name: {"type": "string"} for name in values}
    request = world.script(
        "#!/bin/sh\nprintf '<%s>' \"$@\"\n", values=values, parameters=declared, kwarg_op="-"
    )
    assert world.run(request).result["stdout"] == "<-name=x y><-on>"


def test_a_script_that_is_not_executable_is_made_so(world: World) -> None:
    request = world.script("#!/bin/sh\necho ran\n", values={})
    request.action.entry_path.chmod(0o644)
    assert world.run(request).result["stdout"] == "ran"


def test_a_script_that_is_missing_is_named(world: World) -> None:
    request = world.script("", values={})
    request.action.entry_path.unlink()
    with pytest.raises(RunnerFailure, match=r"script\.sh does not exist"):
        world.run(request)


def test_content_version_takes_the_script_of_that_revision(world: World) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(world.pack_folder)]
    request = world.script("#!/bin/sh\necho old\n", values={}, content_version="v1")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    request.action.entry_path.write_text("#!/bin/sh\necho new\n")
    assert world.run(request).result["stdout"] == "old"
    assert list((world.folder / "worktrees").iterdir()) == []
    with pytest.raises(RunnerFailure, match="has no git revision 'nope'"):
        world.run(world.script("#!/bin/sh\n", values={}, content_version="nope"))


def test_a_timeout_ends_what_ignores_term_and_all_below_it(world: World) -> None:
    begun = time.monotonic()
    result = world.shell(
        "trap '' TERM; (trap '' TERM; setsid sleep 61.5) & setsid sleep 61.5 & sleep 61.5", timeout=1
    )
    assert result.status == Status.TIMEOUT
    assert result.result["return_code"] == -9
    assert result.result["error"] == "Action failed to complete in 1 seconds"
    assert time.monotonic() - begun < 50
    assert not is_running("sleep 61.5")


def test_cancel_really_stops_the_action(world: World) -> None:
    heard = Heard()
    begun = world.begin(world.command("echo started; sleep 62.5"), heard.control)
    until(heard.text, "it has started")
    heard.control.cancel()
    result = begun.result()
    assert result is not None
    assert result.status == Status.CANCELED
    assert not is_running("sleep 62.5")


def test_a_cancelled_shell_does_not_go_on_with_its_next_command(world: World, tmp_path: Path) -> None:
    for number in range(20):
        control, mark = RunControl(), tmp_path / f"begun{number}"
        begun = world.begin(
            world.command(f"touch {mark}; sleep 30; touch {tmp_path}/effect{number}"), control
        )
        until(mark.exists, "it has started")
        control.cancel()
        result = begun.result()
        assert result is not None
        assert result.status == Status.CANCELED
    assert not list(tmp_path.glob("effect*"))


def test_an_action_cancelled_before_it_began_is_not_started(world: World, tmp_path: Path) -> None:
    control = RunControl()
    control.cancel()
    assert world.run(world.command(f"touch {tmp_path}/x"), control).status == Status.CANCELED
    assert not (tmp_path / "x").exists()


def test_a_daemon_that_keeps_the_pipe_does_not_hold_the_action(world: World) -> None:
    begun = time.monotonic()
    result = world.shell("(setsid sleep 33.25 &) ; echo done")
    assert result.result["stdout"] == "done"
    assert time.monotonic() - begun < 30


def test_output_comes_line_by_line_while_the_action_runs(world: World, tmp_path: Path) -> None:
    heard = Heard()
    begun = world.begin(
        world.command(f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo two"), heard.control
    )
    until(lambda: heard.text() == "one\n", "the first line")
    (tmp_path / "go").touch()
    begun.result()
    assert heard.text() == "one\ntwo\n"


def test_100_mb_of_output_are_cut_visibly_and_do_not_fill_memory(world: World) -> None:
    heard = Heard()
    before = _resident_bytes()
    result = world.run(world.command("head -c 100000000 /dev/zero | tr '\\0' 'x'"), heard.control)
    assert _resident_bytes() - before < 64_000_000
    assert result.status == Status.SUCCEEDED
    assert result.result["stdout"] == "x" * 1_000_000 + "\n[truncated 99000000 bytes]"
    assert heard.text().endswith("\n[truncated 99000000 bytes]\n")


def test_bytes_that_are_no_text_stay_visible(world: World) -> None:
    result = world.shell(r"printf 'a\377b\000c\303\251\360\237\230\200'")
    assert result.result["stdout"] == "a\\xffb\\x00cé\U0001f600"


def test_a_character_split_between_two_writes_is_whole(world: World) -> None:
    assert world.shell(r"printf '\303'; sleep 0.1; printf '\251'").result["stdout"] == "é"


def test_a_secret_is_not_in_argv_and_not_in_the_output(world: World, tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    heard = Heard()
    request = world.command(
        f"echo up; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo {secret}; exit 4",
        secrets=(secret,),
    )
    begun = world.begin(request, heard.control)
    until(heard.text, "it has started")
    seen = [words for _, words in command_lines() if secret in words]
    (tmp_path / "go").touch()
    result = begun.result()
    assert seen == []
    assert result is not None
    assert result.result["stdout"] == "up\n********"
    assert result.result["return_code"] == 4
    assert heard.text() == "up\n********\n"
    world.local.forget(request)
    kept = [path for path in world.folder.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in kept)


def test_a_command_longer_than_argv_takes_runs_all_the_same(world: World) -> None:
    assert world.shell(f": {'x' * 300_000}\necho ran").result["stdout"] == "ran"


def test_a_command_that_does_not_exist_says_so(world: World) -> None:
    result = world.shell("/no/such/program")
    assert result.result["return_code"] == 127
    assert "/no/such/program" in str(result.result["stderr"])


def _may_sudo() -> bool:
    sudo = shutil.which("sudo")
    return (
        sudo is not None
        and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _may_sudo(), reason="sudo asks for a password here")
class TestSudo:
    def test_sudo_runs_as_root_with_the_environment(self, world: World) -> None:
        result = world.shell("id -u; echo $MINE", sudo=True, env={"MINE": "kept"})
        assert result.result["stdout"] == "0\nkept"

    def test_a_password_that_is_not_needed_is_seen_nowhere(self, world: World, tmp_path: Path) -> None:
        heard = Heard()
        request = world.command(
            f"cat; echo up; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done",
            sudo=True,
            sudo_password="pass-pass-pass",
        )
        begun = world.begin(request, heard.control)
        until(heard.text, "it has started")
        assert not is_running("pass-pass-pass")
        (tmp_path / "go").touch()
        result = begun.result()
        assert result is not None
        assert result.result["stdout"] == "up"

    def test_a_secret_in_a_command_is_hidden_behind_sudo_too(self, world: World) -> None:
        request = world.command(
            "tr '\\0' ' ' < /proc/$PPID/cmdline; printf '%s' s3cret-s3cret | wc -c",
            secrets=("s3cret-s3cret",),
            sudo=True,
        )
        result = world.run(request)
        assert "********" not in str(result.result["stdout"])
        assert str(result.result["stdout"]).endswith("13")


def test_sudo_can_be_switched_off(tmp_path: Path) -> None:
    with opened(tmp_path, sudo=False) as world, pytest.raises(RunnerFailure, match="may not use sudo"):
        world.shell("true", sudo=True)


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
