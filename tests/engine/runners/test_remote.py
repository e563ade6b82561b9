"""remote-shell-cmd and remote-shell-script against real sshds on loopback."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
import pytest

from engine.errors import RunnerFailure
from engine.runners.base import OutputKind, RunControl, RunRequest, RunResult
from engine.runners.remote import RemoteRunner
from engine.settings import Settings
from engine.settings.actions import ActionSettings, SshSettings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.parameter import ParameterSpec
from engine.status import Status
from tests.engine.runners.sshd import Sshd, make_key, running_sshd
from tests.engine.world import wait_until
from tests.ports import free_port

ID = "5f00000000000000000000aa"


@dataclass
class Site:
    """Two sshds, the keys to them, and runners made for them."""

    folder: Path
    key: Path
    first: Sshd
    second: Sshd
    runners: list[RemoteRunner] = field(default_factory=list)

    def runner(self, *, actions: ActionSettings | None = None, **ssh: Any) -> RemoteRunner:
        given = {"known_hosts": str(self.known_hosts), "key_file": str(self.key), **ssh}
        settings = Settings(ssh=SshSettings(**given), actions=actions or ActionSettings(kill_grace_s=1.0))
        made = RemoteRunner(settings)
        self.runners.append(made)
        return made

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ssh")
    key = make_key(folder / "id")
    public = folder / "id.pub"
    with running_sshd(folder / "a", authorized_keys=public) as first:
        with running_sshd(folder / "b", authorized_keys=public) as second:
            (folder / "known_hosts").write_text(first.known_hosts_line + second.known_hosts_line)
            yield Site(folder=folder, key=key, first=first, second=second)


@pytest.fixture
def remote(site: Site) -> Iterator[RemoteRunner]:
    yield site.runner()
    while site.runners:
        site.runners.pop().close()


def run(
    runner: RemoteRunner,
    hosts: str,
    cmd: str,
    *,
    control: RunControl | None = None,
    secrets: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    **given: Any,
) -> RunResult:
    request = RunRequest(
        execution_id=ID,
        action=ActionSpec(pack="core", name="remote", runner_type="remote-shell-cmd"),
        pack=PackSpec(ref="core", name="core"),
        runner_parameters={"hosts": hosts, "cmd": cmd, "cwd": "/tmp", "timeout": 20, **given},
        action_parameters={},
        secrets=secrets,
        environment=environment or {},
    )
    return runner.run(request, control or RunControl())


def at(sshd: Sshd) -> str:
    return f"127.0.0.1:{sshd.port}"


def only(result: RunResult) -> dict[str, Any]:
    [(host, value)] = result.result.items()
    assert host == "127.0.0.1"
    assert isinstance(value, dict)
    return value


def is_running(words: str) -> bool:
    """Whether some process of this machine has these arguments."""
    found = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True, timeout=30)
    return any(line == words for line in found.stdout.splitlines())


def is_connected() -> bool:
    """Whether a connection of ours stands; each is a thread."""
    return any(isinstance(one, paramiko.Transport) for one in threading.enumerate())


def test_a_command_answers_with_its_output(site: Site, remote: RemoteRunner) -> None:
    result = run(remote, at(site.first), "echo out; echo err >&2")
    assert result.status is Status.SUCCEEDED
    assert only(result) == {
        "stdout": "out",
        "stderr": "err",
        "return_code": 0,
        "succeeded": True,
        "failed": False,
    }


def test_an_exit_code_makes_it_fail(site: Site, remote: RemoteRunner) -> None:
    result = run(remote, at(site.first), "exit 3")
    assert result.status is Status.FAILED
    assert only(result)["return_code"] == 3


def test_json_in_the_output_is_decoded(site: Site, remote: RemoteRunner) -> None:
    assert only(run(remote, at(site.first), """echo '{"a": 1}'"""))["stdout"] == {"a": 1}


def test_variables_and_folder_reach_the_command_unchanged(site: Site, remote: RemoteRunner) -> None:
    hostile = "a'b\"c $(touch /tmp/never) `id`\nsecond"
    result = run(remote, at(site.first), 'pwd; printf %s "$HOSTILE"', cwd="/usr", env={"HOSTILE": hostile})
    assert only(result)["stdout"] == f"/usr\n{hostile}"


def test_a_variable_with_a_bad_name_is_refused(site: Site, remote: RemoteRunner) -> None:
    with pytest.raises(RunnerFailure, match="name of an environment variable"):
        run(remote, at(site.first), "true", env={"A;id": "1"})


def test_a_folder_that_is_not_there_stops_the_command(site: Site, remote: RemoteRunner) -> None:
    result = only(run(remote, at(site.first), "echo ran", cwd="/no/such"))
    assert (result["failed"], result["stdout"]) == (True, "")


def test_a_long_command_arrives_whole(site: Site, remote: RemoteRunner) -> None:
    text = "".join(f"line {number} 'quoted' \\ ü\n" for number in range(20_000))
    assert only(run(remote, at(site.first), f"cat <<'END'\n{text}END"))["stdout"] == text.rstrip("\n")


def test_standard_input_is_empty(site: Site, remote: RemoteRunner) -> None:
    assert only(run(remote, at(site.first), "cat; echo end"))["stdout"] == "end"


def test_no_secret_is_seen_in_the_processes_of_the_host(site: Site, remote: RemoteRunner) -> None:
    # The pattern in brackets does not find itself.
    cmd = "ps -eo args= | grep -c 'ses[a]me-17'; : sesame-17"
    result = run(remote, at(site.first), cmd, env={"TOKEN": "sesame-17"}, secrets=("sesame-17",))
    assert only(result)["stdout"] == 0


def test_secrets_are_masked_in_result_and_live_output(site: Site, remote: RemoteRunner) -> None:
    seen: list[str] = []
    control = RunControl(output=lambda _kind, text: seen.append(text))
    result = run(remote, at(site.first), "echo open sesame-17", secrets=("sesame-17",), control=control)
    assert "sesame-17" not in json.dumps(result.result) + "".join(seen)
    assert "open" in "".join(seen)


def test_two_ports_of_one_host_have_results_of_their_own(site: Site, remote: RemoteRunner) -> None:
    result = run(remote, f"{at(site.first)}, {at(site.second)}", "echo $SSH_CONNECTION")
    ports = {key: value["stdout"].split()[3] for key, value in result.result.items()}
    assert ports == {at(site.first): str(site.first.port), at(site.second): str(site.second.port)}


def test_a_dead_host_does_not_stop_the_others(site: Site, remote: RemoteRunner) -> None:
    dead = f"127.0.0.1:{free_port()}"
    result = run(remote, f"{at(site.first)},{dead},{at(site.second)}", "echo here")
    assert result.status is Status.FAILED
    assert result.result[at(site.first)]["stdout"] == "here"
    assert result.result[at(site.second)]["succeeded"] is True
    assert result.result[dead]["return_code"] == 255
    assert "Connection refused" in result.result[dead]["error"]


def test_partial_failure_may_be_allowed(site: Site, remote: RemoteRunner) -> None:
    runner = site.runner(allow_partial_failure=True)
    result = run(runner, f"{at(site.first)},127.0.0.1:{free_port()}", "true")
    assert result.status is Status.SUCCEEDED


def test_when_no_host_answers_the_execution_itself_has_the_error(site: Site, remote: RemoteRunner) -> None:
    result = run(remote, f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}", "true")
    assert result.status is Status.FAILED
    assert set(result.result) == {"error", "traceback"}
    assert "Traceback" not in result.result["traceback"]


def test_an_unknown_host_is_refused_with_the_next_step(site: Site, remote: RemoteRunner) -> None:
    empty = site.folder / "empty_hosts"
    result = run(site.runner(known_hosts=str(empty)), at(site.first), "true")
    assert f"ssh-keyscan -p {site.first.port} '127.0.0.1' >> '{empty}'" in result.result["error"]


def test_a_changed_host_key_is_refused_even_when_new_ones_are_accepted(
    site: Site, remote: RemoteRunner
) -> None:
    known = site.folder / "changed_hosts"
    known.write_text(site.second.known_hosts_line.replace(str(site.second.port), str(site.first.port)))
    before = known.read_text()
    result = run(site.runner(known_hosts=str(known), accept_new=True), at(site.first), "true")
    assert "has changed" in result.result["error"]
    assert "ssh-keygen -R" in result.result["error"]
    assert known.read_text() == before


def test_a_new_host_is_remembered_when_that_is_allowed(site: Site, remote: RemoteRunner) -> None:
    known = site.folder / "fresh" / "known_hosts"
    assert run(site.runner(known_hosts=str(known), accept_new=True), at(site.first), "true").status is (
        Status.SUCCEEDED
    )
    assert known.read_text() == site.first.known_hosts_line
    assert known.stat().st_mode & 0o777 == 0o600
    assert run(site.runner(known_hosts=str(known)), at(site.first), "true").status is Status.SUCCEEDED


def test_hashed_known_hosts_are_understood(site: Site, remote: RemoteRunner) -> None:
    known = site.folder / "hashed_hosts"
    known.write_text(site.first.known_hosts_line)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, timeout=20, capture_output=True)
    assert "127.0.0.1" not in known.read_text()
    assert run(site.runner(known_hosts=str(known)), at(site.first), "true").status is Status.SUCCEEDED


def test_a_timeout_kills_what_ignores_term_and_what_left_the_group(site: Site, remote: RemoteRunner) -> None:
    begin_s = time.monotonic()
    result = run(
        remote, at(site.first), "(trap '' TERM; setsid sleep 7717) & trap '' TERM; sleep 7718", timeout=1
    )
    assert result.status is Status.TIMEOUT
    assert (only(result)["return_code"], only(result)["timeout"]) == (-9, True)
    assert time.monotonic() - begin_s < 60
    assert not is_running("sleep 7717")
    assert not is_running("sleep 7718")


def test_a_cancel_ends_the_remote_process(site: Site, remote: RemoteRunner) -> None:
    control = RunControl(output=lambda _kind, _text: threading.Thread(target=control.cancel).start())
    begin_s = time.monotonic()
    result = run(remote, at(site.first), "echo begun; sleep 7719", control=control)
    assert result.status is Status.CANCELED
    assert only(result)["stdout"] == "begun"
    assert time.monotonic() - begin_s < 60
    assert not is_running("sleep 7719")


def test_a_background_process_does_not_hold_the_action(site: Site, remote: RemoteRunner) -> None:
    begin_s = time.monotonic()
    result = run(remote, at(site.first), "sleep 90 & echo started")
    assert result.status is Status.SUCCEEDED
    assert time.monotonic() - begin_s < 60


def test_a_big_output_is_cut_and_says_so(site: Site, remote: RemoteRunner) -> None:
    runner = site.runner(actions=ActionSettings(output_limit_bytes=1_000))
    result = only(run(runner, at(site.first), "head -c 30000000 /dev/zero | tr '\\0' x; echo last >&2"))
    assert result["stdout"] == "x" * 1_000 + "\n[truncated 29999000 bytes]"
    assert result["stderr"] == "last"


def test_the_last_bytes_are_never_lost(site: Site, remote: RemoteRunner) -> None:
    for _ in range(30):
        result = only(run(remote, at(site.first), "seq 1 20000; echo end"))
        assert result["stdout"].endswith("20000\nend")


def test_bytes_that_are_not_utf8_do_not_break_the_result(site: Site, remote: RemoteRunner) -> None:
    assert only(run(remote, at(site.first), r"printf 'a\377b'"))["stdout"] == "a\ufffdb"


def collect(into: list[tuple[OutputKind, str]]) -> Callable[[OutputKind, str], None]:
    return lambda kind, text: into.append((kind, text))


def test_output_of_one_host_comes_live(site: Site, remote: RemoteRunner) -> None:
    seen: list[tuple[OutputKind, str]] = []
    first_s: list[float] = []

    def take(kind: OutputKind, text: str) -> None:
        first_s.append(time.monotonic())
        seen.append((kind, text))

    run(remote, at(site.first), "echo one; sleep 2; echo two >&2", control=RunControl(output=take))
    assert seen == [("stdout", "one\n"), ("stderr", "two\n")]
    assert first_s[1] - first_s[0] > 0.3


def test_output_of_several_hosts_names_the_host(site: Site, remote: RemoteRunner) -> None:
    seen: list[tuple[OutputKind, str]] = []
    hosts = f"{at(site.first)},{at(site.second)}"
    run(remote, hosts, "echo hello", control=RunControl(output=collect(seen)))
    assert sorted(text for _, text in seen) == sorted(f"{host}: hello\n" for host in hosts.split(","))


@pytest.mark.parametrize("type", ["ed25519", "ecdsa", "rsa"])
def test_key_material_of_every_type_logs_in(site: Site, remote: RemoteRunner, type: str) -> None:
    key = make_key(site.folder / f"material_{type}", type=type, passphrase="correct horse")
    with (site.folder / "id.pub").open("a") as keys:
        keys.write(key.with_suffix(".pub").read_text())
    result = run(
        site.runner(key_file=""),
        at(site.first),
        "echo in",
        private_key=key.read_text().rstrip("\n"),
        passphrase="correct horse",
    )
    assert only(result)["stdout"] == "in"


def test_a_wrong_passphrase_is_named(site: Site, remote: RemoteRunner) -> None:
    key = make_key(site.folder / "locked", passphrase="right")
    result = run(remote, at(site.first), "true", private_key=str(key), passphrase="wrong")
    assert "passphrase" in result.result["error"]


def test_a_key_that_the_host_does_not_know_is_refused(site: Site, remote: RemoteRunner) -> None:
    key = make_key(site.folder / "stranger")
    result = run(remote, at(site.first), "true", private_key=str(key))
    assert "refused the login" in result.result["error"]


def test_a_key_file_that_others_can_read_is_refused(site: Site, remote: RemoteRunner) -> None:
    key = make_key(site.folder / "open_key")
    key.chmod(0o644)
    with pytest.raises(RunnerFailure, match="chmod 600"):
        run(remote, at(site.first), "true", private_key=str(key))


def test_without_anything_to_log_in_with_nothing_is_tried(site: Site, remote: RemoteRunner) -> None:
    with pytest.raises(RunnerFailure, match="nothing to log in with"):
        run(site.runner(key_file=""), at(site.first), "true")


def test_a_bastion_leads_to_the_host(site: Site, remote: RemoteRunner) -> None:
    result = run(remote, at(site.second), "echo $SSH_CONNECTION", bastion_host=at(site.first))
    assert only(result)["stdout"].split()[3] == str(site.second.port)


def test_the_host_key_of_a_bastion_is_checked_too(site: Site, remote: RemoteRunner) -> None:
    known = site.folder / "no_bastion"
    known.write_text(site.second.known_hosts_line)
    runner = site.runner(known_hosts=str(known))
    result = run(runner, at(site.second), "true", bastion_host=f"root@{at(site.first)}")
    assert f"[127.0.0.1]:{site.first.port} is not known" in result.result["error"]


def test_a_second_command_uses_the_first_ones_connection(site: Site, remote: RemoteRunner) -> None:
    clients = {str(only(run(remote, at(site.first), "echo $SSH_CONNECTION"))["stdout"]) for _ in range(3)}
    assert len(clients) == 1


def test_an_idle_connection_is_closed(site: Site, remote: RemoteRunner) -> None:
    runner = site.runner(idle_s=0.2)
    first = only(run(runner, at(site.first), "echo $SSH_CONNECTION"))["stdout"]
    wait_until(lambda: not is_connected())
    assert only(run(runner, at(site.first), "echo $SSH_CONNECTION"))["stdout"] != first


def test_a_broken_connection_is_replaced(site: Site, remote: RemoteRunner) -> None:
    run(remote, at(site.first), "true")
    # The parent of the login shell serves the connection.
    command = "echo $PPID; (sleep 0.2; kill -9 $PPID) >/dev/null 2>&1 &"
    parent = only(run(remote, at(site.first), command))["stdout"]
    wait_until(lambda: not Path(f"/proc/{parent}").exists())
    wait_until(lambda: not is_connected())
    assert only(run(remote, at(site.first), "echo again"))["stdout"] == "again"


def test_a_connection_lost_in_the_middle_fails_and_is_not_repeated(
    site: Site, remote: RemoteRunner, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    result = run(remote, at(site.first), f"echo ran >> {ledger}; kill -9 $PPID; sleep 1")
    assert "not known" in only(result)["error"]
    assert only(result)["return_code"] == 255
    assert ledger.read_text() == "ran\n"


def test_thirty_commands_at_once_share_a_few_connections(site: Site, remote: RemoteRunner) -> None:
    seen: list[str] = []

    def work() -> None:
        seen.append(str(only(run(remote, at(site.first), "sleep 0.2; echo $SSH_CONNECTION"))["stdout"]))

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seen) == 30
    assert len(set(seen)) <= 8


def test_a_host_that_takes_one_session_at_a_time_gets_more_connections(
    site: Site, remote: RemoteRunner
) -> None:
    with running_sshd(
        site.folder / "single", authorized_keys=site.folder / "id.pub", more="MaxSessions 1"
    ) as single:
        known = site.folder / "single_hosts"
        known.write_text(single.known_hosts_line)
        runner = site.runner(known_hosts=str(known))
        results: list[Status] = []
        threads = [
            threading.Thread(target=lambda: results.append(run(runner, at(single), "sleep 0.4").status))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        runner.close()
    assert results == [Status.SUCCEEDED] * 3


def test_a_silent_host_does_not_outlast_the_connect_timeout(site: Site, remote: RemoteRunner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin_s = time.monotonic()
        result = run(site.runner(connect_timeout_s=0.5), f"127.0.0.1:{silent.getsockname()[1]}", "true")
        assert result.status is Status.FAILED
        # Paramiko alone would wait for 15 seconds.
        assert time.monotonic() - begin_s < 14


def script_request(folder: Path, hosts: str, **given: Any) -> RunRequest:
    """An action of a small pack with a script and a library."""
    actions = folder / "actions"
    (actions / "lib" / "deep").mkdir(parents=True, exist_ok=True)
    (actions / "lib" / "deep" / "words.sh").write_text("word=library\n")
    (actions / "report.sh").write_text(
        '#!/bin/sh\n. "$(dirname "$0")/lib/deep/words.sh"\necho "$word|$1|$2|$3"\n'
        'dirname "$0"\nstat -c %a "$0"\n[ "$1" != slow ] || sleep 7720\n'
    )
    parameters = {
        "first": ParameterSpec.of("first", {"type": "string", "position": 0}),
        "second": ParameterSpec.of("second", {"type": "string", "position": 1}),
        "named": ParameterSpec.of("named", {"type": "string"}),
    }
    return RunRequest(
        execution_id=ID,
        action=ActionSpec(
            pack="demo",
            name="report",
            runner_type="remote-shell-script",
            entry_point="report.sh",
            parameters=parameters,
            pack_folder=folder,
        ),
        pack=PackSpec(ref="demo", name="demo", folder=folder),
        runner_parameters={
            "hosts": hosts,
            "cwd": "/tmp",
            "dir": "/tmp/stormcrow_tests",
            "timeout": 20,
            **given,
        },
        action_parameters={"first": "a b", "second": None, "named": "it's"},
    )


def test_a_script_runs_with_its_library_and_leaves_nothing(
    site: Site, remote: RemoteRunner, tmp_path: Path
) -> None:
    result = only(remote.run(script_request(tmp_path, at(site.first)), RunControl()))
    assert result["stdout"].splitlines() == [
        "library|a b||--named=it's",
        f"/tmp/stormcrow_tests/{ID}",
        "700",
    ]
    assert not Path(f"/tmp/stormcrow_tests/{ID}").exists()


def test_a_script_that_times_out_leaves_nothing(site: Site, remote: RemoteRunner, tmp_path: Path) -> None:
    request = script_request(tmp_path, at(site.first), timeout=1)
    slow = RunRequest(
        execution_id=ID,
        action=request.action,
        pack=request.pack,
        runner_parameters=request.runner_parameters,
        action_parameters={"first": "slow"},
    )
    assert remote.run(slow, RunControl()).status is Status.TIMEOUT
    assert not Path(f"/tmp/stormcrow_tests/{ID}").exists()
    assert not is_running("sleep 7720")


def test_a_script_runs_on_two_ports_of_one_machine(site: Site, remote: RemoteRunner, tmp_path: Path) -> None:
    hosts = f"{at(site.first)},{at(site.second)}"
    result = remote.run(script_request(tmp_path, hosts), RunControl())
    assert result.status is Status.SUCCEEDED


def need_sudo() -> None:
    if shutil.which("sudo") is None:
        pytest.skip("sudo is missing")


def test_sudo_without_a_password_does_not_ask(site: Site, remote: RemoteRunner) -> None:
    need_sudo()
    result = run(remote, at(site.first), 'id -un; echo "$WORD"', sudo=True, env={"WORD": "it's"})
    assert only(result)["stdout"] == "root\nit's"


@pytest.fixture
def strict_sudo(tmp_path: Path) -> Path:
    """Stands in for a sudo that asks for a password; the real one lets root pass without."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "sudo"
    program.write_text(
        "#!/bin/bash\n"
        'echo "$*" >> "$(dirname "$0")/argv"\n'
        'if [ -e "$(dirname "$0")/needs_tty" ] && ! [ -c /dev/tty -a -t 0 ]; then\n'
        '  echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1\nfi\n'
        '[ "$1" = -S ] || { echo "sudo: a password is required" >&2; exit 1; }\n'
        "for try in 1 2 3; do\n"
        '  printf %s "$3" >&2; IFS= read -r word || exit 1\n'
        '  [ "$word" = sesame-17 ] && break; echo "Sorry, try again." >&2; word=\n'
        "done\n"
        '[ "$word" ] || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }\n'
        'while [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n'
    )
    program.chmod(0o755)
    return folder


