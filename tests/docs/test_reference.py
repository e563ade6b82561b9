"""Nothing is missing from the reference: settings, runners, chat commands, filters, files, keys."""

import json
import threading
from pathlib import Path

import pytest

from bot.answers import OWN
from bot.app import App
from engine.configuration import described
from engine.content import read_actions, read_aliases, read_events, read_gates, read_packs
from engine.content.shape import Field
from engine.expressions.filters import FILTERS
from engine.runner_set import BUILT_IN
from engine.settings import Settings
from engine.settings.server import ServerSettings
from engine.specs.pack import SYSTEM_PACKS
from engine.specs.rule import OPERATORS
from engine.specs.runner_type import RUNNER_ALIASES, RUNNER_TYPES, WORKFLOWS
from engine.subjects import RUNNER as INQUIRER
from tests.docs.pages import REFERENCE, reference_text
from tests.docs.reference_tables import filled, places, tables

HOW = "run: python -m tests.docs.reference_tables"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in REFERENCE.glob("*.md")))
def test_the_tables_of_a_page_are_those_that_the_code_gives(name: str) -> None:
    text = page(name)
    assert filled(text) == text, HOW


def test_every_table_stands_in_the_reference() -> None:
    assert sorted(places(reference_text())) == sorted(tables())


def test_every_setting_is_in_the_reference() -> None:
    text = page("settings.md")
    assert [key.variable for key in described() if f"`{key.variable}`" not in text] == []


def test_every_runner_has_its_chapter() -> None:
    headings = page("runners.md").splitlines()
    assert [name for name in {*RUNNER_TYPES, *BUILT_IN} if f"## {name}" not in headings] == []


def test_every_old_name_of_a_runner_is_in_the_reference() -> None:
    text = page("runners.md")
    assert [name for name in RUNNER_ALIASES if f"`{name}`" not in text] == []


def test_every_runner_parameter_stands_in_the_chapter_of_its_runner() -> None:
    chapters = dict(part.split("\n", 1) for part in page("runners.md").split("\n## ")[1:])
    missing = [
        f"{runner}: {name}"
        for runner, spec in RUNNER_TYPES.items()
        for name in spec.parameters
        if f"| `{name}` |" not in chapters[runner]
    ]
    assert missing == []


def test_every_runner_runs() -> None:
    assert RUNNER_TYPES.keys() == BUILT_IN.keys() | WORKFLOWS | {INQUIRER}


def test_every_built_in_command_of_the_chat_is_in_the_reference() -> None:
    text = page("chat.md")
    assert [words for words, _about in OWN if f"`{words}`" not in text] == []


def test_every_filter_is_in_the_reference() -> None:
    text = page("parameters-and-templates.md")
    assert [name for name in (*FILTERS, "decrypt_kv") if name not in text] == []


@pytest.mark.parametrize(
    ("row", "table"),
    [
        ("pack.yaml", read_packs._PACK),
        ("actions", read_actions._ACTION),
        ("aliases", read_aliases._ALIAS),
        ("rules", read_events._RULE),
        ("sensors", read_events._SENSOR),
        ("triggers", read_events._TRIGGER_TYPE),
        ("policies", read_actions._POLICY),
    ],
)
def test_every_key_of_a_content_file_is_in_the_reference(row: str, table: dict[str, Field]) -> None:
    line = next(line for line in page("packs.md").splitlines() if line.startswith(f"| {row} |"))
    named = {word.strip() for word in line.split("|")[2].split(",")}
    # Said once above the table, because every kind takes them.
    everywhere = {"id", "uid", "metadata_file", "pack", "path"} | ({"ref"} if row != "pack.yaml" else set())
    wanted = {f"**{key}**" if field.required else key for key, field in table.items()}
    assert {key for key in wanted if key not in everywhere} <= named


def test_every_operator_and_key_of_rules_is_in_the_reference() -> None:
    text = page("rules.md")
    wanted = {*(f"`{name}`" for name in OPERATORS), *read_gates.KNOWN}
    assert [name for name in sorted(wanted) if name not in text] == []


def test_every_shipped_pack_is_in_the_reference() -> None:
    text = page("packs.md")
    assert [ref for ref in SYSTEM_PACKS if f"| {ref} |" not in text] == []


def test_every_file_of_a_data_folder_is_in_the_reference(tmp_path: Path) -> None:
    app = App(Settings(root=tmp_path, server=ServerSettings(port=0)))
    is_open = threading.Event()
    door = threading.Thread(target=app.serve, kwargs={"announce": lambda _app: is_open.set()})
    try:
        app.start()
        door.start()
        assert is_open.wait(30)
        found = [path.name for path in (tmp_path / "data").iterdir()]
        spool = [path.name for path in (tmp_path / "data" / "spool").iterdir()]
    finally:
        app.stop()
    door.join(30)
    assert "server.url" in found
    text = page("files.md")
    assert [name for name in found if f"`{name}`" not in text and f"`{name}/`" not in text] == []
    assert [name for name in spool if f"`{_general(name)}`" not in text] == []


def _general(name: str) -> str:
    """shim-4f2a.lock as the reference writes it."""
    head, dash, rest = name.partition("-")
    return f"{head}-ID.{rest.partition('.')[2]}" if dash else name


def test_the_result_shape_of_a_shell_action_is_in_the_reference() -> None:
    assert json.dumps(["failed", "succeeded", "return_code", "stdout", "stderr"])[1:-1].replace(
        '"', ""
    ) in page("runners.md")
