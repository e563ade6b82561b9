"""The terminal chat as a program: with pipes, and at a pseudo terminal."""

import os
import pty
import select
import subprocess
import sys
import time

from tests.bot.conftest import House

PROGRAM = (
    "import os, sys; from bot.adapters.terminal import run_terminal; "
    "sys.exit(run_terminal(sys.argv[1], os.environ['KEY'], 'ann', 'ops'))"
)


def chat(house: House, lines: str, *, key: str = "", url: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, url or house.url]
    environment = {**os.environ, "KEY": key or house.key}
    return subprocess.run(
        command, input=lines, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_piped_lines_are_answered_one_by_one(house: House) -> None:
    done = chat(house, "echo echo one\n!echo sleep 0.4; echo two\n\n# a comment\nhelp\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("one") < done.stdout.index("two") < done.stdout.index("What you can say")
    assert "\x1b" not in done.stdout
    assert "core.local succeeded in" in done.stdout


def test_a_form_is_shown_once(house: House) -> None:
    done = chat(house, "echo\n")
    assert (done.stdout + done.stderr).count("echo needs: cmd.") == 1


def test_a_failed_command_is_the_exit_code_one(house: House) -> None:
    assert chat(house, "true\necho exit 3\ntrue\n").returncode == 1


def test_an_unknown_command_is_the_exit_code_one(house: House) -> None:
    assert chat(house, "no such thing\n").returncode == 1


def test_a_wrong_key_is_refused_with_eight(house: House) -> None:
    done = chat(house, "true\n", key="wrong")
    assert done.returncode == 8
    assert "refuses" in done.stderr


def test_without_a_server_it_says_how_to_start_one(house: House) -> None:
    done = chat(house, "true\n", url="http://127.0.0.1:9")
    assert done.returncode == 8
    assert "stormcrow up" in done.stderr


def test_at_a_terminal_answers_appear_above_the_prompt(house: House) -> None:
    mine, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, house.url],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "KEY": house.key},
        start_new_session=True,
    )
    os.close(theirs)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while text not in seen:
            assert time.monotonic() < end, seen
            if select.select([mine], [], [], 0.2)[0]:
                seen += os.read(mine, 65536).decode(errors="replace")

    try:
        until("#ops> ")
        os.write(mine, b"echo echo hello from a pty\n")
        until("core.local succeeded")
        until("hello from a pty\r\n#ops> ")
        os.write(mine, b"\x04")
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait()
        os.close(mine)
