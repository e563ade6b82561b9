"""Configurations of packs over REST: masked, checked, written to their file."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.engine.api.running import Running

SCHEMA = """
region: {type: string, description: Where}
retries: {type: integer, default: 3}
api_key: {type: string, secret: true}
account: {type: object, properties: {user: {type: string}, password: {type: string, secret: true}}}
"""
VALUES = {
    "region": "eu",
    "api_key": "canary-key",
    "account": {"user": "u", "password": "canary-pass"},
    "other": {"access_token": "canary-other", "plain": 1},
}


@pytest.fixture
def file(server: Running) -> Iterator[Path]:
    """configs/told.yaml of a pack `told`."""
    pack = server.folder / "packs" / "told"
    pack.mkdir()
    (pack / "pack.yaml").write_text("{ref: told, name: told, description: x, version: 1.0.0, author: x}")
    (pack / "config.schema.yaml").write_text(SCHEMA)
    path = server.folder / "configs" / "told.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(VALUES))
    server.engine.reload()
    yield path
    path.unlink()
    for one in pack.iterdir():
        one.unlink()
    pack.rmdir()
    server.engine.reload()


def test_a_configuration_is_shown_with_its_secrets_masked(server: Running, file: Path) -> None:
    found = server.get("/configs/told").json()
    assert found["values"] == {
        "region": "eu",
        "api_key": "********",
        "account": {"user": "u", "password": "********"},
        # No schema speaks of it, and its name does.
        "other": {"access_token": "********", "plain": 1},
    }
    assert found["pack"] == "told"
    assert server.get("/configs").json() == [found]
    assert server.get(f"/configs/{found['id']}").json() == found
    assert "canary" not in server.get("/configs/told?show_secrets=true").text
    assert server.get("/configs").headers["X-Total-Count"] == "1"


def test_what_is_not_there_is_404(server: Running, file: Path) -> None:
    assert server.get("/configs/nosuch").status_code == 404
    assert server.get("/configs/probe").status_code == 404
    assert server.ask("PUT", "/configs/nosuch", json={}).status_code == 404
    assert server.ask("PUT", "/configs/..%2Fprobe", json={}).status_code == 404


def test_values_are_written_to_the_file_and_in_force(server: Running, file: Path) -> None:
    answer = server.ask("PUT", "/configs/told", json={"region": "us", "api_key": "canary-new"})
    assert answer.json()["values"] == {"region": "us", "api_key": "********"}
    assert yaml.safe_load(file.read_text()) == {"region": "us", "api_key": "canary-new"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.engine.registry.packs["told"].config["api_key"] == "canary-new"
    assert list(file.parent.iterdir()) == [file]


def test_a_masked_value_that_comes_back_keeps_the_secret(server: Running, file: Path) -> None:
    shown = server.get("/configs/told").json()["values"]
    assert server.ask("PUT", "/configs/told", json={**shown, "region": "us"}).status_code == 200
    assert yaml.safe_load(file.read_text()) == {**VALUES, "region": "us"}


def test_a_masked_value_without_a_secret_behind_it_is_refused(server: Running, file: Path) -> None:
    server.ask("PUT", "/configs/told", json={"region": "us"})
    refused = server.ask("PUT", "/configs/told", json={"account": {"password": "********"}})
    assert refused.status_code == 400
    assert "account.password is ********" in refused.json()["faultstring"]


def test_a_wrong_value_is_refused_and_nothing_is_written(server: Running, file: Path) -> None:
    before = file.read_bytes()
    refused = server.ask("PUT", "/configs/told", json={"retries": "many"})
    assert refused.status_code == 400
    assert "retries: 'many' is not of type 'integer'" in refused.json()["faultstring"]
    secret = server.ask("PUT", "/configs/told", json={"api_key": ["canary"]})
    assert secret.status_code == 400
    assert "canary" not in secret.text
    assert file.read_bytes() == before


def test_a_configuration_that_cannot_be_used_says_where(server: Running, file: Path) -> None:
    file.write_text("retries: many\n")
    server.engine.reload()
    told = server.get("/configs/told")
    assert told.status_code == 400
    assert "configs/told.yaml:1" in told.json()["faultstring"]
    assert server.get("/configs").json() == []
    assert [one["kind"] for one in server.get("/unavailable?pack=told").json()] == ["config"]
    assert server.ask("PUT", "/configs/told", json={"retries": 5}).status_code == 200
    assert server.get("/unavailable?pack=told").json() == []


def test_a_file_that_cannot_be_written_is_told(server: Running, file: Path) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.mkdir()
    try:
        refused = server.ask("PUT", "/configs/told", json={"region": "us"})
        assert refused.status_code == 409
        assert "cannot be written" in refused.json()["faultstring"]
    finally:
        fresh.rmdir()


def test_schemas_are_told_with_their_attributes(server: Running, file: Path) -> None:
    found = server.get("/config_schemas/told").json()
    assert found["pack"] == "told"
    assert found["attributes"]["api_key"]["secret"] is True
