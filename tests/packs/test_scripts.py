"""The shipped scripts, run the way the local and remote runners run them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.packs.conftest import PACKS


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PACKS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": os.environ["PATH"], **environment},
        check=False,
    )


def test_the_load_is_an_object_with_three_averages() -> None:
    assert set(json.loads(run("linux/actions/checks/check_loadavg.sh", "all").stdout)) == {"1", "5", "15"}


def test_one_average_may_be_asked_for() -> None:
    assert list(json.loads(run("linux/actions/checks/check_loadavg.sh", "5").stdout)) == ["5"]


def test_an_unknown_average_is_refused() -> None:
    done = run("linux/actions/checks/check_loadavg.sh", "7")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_process_is_found_by_its_number() -> None:
    done = run("linux/actions/checks/check_processes.sh", "pid", str(os.getpid()), "")
    found = json.loads(done.stdout)["processes"]
    assert [one["pid"] for one in found] == [os.getpid()]


def test_a_process_is_found_by_name_and_command_line() -> None:
    code = "print(flush=True); input()"
    command = [sys.executable, "-c", code, 'odd "\\ text']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        # Only what has written is surely through its exec, and has its own name.
        child.stdout.readline()
        name = Path(f"/proc/{child.pid}/comm").read_text().strip()
        done = run("linux/actions/checks/check_processes.sh", "name", name, 'odd "\\ text')
        child.communicate(b"\n")
    assert [one["pid"] for one in json.loads(done.stdout)["processes"]] == [child.pid]


def test_a_name_that_is_not_there_fails() -> None:
    done = run("linux/actions/checks/check_processes.sh", "name", "no-such-name", "")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"count": 0, "processes": []})


def test_a_state_that_nothing_is_in_succeeds() -> None:
    assert run("linux/actions/checks/check_processes.sh", "state", "X", "").returncode == 0


def test_a_service_name_is_no_option() -> None:
    done = run("linux/actions/service.sh", "status", "--help")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_host_to_trace_is_no_option() -> None:
    assert run("linux/actions/traceroute.sh", "-h", "3", "1").returncode == 2


def test_the_largest_files_come_first(tmp_path: Path) -> None:
    for name, size in {"small": 2048, "a large one": 30000, "middle": 9000, "tiny": 10}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    lines = run("examples/actions/largest_files.sh", "--min_kib=1", str(tmp_path), "2").stdout.splitlines()
    assert [line.partition("/")[2].rpartition("/")[2] for line in lines] == ["a large one", "middle"]


def test_a_folder_that_is_missing_is_named() -> None:
    done = run("examples/actions/largest_files.sh", "--min_kib=1", "/no/such folder", "2")
    assert (done.returncode, done.stderr) == (2, "There is no folder /no/such folder\n")


def test_a_deployment_has_five_steps() -> None:
    done = run("examples/actions/deploy.sh", "--step_s=0", "api", "staging", "1.2")
    assert done.stdout.count("/5]") == 5
    assert "api 1.2 is live in staging" in done.stdout


def test_a_deployment_stops_at_the_step_that_fails() -> None:
    done = run("examples/actions/deploy.sh", "--fail_at=roll out", "--step_s=0", "api", "staging", "1.2")
    assert (done.returncode, done.stdout.count("/5]")) == (1, 4)


def test_the_countdown_writes_a_line_each_second() -> None:
    assert run("examples/actions/countdown.sh", "1").stdout == "1 ...\nLift-off!\n"


def test_a_failure_has_the_status_that_was_asked_for() -> None:
    assert run("examples/actions/fail.sh", "42").returncode == 42


def test_a_mail_reaches_the_sendmail_program(tmp_path: Path) -> None:
    program, sent, attached = tmp_path / "sendmail", tmp_path / "sent", tmp_path / "notes.txt"
    program.write_text(f"#!/bin/sh\ncat >{sent}\n")
    program.chmod(0o755)
    attached.write_text("attached text")
    script = "core/actions/send_mail/send_mail"
    done = run(
        script,
        str(program),
        "me@here",
        "a@there, b@there",
        "Grüße",
        "1",
        "text/html",
        "<p>hi</p>",
        str(attached),
    )
    mail = sent.read_text()
    assert done.returncode == 0, done.stderr
    assert "To: a@there, b@there" in mail
    assert "text/html" in mail
    assert 'filename="notes.txt"' in mail


def test_a_subject_cannot_bring_headers_along(tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f"#!/bin/sh\ncat >{tmp_path / 'sent'}\n")
    program.chmod(0o755)
    script = "core/actions/send_mail/send_mail"
    done = run(script, str(program), "me@here", "a@there", "hello\nBcc: c@there", "1", "text/plain", "hi")
    assert done.returncode == 2
    assert not (tmp_path / "sent").exists()


def test_an_empty_mail_is_left_unsent_when_asked() -> None:
    done = run(
        "core/actions/send_mail/send_mail", "/bin/false", "me@here", "a@there", "none", "0", "text/plain", ""
    )
    assert done.returncode == 0
    assert "nothing was sent" in done.stdout
