"""What ships loads clean, is complete, and keeps the interface that other content depends on."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.content.registry import Registry
from tests.packs.conftest import PACKS, ROOT

# stackstorm.md, section 5.4.
ACTIONS = {
    "core": "announcement ask echo error http inject_trigger local local_sudo noop pause remote remote_sudo "
    "sendmail uuid winrm_cmd winrm_ps_cmd",
    "packs": "delete download get get_config get_pack_dependencies get_pack_warnings install load "
    "restart_component search setup_virtualenv show uninstall unload update_virtualenv virtualenv_prerun",
    "linux": "check_loadavg check_processes cp diag_loadavg dig file_touch lsof lsof_pids mv netstat "
    "netstat_grep pkill rm rsync scp service traceroute vmstat wait_for_ssh",
    "chatops": "format_execution_result match match_and_execute post_message post_result run",
}
# name -> runner, then parameter: (type, required, immutable, position, default). ... stands for "no default".
CORE: dict[str, tuple[str, dict[str, tuple[Any, ...]]]] = {
    "announcement": (
        "announcement",
        {"experimental": (None, False, True, None, True), "message": ("object", False, False, None, ...)},
    ),
    "ask": ("inquirer", {}),
    "echo": ("local-shell-cmd", {"message": ("string", True, False, None, ...)}),
    "error": ("local-shell-cmd", {"message": ("string", True, False, None, ...)}),
    "http": (
        "http-request",
        {
            "method": ("string", False, False, None, ...),
            "body": ("string", False, False, None, ...),
            "params": ("object", False, False, None, ...),
            "headers": ("object", False, False, None, ...),
            "auth": ("string", False, False, None, ...),
            "timeout": ("number", False, False, None, 60),
            "file_name": ("string", False, False, None, ...),
            "file_content": ("string", False, False, None, ...),
            "file_content_type": ("string", False, False, None, ...),
        },
    ),
    "inject_trigger": (
        "python-script",
        {
            "trigger": ("string", False, False, None, ...),
            "trigger_name": ("string", False, False, None, ...),
            "payload": ("object", False, False, None, ...),
            "trace_tag": ("string", False, False, None, ...),
        },
    ),
    "local": (
        "local-shell-cmd",
        {"cmd": ("string", True, False, None, ...), "sudo": (None, False, True, None, ...)},
    ),
    "local_sudo": (
        "local-shell-cmd",
        {"cmd": ("string", True, False, None, ...), "sudo": (None, False, True, None, True)},
    ),
    "noop": ("noop", {}),
    "pause": (
        "python-script",
        {"max_pause": ("integer", True, False, 0, ...), "random": ("boolean", False, False, 1, False)},
    ),
    "remote": (
        "remote-shell-cmd",
        {"cmd": ("string", True, False, None, ...), "sudo": (None, False, True, None, ...)},
    ),
    "remote_sudo": (
        "remote-shell-cmd",
        {"cmd": ("string", True, False, None, ...), "sudo": (None, False, True, None, True)},
    ),
    "sendmail": (
        "local-shell-script",
        {
            "sendmail_binary": ("string", False, False, 0, "None"),
            "from": ("string", False, False, 1, "stanley"),
            "to": ("string", True, False, 2, ...),
            "subject": ("string", True, False, 3, ...),
            "send_empty_body": ("boolean", False, False, 4, True),
            "content_type": ("string", False, False, 5, "text/html"),
            "body": ("string", True, False, 6, ...),
            "attachments": ("string", False, False, 7, ...),
        },
    ),
    "uuid": ("python-script", {"uuid_type": ("string", False, False, None, "uuid4")}),
    "winrm_cmd": ("winrm-cmd", {"cmd": ("string", True, False, None, ...)}),
    "winrm_ps_cmd": ("winrm-ps-cmd", {"cmd": ("string", True, False, None, ...)}),
}
TRIGGER_TYPES = (
    "st2.IntervalTimer st2.DateTimer st2.CronTimer st2.webhook st2.action.file_written "
    "st2.generic.actiontrigger st2.generic.notifytrigger st2.generic.inquiry "
    "st2.sensor.process_spawn st2.sensor.process_exit st2.key_value_pair.create "
    "st2.key_value_pair.update st2.key_value_pair.delete st2.key_value_pair.value_change"
)
SOURCES = sorted(PACKS.rglob("*.py"))
SCRIPTS = sorted(path for path in PACKS.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"#!")


def short(path: object) -> str:
    return str(path.relative_to(PACKS)) if isinstance(path, Path) else ""


def test_every_file_loads(registry: Registry) -> None:
    assert [f"{one.where}: {one.reason}" for one in registry.unavailable] == []


def test_no_file_is_odd(registry: Registry) -> None:
    assert registry.warnings == ()


def test_the_shipped_packs_are_there(registry: Registry) -> None:
    assert set(registry.packs) == {"alerts", "ci", "core", "linux", "chatops", "packs", "examples", "default"}


@pytest.mark.parametrize("pack", ACTIONS)
def test_every_action_that_other_content_names_is_there(registry: Registry, pack: str) -> None:
    assert {f"{pack}.{name}" for name in ACTIONS[pack].split()} <= set(registry.actions)


@pytest.mark.parametrize("name", CORE)
def test_a_core_action_keeps_its_interface(registry: Registry, name: str) -> None:
    runner, parameters = CORE[name]
    action = registry.action(f"core.{name}")
    found = {
        key: (one.type, one.required, one.immutable, one.position, one.default if one.has_default else ...)
        for key, one in action.parameters.items()
        if key in parameters
    }
    assert (action.runner_type, found) == (runner, parameters)


@pytest.mark.parametrize("name", TRIGGER_TYPES.split())
def test_every_trigger_type_of_the_engine_is_there(registry: Registry, name: str) -> None:
    assert f"core.{name}" in registry.trigger_types


def test_the_file_sensor_brings_its_trigger_type(registry: Registry) -> None:
    assert "linux.FileWatchSensor" in registry.sensors
    assert "linux.file_watch.line" in registry.trigger_types


def test_the_rules_of_the_chats_are_there_and_the_example_is_off(registry: Registry) -> None:
    assert {"chatops.notify", "chatops.notify-errbot", "examples.diagnose_alerts"} == set(registry.rules)
    assert not registry.rules["examples.diagnose_alerts"].enabled


def test_every_alias_starts_an_action_that_exists(registry: Registry) -> None:
    assert {alias.action_ref for alias in registry.aliases.values()} <= set(registry.actions)


def test_aliases_of_the_site_belong_to_the_default_pack(registry: Registry) -> None:
    assert {"default.whoami", "default.ping", "default.dig"} <= set(registry.aliases)


def test_every_entry_point_exists(registry: Registry) -> None:
    missing = [
        one.ref
        for one in registry.actions.values()
        # The installer's entry points are the names of what it does.
        if one.entry_point and one.runner_type != "pack-installer" and not one.entry_path.is_file()
    ]
    assert missing == []


@pytest.mark.parametrize("path", SCRIPTS, ids=short)
def test_a_script_is_executable(path: Path) -> None:
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize("path", [one for one in SCRIPTS if one.suffix == ".sh"], ids=short)
def test_a_shell_script_is_sound(path: Path) -> None:
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_python_code_is_readable_by_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_python_code_needs_nothing_but_python_and_the_runtime(path: Path) -> None:
    beside = {one.stem for one in PACKS.rglob("*.py") if path.relative_to(PACKS).parts[0] in one.parts}
    allowed = {*sys.stdlib_module_names, "st2common", "st2reactor", *beside}
    assert imported(path) <= allowed


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_the_copies_of_the_api_client_are_the_same() -> None:
    copies = [path.read_text(encoding="utf-8") for path in PACKS.glob("*/actions/lib/rest_api.py")]
    assert len(copies) == 4
    assert len(set(copies)) == 1


def test_every_pack_says_what_it_is(registry: Registry) -> None:
    assert [ref for ref in registry.packs if not (PACKS / ref / "README.md").is_file()] == []


def test_every_action_and_parameter_is_described(registry: Registry) -> None:
    silent = [one.ref for one in registry.actions.values() if not one.description.endswith((".", "?", ")"))]
    assert silent == []


def test_aliases_stand_where_the_settings_say() -> None:
    assert sorted(path.name for path in (ROOT / "aliases").glob("*.yaml")) == [
        "dig.yaml",
        "ping.yaml",
        "whoami.yaml",
    ]
