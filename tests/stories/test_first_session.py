"""The README's first session: a newcomer with a fresh server, the terminal, the command line, the API."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from tests.durability.server import Server, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Nothing but what we ship."""
    made = Server(tmp_path_factory.mktemp("first"), files={})
    try:
        made.start()
        yield made
    finally:
        made.close()


def stormcrow(server: Server, *words: str, lines: str = "") -> "subprocess.CompletedProcess[str]":
    """The command, with the server's settings."""
    command = [sys.executable, "-m", "bot.cli", *words, "--config", str(server.config)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORMCROW_")}
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def chat(server: Server, *lines: str) -> "subprocess.CompletedProcess[str]":
    return stormcrow(server, "chat", "--user", "ada", lines="".join(f"{line}\n" for line in lines))


def last_id(server: Server, action: str) -> str:
    return str(next(one["id"] for one in server.executions() if one["action"]["ref"] == action))


def test_help_shows_what_can_be_said(server: Server) -> None:
    done = chat(server, "!help", "help examples greet")
    assert done.returncode == 0, done.stderr
    for word in ("status [id]", "cancel [id]", "diagnose", "examples greet [name]"):
        assert word in done.stdout, done.stdout


def test_diagnose_answers_with_facts_about_this_host(server: Server) -> None:
    done = chat(server, "!diagnose", "diagnose disks")
    assert done.returncode == 0, done.stdout
    assert os.uname().nodename in done.stdout
    assert "Disks" in done.stdout


def test_the_examples_answer(server: Server) -> None:
    done = chat(
        server,
        "!examples",
        "!examples greet Ada",
        "examples salute Ada",
        "examples uptime",
        "examples wave at Ada and wave at Bob",
        "examples note buy milk",
        "examples deploy api to staging",
    )
    assert done.returncode == 0, done.stdout
    for words in ("A tour", "Hello, Ada!", "up ", "Bob", "Noted: buy milk", "api is live in staging"):
        assert words in done.stdout, (words, done.stdout)


def test_a_failure_is_told_and_is_the_exit_code(server: Server) -> None:
    done = chat(server, "examples fail 3")
    assert done.returncode == 1
    assert "with status 3" in done.stdout


def test_an_unknown_command_gets_the_nearest_one(server: Server) -> None:
    done = chat(server, "examples gret Ada")
    assert done.returncode == 1
    assert "Did you mean" in done.stdout
    assert "examples greet" in done.stdout


def test_status_output_and_rerun_go_on_from_an_execution(server: Server) -> None:
    chat(server, "examples greet Ada")
    first = last_id(server, "examples.greet")
    done = chat(server, f"status {first[-6:]}", f"output {first[-6:]}", f"rerun {first[-6:]}")
    assert done.returncode == 0, done.stdout
    assert "examples.greet" in done.stdout
    assert "succeeded" in done.stdout
    assert "Hello, Ada!" in done.stdout
    assert last_id(server, "examples.greet") != first


def test_cancel_stops_a_countdown(server: Server) -> None:
    counting = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "chat", "--user", "ada", "--config", str(server.config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert counting.stdin is not None
    counting.stdin.write("examples countdown 50\n")
    counting.stdin.close()
    assert counting.stdout is not None
    try:
        wait_until(lambda: any(one["status"] == "running" for one in server.executions()), timeout_s=60)
        done = chat(server, f"cancel {last_id(server, 'examples.countdown')[-6:]}")
        assert "cancelled" in done.stdout
        assert counting.wait(60) == 1
        assert "canceled" in counting.stdout.read()
    finally:
        counting.kill()
        counting.wait()
        counting.stdout.close()


def test_the_command_line_runs_lists_and_shows(server: Server) -> None:
    done = stormcrow(server, "run", "examples.greet", "name=Ada")
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada!" in done.stdout
    listed = stormcrow(server, "execution", "list", "--json")
    newest = json.loads(listed.stdout)[0]
    assert newest["action"]["ref"] == "examples.greet"
    shown = stormcrow(server, "execution", "get", newest["id"][-6:], "--json")
    assert json.loads(shown.stdout)["status"] == "succeeded"


def test_a_failed_run_is_the_exit_code_one(server: Server) -> None:
    assert stormcrow(server, "run", "core.local", "cmd=exit 7").returncode == 1
    missing = stormcrow(server, "run", "core.locul", "cmd=true")
    assert missing.returncode == 2
    assert "core.local" in missing.stderr


def test_the_command_line_says_what_is_there(server: Server) -> None:
    assert "examples.greet" in stormcrow(server, "action", "list").stdout
    assert "diagnose" in stormcrow(server, "alias", "list").stdout
    assert "examples" in stormcrow(server, "pack", "list").stdout
    assert stormcrow(server, "config", "check").returncode == 0
    matched = stormcrow(server, "alias", "match", "examples greet Ada")
    assert "examples.greet" in matched.stdout


def test_the_same_over_the_api(server: Server) -> None:
    headers = {"St2-Api-Key": server.key}
    body = {"action": "core.local", "parameters": {"cmd": "uptime"}}
    for path in ("/v1/executions", "/api/v1/executions/", "/executions"):
        made = requests.post(server.url + path, json=body, headers=headers, timeout=30, allow_redirects=False)
        assert made.status_code == 201, made.text
        execution = server.ended(made.json()["id"])
        assert execution["status"] == "succeeded"
        assert "load average" in execution["result"]["stdout"]
    assert requests.get(f"{server.url}/v1/executions", timeout=30).status_code == 401
    matched = requests.post(
        f"{server.url}/v1/aliasexecution/match_and_execute",
        json={"command": "examples greet Ada", "user": "", "source_channel": "cli"},
        headers=headers,
        timeout=30,
    )
    assert matched.ok, matched.text
    (started,) = matched.json()["results"]
    assert server.ended(started["execution"]["id"])["result"]["result"]["greeting"] == "Hello, Ada!"


def test_the_page_of_the_chat_is_there_for_a_browser(server: Server) -> None:
    page = requests.get(f"{server.url}/chat", timeout=30)
    assert page.status_code == 200
    assert re.search(r"<script[^>]+src=", page.text)
    session = requests.get(f"{server.url}/chat/session", timeout=30).json()
    assert session["signed_in"]
    assert not session["verified"]


def test_the_first_start_takes_seconds_and_the_stop_too(server: Server) -> None:
    began = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - began < 50
    assert "Traceback" not in server.log_text
    server.start()
    assert chat(server, "examples greet again").returncode == 0
