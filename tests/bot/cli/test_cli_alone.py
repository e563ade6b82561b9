"""Commands that need no server."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.cli.exits import Code
from bot.cli.main import app
from bot.cli.output import paint
from tests.bot.cli.conftest import Shell
from tests.engine.api.running import write_pack

ROOT = Path(__file__).parents[3]


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_reference_names_every_command_and_option() -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    everywhere = {"--json", "--url", "--config", "--data", "--help"}
    for name, command in COMMANDS.items():
        place = text.partition(f"`stormcrow {name}")[2]
        assert place, f"stormcrow {name} is missing"
        entry = place.partition("\n- ")[0]
        for option in command.params:
            shown = set(option.opts) - everywhere
            if shown and option.param_type_name == "option":
                assert any(word in entry for word in shown), f"{name}: {shown}"


def test_the_reference_explains_every_exit_code() -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    for code in Code:
        assert f"| {code.value} | " in text


# What they print is no document, or is one already.
PLAIN = {"up", "chat", "dev slack", "mcp", "pack setup", "audit export"}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - PLAIN))
def test_every_command_that_prints_knows_json(name: str) -> None:
    assert "--json" in {word for option in COMMANDS[name].params for word in option.opts}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(shell: Shell, name: str) -> None:
    done = shell(*name.split(), "--help")
    assert done.exit_code == 0
    assert COMMANDS[name].help.split(".")[0].split("\n")[0][:30] in done.stdout


SLOW = {"sqlalchemy", "starlette", "alembic", "paramiko", "uvicorn", "apscheduler", "jinja2"}


def imported_by(*words: str) -> set[str]:
    """The modules that a command of its own process has loaded at its end."""
    code = "import atexit, sys, bot.cli.main as m; atexit.register(lambda: print(*sys.modules)); m.main()"
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", ["--help", "run --help", "action list --help", "doctor --help"])
def test_help_imports_nothing_that_is_slow(words: str) -> None:
    assert SLOW & imported_by(*words.split()) == set()


def test_a_command_imports_its_own_file_only() -> None:
    loaded = imported_by("status", "--help")
    assert "bot.cli.status" in loaded
    assert {f"bot.cli.{name}" for name in ("doctor", "running", "webhooks", "workflows")} & loaded == set()


def test_a_format_is_tried(shell: Shell) -> None:
    done = shell("alias", "test", "--format", "deploy {{app}} {{env=prod}}", "--text", "deploy web", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"params": {"app": "web", "env": "prod"}}


def test_a_format_that_does_not_fit_is_an_error(shell: Shell) -> None:
    done = shell("alias", "test", "--format", "deploy {{app}}", "--text", "destroy", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["type"] == "ParseException"


def test_the_recorded_aliases_give_the_recorded_answers(shell: Shell, conformance: Path) -> None:
    cases = json.loads((conformance / "alias-cases.json").read_text())
    for case in [case for case in cases if "params" in case["expect"]][::12]:
        every = ["--match-multiple"] if case.get("match_multiple") else []
        words = ["--format", case["format"], "--text", case["text"], "--json", *every]
        assert json.loads(shell("alias", "test", *words).stdout) == case["expect"], case["id"]


def test_a_pack_is_checked(shell: Shell, tmp_path: Path) -> None:
    write_pack(tmp_path / "somewhere")
    done = shell("pack", "check", str(tmp_path / "somewhere" / "probe"))
    assert done.exit_code == 1
    assert "broken.yaml" in done.stdout
    found = json.loads(shell("pack", "check", str(tmp_path / "somewhere"), "--json").stdout)
    assert any(one["severity"] == "error" and "no-such-runner" in one["text"] for one in found)
    (tmp_path / "somewhere" / "probe" / "actions" / "broken.yaml").unlink()
    assert shell("pack", "check", str(tmp_path / "somewhere" / "probe")).exit_code == 0


def test_a_folder_that_is_not_there_is_not_found(shell: Shell) -> None:
    assert shell("pack", "check", "nowhere").exit_code == 9


def test_the_shipped_packs_have_no_findings(shell: Shell) -> None:
    done = shell("pack", "check", "--strict")
    assert done.exit_code == 0, done.stdout


def test_settings_are_checked(shell: Shell, tmp_path: Path) -> None:
    assert shell("config", "check").exit_code == 0
    (tmp_path / "config.yaml").write_text("server:\n  prot: 1\n")
    done = shell("config", "check")
    assert done.exit_code == 2
    assert "config.yaml:2" in done.stderr
    assert "port" in done.stderr


def test_settings_are_shown_without_secrets(shell: Shell) -> None:
    variables = {"STORMCROW_STORE__URL": "postgresql://me:canary@host/db"}
    done = shell("config", "show", **variables)
    assert "port: 9101" in done.stdout
    assert "canary" not in done.stdout
    assert json.loads(shell("config", "show", "--json").stdout)["server"]["port"] == 9101


def test_an_unknown_pack_cannot_be_set_up(shell: Shell) -> None:
    assert shell("pack", "setup", "nosuch").exit_code == 9
    assert "needs none" in shell("pack", "setup", "core").stdout


def test_a_pack_is_set_up_with_the_python_that_was_asked_for(shell: Shell, tmp_path: Path) -> None:
    write_pack(tmp_path / "packs")
    done = shell("pack", "setup", "probe", "--python", "3.99")
    assert done.exit_code == 1
    assert "no python3.99 on this machine" in done.stderr


def doctor(shell: Shell, **variables: str) -> dict[str, Any]:
    done = shell("doctor", "--json", "--data", "data", **variables)
    findings = json.loads(done.stdout)
    assert done.exit_code == (0 if all(one["is_ok"] for one in findings) else 1)
    return {one["what"]: one for one in findings}


def test_the_doctor_finds_a_healthy_place_healthy(shell: Shell) -> None:
    findings = doctor(shell, STORMCROW_SERVER__PORT="0")
    assert all(one["is_ok"] for one in findings.values()), findings


def test_the_doctor_finds_an_open_data_folder_and_key(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "admin.key").write_text("x")
    (tmp_path / "data" / "admin.key").chmod(0o644)
    findings = doctor(shell)
    assert findings["data folder"]["fix"].startswith("chmod 700")
    assert findings["admin key"]["fix"].startswith("chmod 600")


def test_the_doctor_finds_a_taken_port(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        findings = doctor(shell, STORMCROW_SERVER__PORT=str(other.getsockname()[1]))
    assert not findings["port"]["is_ok"]
    assert "--port" in findings["port"]["fix"]


def test_the_doctor_knows_its_own_server(shell: Shell) -> None:
    port = shell.server.url.rpartition(":")[2]
    data = str(shell.server.folder / "data")
    done = shell("doctor", "--json", "--data", data, STORMCROW_SERVER__PORT=port)
    found = next(one for one in json.loads(done.stdout) if one["what"] == "port")
    assert found["is_ok"]
    assert "running" in found["text"]


def test_the_doctor_finds_a_broken_database(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "stormcrow.db").write_bytes(b"this is no database" * 100)
    assert not doctor(shell)["database"]["is_ok"]


def test_the_doctor_finds_broken_content_and_missing_environments(shell: Shell, tmp_path: Path) -> None:
    write_pack(tmp_path / "packs")
    actions = tmp_path / "packs" / "probe" / "actions"
    (actions / "py.yaml").write_text("name: py\nrunner_type: python-script\nentry_point: py.py\n")
    (actions / "py.py").write_text("")
    findings = doctor(shell)
    assert "broken.yaml" in findings["action broken"]["text"]
    assert findings["pack probe"]["fix"] == "stormcrow pack setup probe"


def test_the_doctor_says_what_is_wrong_with_the_settings(shell: Shell) -> None:
    done = shell("doctor", STORMCROW_SERVER__PORT="many")
    assert done.exit_code == 1
    assert "STORMCROW_SERVER__PORT" in done.stdout


def test_pipes_get_no_colours() -> None:
    assert paint("failed") == "failed"


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell("--version").exit_code == 0
