"""`stormcrow import stackstorm`: the report, its exit codes, and the example of docs/how-to/migrate.md."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.exits import Code
from bot.cli.main import app
from engine.foundation import Foundation
from tests.docs.pages import blocks, files_above
from tests.engine.migration.old_box import box, exported, site
from tests.engine.store.test_keyczar import encoded, key_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where the new site will be; the old box is `old` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def stackstorm(*words: str) -> Any:
    return CliRunner().invoke(app, ["import", "stackstorm", *words])


REPORTS = [pytest.param(block, id=block.where) for block in blocks("report")]


@pytest.mark.parametrize("block", REPORTS)
def test_the_report_is_as_the_documentation_shows_it(here: Path, block: Any) -> None:
    for name, text in files_above(block).items():
        path = here / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = stackstorm("old", *block.info.split()[1:])
    assert done.stdout == block.text
    assert done.exit_code == Code.FAILED
    assert not (here / "packs").exists()


def test_an_old_box_that_runs_whole_comes_with_exit_code_0(here: Path) -> None:
    box(here / "old")
    done = stackstorm("old")
    assert done.exit_code == Code.OK, done.output
    assert "packs         1 new" in done.stdout
    assert "stormcrow pack setup shop" in done.stdout
    assert (here / "packs/shop/actions/greet.py").is_file()
    assert "packs         1 same" in stackstorm("old").stdout


def test_the_report_fits_a_terminal_of_80_columns(here: Path) -> None:
    long = "name: a\nrunner_type: mistral-v2\nentry_point: workflows/a.yaml\ndescription: " + "words " * 60
    box(here / "old", {"packs/shop/actions/a.yaml": long, "st2.conf": "[system_user]\nuser = stanley\n"})
    lines = stackstorm("old", "--dry-run").stdout.splitlines()
    assert max(map(len, lines)) <= 80


def test_json_has_every_remark_and_no_secret(here: Path) -> None:
    box(here / "old", {"packs/shop/config.schema.yaml": "token: {type: string, secret: true}\n"})
    box(here / "old", {"configs/shop.yaml": "token: hush-config\n"})
    keys = exported(here / "keys.json", {"name": "k", "value": encoded("hush-key"), "encrypted": True})
    crypto = key_file(here / "key.json")
    done = stackstorm("old", "--keys", str(keys), "--keyczar", str(crypto), "--output", "json")
    assert done.exit_code == Code.OK, done.output
    assert "hush" not in done.output
    found = json.loads(done.stdout)
    assert found["counts"]["key"] == {"runs": 1, "differs": 0, "fails": 0}
    assert {(one["kind"], one["name"], one["state"]) for one in found["taken"]} == {
        ("key", "k", "new"),
        ("key", "config_shop_token", "new"),
        ("pack", "shop", "new"),
        ("config", "shop", "new"),
    }
    assert json.loads(stackstorm("old", "--json", "--dry-run").stdout)["dry_run"] is True


def test_only_a_part_is_taken_when_a_part_is_named(here: Path) -> None:
    box(here / "old", {"configs/shop.yaml": "url: x\n"})
    stackstorm("old", "--only", "packs")
    assert (here / "packs").exists()
    assert not (here / "configs").exists()


@pytest.mark.parametrize(
    "words",
    [("gone",), ("old", "--only", "packs,magic"), ("old", "--keys", "gone.json"), ("old", "--output", "xml")],
)
def test_wrong_use_is_exit_code_2(here: Path, words: tuple[str, ...]) -> None:
    box(here / "old")
    assert stackstorm(*words).exit_code == Code.WRONG
    assert not (here / "packs").exists()


def test_names_of_the_old_box_do_not_steer_the_terminal(here: Path) -> None:
    text = 'name: "\\e]0;owned\\a"\nrunner_type: nonsense\n'
    box(here / "old", {"packs/shop/actions/a.yaml": text, "packs/shop/rules/\x1b[2J.yaml": "name: 1\n"})
    done = stackstorm("old", "--dry-run")
    assert done.exit_code == Code.FAILED
    assert "\x1b" not in done.stdout


def test_an_import_that_was_killed_is_finished_by_the_next(here: Path) -> None:
    many = {f"packs/shop/actions/data/{number}.txt": "x" * 1_000 for number in range(2_000)}
    box(here / "old", many)
    dump = exported(here / "keys.json", *({"name": f"k{n}", "value": "v"} for n in range(50)))
    words = ["import", "stackstorm", "old", "--keys", str(dump)]
    process = subprocess.Popen([sys.executable, "-m", "bot.cli", *words], cwd=here, stdout=subprocess.DEVNULL)
    give_up_at = time.monotonic() + 60
    while process.poll() is None and not (here / "packs/.shop.import").exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)
    process.kill()
    process.wait()
    done = stackstorm("old", "--keys", str(dump))
    assert done.exit_code == Code.OK, done.output
    assert "keys          50 same" in done.stdout
    assert [path.name for path in (here / "packs").iterdir()] == ["shop"]
    assert len(list((here / "packs/shop/actions/data").iterdir())) == 2_000


def test_beside_a_server_only_a_look_is_possible(here: Path) -> None:
    box(here / "old")
    server = Foundation(site(here), environment={})
    try:
        assert stackstorm("old", "--dry-run").exit_code == Code.OK
        done = stackstorm("old")
    finally:
        server.stop()
    assert done.exit_code == Code.NO_SERVER
    assert "Stop it first" in done.stderr
    assert not (here / "packs").exists()
