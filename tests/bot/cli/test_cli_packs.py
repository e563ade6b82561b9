"""`pack install|update|remove|search|show` against a server with folders and an index to install from."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running, running
from tests.engine.installer.world import git, index_server, repository, write_pack


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    entry = {"ref": "crow", "name": "crow", "version": "2.0.0", "description": "A black bird"}
    with running(tmp_path_factory.mktemp("cli-packs")) as made, index_server({"crow": entry}) as url:
        settings = made.engine.settings
        made.engine.settings = replace(settings, packs=replace(settings.packs, index_urls=[url]))
        yield made


def test_a_folder_is_installed_with_its_steps(shell: Shell, tmp_path: Path) -> None:
    write_pack(tmp_path / "cliff", "cliff", "1.0.0")
    done = shell("pack", "install", "./cliff")
    assert done.exit_code == 0, done.output
    assert f"file://{tmp_path}/cliff: fetching {tmp_path}/cliff" in done.stdout
    assert done.stdout.endswith("The following packs were installed: cliff.\n")


def test_the_execution_as_json_for_a_pipeline(shell: Shell, tmp_path: Path) -> None:
    write_pack(tmp_path / "jay", "jay", "1.0.0")
    done = shell("pack", "install", str(tmp_path / "jay"), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["result"]["output"]["packs_list"] == ["jay"]


def test_what_is_no_pack_is_exit_code_1_and_says_why(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = shell("pack", "install", "./empty")
    assert done.exit_code == 1
    assert "it has no pack.yaml" in done.stderr


def test_an_update_without_names_is_about_all_that_were_installed(shell: Shell, tmp_path: Path) -> None:
    address = repository(tmp_path / "wind", "wind", "1.0.0")
    assert shell("pack", "install", address).exit_code == 0
    before = shell("pack", "update", "wind")
    assert "wind: 1.0.0 is there already, at the same commit" in before.stdout
    write_pack(tmp_path / "wind", "wind", "1.1.0")
    git(tmp_path / "wind", "commit", "-q", "-a", "-m", "1.1.0")
    done = shell("pack", "update")
    assert "wind: 1.1.0 is installed" in done.stdout
    assert json.loads(shell("pack", "show", "wind", "--json").stdout)["version"] == "1.1.0"


def test_a_pack_is_shown_with_its_origin(shell: Shell, tmp_path: Path) -> None:
    address = repository(tmp_path / "rain", "rain", "1.0.0")
    assert shell("pack", "install", address).exit_code == 0
    text = shell("pack", "show", "rain").stdout
    assert f"from         {tmp_path}/rain" in text
    assert "commit" in text


def test_a_pack_that_somebody_put_there_is_removed_with_force_only(
    shell: Shell, shared: Running, tmp_path: Path
) -> None:
    write_pack(shared.folder / "packs" / "mine", "mine", "1.0.0")
    refused = shell("pack", "remove", "mine")
    assert refused.exit_code == 1
    assert "was put there by hand" in refused.stderr
    assert shell("pack", "remove", "mine", "--force").exit_code == 0
    assert not (shared.folder / "packs" / "mine").exists()


def test_a_pack_that_is_not_installed_is_shown_from_the_index(shell: Shell) -> None:
    done = shell("pack", "show", "crow")
    assert done.exit_code == 0
    assert "A black bird" in done.stdout
    assert "It is not installed: stormcrow pack install crow" in done.stderr
    assert shell("pack", "show", "no-such-bird").exit_code == 9


def test_the_index_is_searched(shell: Shell) -> None:
    done = shell("pack", "search", "black", "crow")
    assert done.stdout.splitlines()[1].split() == ["crow", "2.0.0", "A", "black", "bird"]
