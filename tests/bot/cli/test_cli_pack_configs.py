"""`stormcrow pack config`: what a pack is told about this site."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.bot.cli.conftest import Shell


@pytest.fixture
def file(shell: Shell) -> Iterator[Path]:
    """configs/probe.yaml"""
    path = shell.server.folder / "configs" / "probe.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{region: eu, token: canary-1}")
    schema = shell.server.folder / "packs" / "probe" / "config.schema.yaml"
    before = schema.read_text()
    schema.write_text(
        "region: {type: string, description: Where}\n"
        "token: {type: string, secret: true}\n"
        "retries: {type: integer, default: 3}\n"
        "url: {type: string, required: false}\n"
    )
    shell.server.engine.reload()
    yield path
    path.unlink()
    schema.write_text(before)
    shell.server.engine.reload()


def test_a_configuration_is_shown_masked_with_its_defaults(shell: Shell, file: Path) -> None:
    shown = [line.split() for line in shell("pack", "config", "show", "probe").stdout.splitlines()]
    assert shown[0] == ["KEY", "VALUE", "FROM", "DESCRIPTION"]
    assert ["region", "eu", "file", "Where"] in shown
    assert ["token", "********", "file"] in shown
    assert ["retries", "3", "default"] in shown
    assert json.loads(shell("pack", "config", "show", "probe", "--json").stdout) == {
        "region": "eu",
        "token": "********",
    }
    assert shell("pack", "config", "show", "nosuch").exit_code == 9


def test_one_value_is_changed_and_the_secret_stays(shell: Shell, file: Path) -> None:
    done = shell("pack", "config", "set", "probe", "retries=5", "region=")
    assert done.stdout == "probe  set: region, retries\n", done.stderr
    assert yaml.safe_load(file.read_text()) == {"token": "canary-1", "retries": 5}
    refused = shell("pack", "config", "set", "probe", "retries=many")
    assert (refused.exit_code, "whole number" in refused.stderr) == (2, True)


def test_a_required_value_that_is_missing_is_told(shell: Shell, file: Path) -> None:
    schema = shell.server.folder / "packs" / "probe" / "config.schema.yaml"
    schema.write_text("place: {type: string, required: true}\n")
    file.write_text("")
    shell.server.engine.reload()
    shown = shell("pack", "config", "show", "probe")
    assert "Missing: place." in shown.stderr
