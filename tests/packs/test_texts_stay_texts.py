"""What a caller gives to a shell action of ours is text, whatever it looks like."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.content.registry import Registry
from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings

HOSTILE = [
    "plain",
    "it's",
    "''",
    "'; touch broken; '",
    "$(touch broken)",
    "`touch broken`",
    '"; touch broken; "',
    "a\\nb \\c",
    "-n",
    "%s %d",
    "two\nlines",
    "{{ 7 * 7 }}",
    "$HOME ~ * ?",
    "ünï → ✓",
    "",
]


def command_of(registry: Registry, ref: str, **given: Any) -> str:
    """The action's command line, with `args` rendered first as it depends on the others."""
    templates = Templates(TemplateSettings())
    parameters = registry.action(ref).parameters
    values = {name: one.default for name, one in parameters.items() if one.has_default}
    values.update({name: None for name, one in parameters.items() if not one.has_default})
    values.update(given)
    for name in ("args", "cmd"):
        if name not in given and name in values:
            values[name] = templates.render(values[name], values)
    return str(values["cmd"])


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_echo_gives_the_very_text_back(registry: Registry, tmp_path: Path, text: str) -> None:
    done = shell(command_of(registry, "core.echo", message=text), tmp_path)
    assert (done.returncode, done.stdout) == (0, text + "\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_error_writes_the_very_text(registry: Registry, tmp_path: Path, text: str) -> None:
    done = shell(command_of(registry, "core.error", message=text), tmp_path)
    assert (done.stdout, done.stderr) == ("", text + "\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_echo_runs_nothing(registry: Registry, tmp_path: Path, text: str) -> None:
    shell(command_of(registry, "core.echo", message=text), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_error_succeeds_as_in_stackstorm(registry: Registry, tmp_path: Path) -> None:
    assert shell(command_of(registry, "core.error", message="no"), tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["a b", "it's", "$(touch broken)", "-rf", "`x`", '"', "a;b"])
def test_cp_mv_and_rm_take_any_name(registry: Registry, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("content")
    copied = shell(command_of(registry, "linux.cp", source=name, destination=f"{name} copy"), tmp_path)
    moved = shell(
        command_of(registry, "linux.mv", source=f"{name} copy", destination=f"{name} moved"), tmp_path
    )
    removed = shell(command_of(registry, "linux.rm", target=name), tmp_path)
    assert [one.returncode for one in (copied, moved, removed)] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == [f"{name} moved"]


def test_patterns_are_expanded(registry: Registry, tmp_path: Path) -> None:
    for name in ("one.log", "two words.log", "kept.txt"):
        (tmp_path / name).write_text("")
    assert shell(command_of(registry, "linux.rm", target="*.log"), tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_folders_are_copied_when_asked(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    command = command_of(
        registry, "linux.cp", source="folder", destination="copy", recursive=True, force=True
    )
    assert shell(command, tmp_path).returncode == 0
    assert (tmp_path / "copy" / "inner").is_dir()


def test_options_are_words_and_run_nothing(registry: Registry, tmp_path: Path) -> None:
    shell(
        command_of(registry, "linux.vmstat", args="1 1; touch broken $(touch broken) && touch broken"),
        tmp_path,
    )
    assert list(tmp_path.iterdir()) == []


def test_file_touch_writes_the_time(registry: Registry, tmp_path: Path) -> None:
    assert shell(command_of(registry, "linux.file_touch", file="it's $(x)"), tmp_path).returncode == 0
    assert (tmp_path / "it's $(x)").read_text().strip().isdigit()


@pytest.mark.parametrize("pids", ["1; touch broken", ["1", "$(touch broken)"], "1 `touch broken`"])
def test_process_numbers_run_nothing(registry: Registry, tmp_path: Path, pids: Any) -> None:
    shell(command_of(registry, "linux.lsof_pids", pids=pids), tmp_path)
    shell(
        command_of(registry, "linux.netstat_grep", pids=pids if isinstance(pids, list) else [pids]), tmp_path
    )
    assert list(tmp_path.iterdir()) == []


def test_rsync_and_scp_name_their_target_as_one_word(registry: Registry) -> None:
    rsync = command_of(registry, "linux.rsync", source="a", dest_server="h", destination="it's")
    scp = command_of(registry, "linux.scp", source="a", dest_server="h", destination="b c", username="u")
    assert "target='h:it'\\''s'" in rsync
    assert "target='u@h:b c'" in scp