def with_path(cmd_folder: Path, sshd_folder: Path) -> None:
    """Puts a folder first in the PATH of logins, through the profile of the test's own home."""
    (sshd_folder / ".bashrc").write_text(f"export PATH={cmd_folder}:$PATH\n")


@pytest.fixture
def sudo_host(site: Site, strict_sudo: Path) -> Iterator[Sshd]:
    with_path(strict_sudo, site.first.folder)
    yield site.first
    (site.first.folder / ".bashrc").unlink()


def test_a_sudo_password_goes_through_standard_input_only(
    sudo_host: Sshd, remote: RemoteRunner, strict_sudo: Path
) -> None:
    result = run(
        remote,
        at(sudo_host),
        "cat; echo done; ps -eo args= | grep -c 'ses[a]me'",
        sudo=True,
        sudo_password="sesame-17",
        secrets=("sesame-17",),
    )
    assert only(result)["stdout"] == "done\n0"
    assert "sesame" not in (strict_sudo / "argv").read_text()


def test_a_wrong_sudo_password_fails_without_running(sudo_host: Sshd, remote: RemoteRunner) -> None:
    result = only(run(remote, at(sudo_host), "echo ran", sudo=True, sudo_password="wrong"))
    assert result["failed"] is True
    assert "ran" not in str(result["stdout"])
    assert "Sorry" in result["stderr"]


def test_a_sudo_that_wants_a_terminal_gets_one(
    sudo_host: Sshd, remote: RemoteRunner, strict_sudo: Path
) -> None:
    (strict_sudo / "needs_tty").touch()
    result = only(run(remote, at(sudo_host), "echo done", sudo=True, sudo_password="sesame-17"))
    assert (result["stdout"], result["return_code"]) == ("done", 0)


def test_what_a_sudo_says_that_ends_before_the_password_comes_is_kept(
    sudo_host: Sshd, remote: RemoteRunner, strict_sudo: Path
) -> None:
    (strict_sudo / "sudo").write_text("#!/bin/bash\necho refused\nexit 7\n")
    # All output comes at once, when the command has ended; and we are slow to look at it.
    with (sudo_host.folder / ".bashrc").open("a") as profile:
        profile.write("exec > >(sleep 0.3; cat)\n")
    control = RunControl(output=lambda _kind, _text: time.sleep(0.5))
    result = run(remote, at(sudo_host), "id", sudo=True, sudo_password="sesame-17", control=control)
    assert (only(result)["stdout"], only(result)["return_code"]) == ("refused", 7)


def test_a_wrong_password_on_a_terminal_does_not_hang(
    sudo_host: Sshd, remote: RemoteRunner, strict_sudo: Path
) -> None:
    (strict_sudo / "needs_tty").touch()
    begin_s = time.monotonic()
    result = only(run(remote, at(sudo_host), "echo ran", sudo=True, sudo_password="wrong"))
    assert result["return_code"] == 1
    assert "3 incorrect" in result["stdout"]
    assert "stormcrow-" not in result["stdout"]
    assert time.monotonic() - begin_s < 60


def test_a_timeout_ends_a_command_under_sudo(
    sudo_host: Sshd, remote: RemoteRunner, strict_sudo: Path
) -> None:
    result = run(remote, at(sudo_host), "sleep 7721", sudo=True, sudo_password="sesame-17", timeout=1)
    assert result.status is Status.TIMEOUT
    assert not is_running("sleep 7721")


def test_paramiko_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, engine.runners.remote, engine.runners.http_request, engine.runners.winrm\n"
        "print({'paramiko', 'requests', 'winrm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "set()"


def test_sudo_may_be_forbidden(site: Site, remote: RemoteRunner) -> None:
    runner = site.runner(actions=ActionSettings(sudo=False))
    assert "may not use sudo" in run(runner, at(site.first), "true", sudo=True).result["error"]


@pytest.mark.parametrize("hosts", ["", " , ", "a b", "-oProxyCommand=id", "host;id", "h:99999", "h:x"])
def test_what_is_not_a_host_is_refused(site: Site, remote: RemoteRunner, hosts: str) -> None:
    with pytest.raises(RunnerFailure):
        run(remote, hosts, "true")
