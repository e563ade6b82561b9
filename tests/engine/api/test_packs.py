"""Packs over the API: installing and removing them, their files, and the index."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.running import Running, running
from tests.engine.installer.world import git, index_server, repository, write_pack


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("packs")) as made:
        yield made


def finished(server: Running, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    return server.get(f"/executions/{answer.json()['execution_id']}?wait=60").json()


def test_a_pack_is_installed_and_removed_over_the_api(server: Running, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    done = finished(server, server.post("/packs/install", {"packs": [address], "force": False}))
    assert (done["status"], done["action"]["ref"]) == ("succeeded", "packs.install")
    assert done["result"]["output"]["packs_list"] == ["weather"]
    assert done["result"]["output"]["warning_list"] == []
    assert server.get("/packs/weather").json()["version"] == "1.0.0"
    assert server.run("weather.say")["result"]["stdout"] == "1.0.0"
    gone = finished(server, server.post("/packs/uninstall", {"packs": ["weather"]}))
    assert gone["status"] == "succeeded"
    assert server.get("/packs/weather").status_code == 404
    assert server.get("/actions/weather.say").status_code == 404


def test_a_pack_that_cannot_be_installed_says_why(server: Running, tmp_path: Path) -> None:
    done = finished(server, server.post("/packs/install", {"packs": [f"file://{tmp_path}/nowhere"]}))
    assert done["status"] == "failed"
    assert "There is no folder" in done["result"]["error"]
    assert server.post("/packs/install", {}).status_code == 400


def test_two_packs_may_have_an_alias_of_one_name(server: Running, tmp_path: Path) -> None:
    for ref in ("rain", "snow"):
        write_pack(tmp_path / ref, ref, "1.0.0")
        alias = tmp_path / ref / "aliases" / "tell.yaml"
        alias.parent.mkdir()
        alias.write_text(f"{{name: tell, action_ref: {ref}.say, formats: [tell {ref}]}}", encoding="utf-8")
    names = [f"file://{tmp_path}/rain", f"file://{tmp_path}/snow"]
    finished(server, server.post("/packs/install", {"packs": names}))
    for ref in ("rain", "snow"):
        found = server.post("/actionalias/match", {"command": f"tell {ref}"}).json()
        assert found["actionalias"]["ref"] == f"{ref}.tell"
    finished(server, server.post("/packs/uninstall", {"packs": ["rain", "snow"]}))


def test_commands_that_two_packs_have_are_conflicts_of_the_installation(
    server: Running, tmp_path: Path
) -> None:
    for ref in ("hail", "frost"):
        write_pack(tmp_path / ref, ref, "1.0.0")
        alias = tmp_path / ref / "aliases" / "warn.yaml"
        alias.parent.mkdir()
        alias.write_text(f"{{name: warn, action_ref: {ref}.say, formats: [warn us]}}", encoding="utf-8")
    first = finished(server, server.post("/packs/install", {"packs": [f"file://{tmp_path}/hail"]}))
    assert first["result"]["output"]["conflict_list"] == []
    second = finished(server, server.post("/packs/install", {"packs": [f"file://{tmp_path}/frost"]}))
    assert second["result"]["output"]["conflict_list"] == [
        '"warn us" is a command of frost and hail; the chat will not choose between them.',
        "Two aliases are called warn: frost.warn and hail.warn. Both can be used.",
    ]
    finished(server, server.post("/packs/uninstall", {"packs": ["hail", "frost"]}))


def test_files_that_cannot_be_used_are_warnings_of_the_installation(server: Running, tmp_path: Path) -> None:
    write_pack(tmp_path / "sleet", "sleet", "1.0.0")
    (tmp_path / "sleet" / "actions" / "bad.yaml").write_text("name: bad\nrunner_type: none-such\n")
    done = finished(server, server.post("/packs/install", {"packs": [f"file://{tmp_path}/sleet"]}))
    (warning,) = done["result"]["output"]["warning_list"]
    assert warning.startswith("packs/sleet/actions/bad.yaml:2: ")
    refused = server.post("/packs/register", {"packs": ["sleet"], "fail_on_failure": True})
    assert refused.status_code == 400
    assert "Failed to register action bad of the pack sleet" in refused.json()["faultstring"]
    assert server.post("/packs/register", {"packs": ["sleet"]}).json()["unavailable"] == 1
    finished(server, server.post("/packs/uninstall", {"packs": ["sleet"]}))


def test_a_pack_tells_where_it_is_from(server: Running, tmp_path: Path) -> None:
    address = repository(tmp_path / "fog", "fog", "1.0.0")
    finished(server, server.post("/packs/install", {"packs": [f"{address}=1.0.0"]}))
    found = server.get("/packs/fog").json()["installed"]
    assert found["source"] == f"{address}=1.0.0"
    assert found["commit"] == git(tmp_path / "fog", "rev-parse", "HEAD")
    assert "token" not in found
    assert "installed" not in server.get("/packs/probe").json()
    finished(server, server.post("/packs/uninstall", {"packs": ["fog"]}))


def test_an_action_of_another_pack_may_not_install(server: Running) -> None:
    pack = server.folder / "packs" / "probe" / "actions" / "sneak.yaml"
    pack.write_text(
        "{name: sneak, runner_type: pack-installer, entry_point: install,"
        " parameters: {packs: {type: array}}}",
        encoding="utf-8",
    )
    server.post("/packs/register", {})
    assert "may not install packs" in server.run("probe.sneak", packs=["x"])["result"]["error"]
    pack.unlink()
    server.post("/packs/register", {})


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "PIP_TARGET", "PIP_PREFIX", "UV_SYSTEM_PYTHON"])
def test_the_installer_takes_no_variables_but_those_of_its_tools(server: Running, name: str) -> None:
    done = server.run("packs.install", packs=["x"], env={name: "/tmp/evil"})
    assert f"takes no variable {name}" in done["result"]["error"]


def test_what_is_registered_is_counted(server: Running) -> None:
    every = server.post("/packs/register", {}).json()
    assert every["actions"] > 20
    of_probe = server.post("/packs/register", {"packs": ["probe"], "types": ["action", "aliases"]}).json()
    assert set(of_probe) == {"actions", "aliases", "unavailable"}
    assert of_probe["actions"] < every["actions"]
    missing = server.post("/packs/register", {"packs": ["nothing"]})
    assert missing.status_code == 400
    assert 'Pack "nothing" not found' in missing.json()["faultstring"]
    assert server.post("/packs/register", {"types": ["colour"]}).status_code == 400


def test_the_files_of_a_pack_are_shown(server: Running) -> None:
    files = {one["file_path"]: one["content"] for one in server.get("/packs/views/files/probe").json()}
    assert files["pack.yaml"] == (server.folder / "packs" / "probe" / "pack.yaml").read_text()
    assert "actions/slow.yaml" in files


def test_a_file_is_shown_and_known_again(server: Running) -> None:
    answer = server.get("/packs/views/file/probe/actions/slow.yaml")
    assert answer.text.startswith("name: slow")
    for header, value in (
        ("If-None-Match", answer.headers["ETag"]),
        ("If-Modified-Since", answer.headers["Last-Modified"]),
    ):
        again = server.get("/packs/views/file/probe/actions/slow.yaml", headers={header: value})
        assert (again.status_code, again.text) == (304, "")


@pytest.mark.parametrize(
    "path", ["../../data/admin.key", "..%2F..%2Fdata%2Fadmin.key", ".git/config", "no.yaml"]
)
def test_no_other_file_is_shown(server: Running, path: str) -> None:
    answer = server.get(f"/packs/views/file/probe/{path}")
    assert answer.status_code == 404
    assert server.key not in answer.text


def test_the_index_is_searched_and_its_health_is_told(server: Running) -> None:
    entry = {"ref": "slack", "name": "slack", "description": "Chat with Slack", "keywords": ["chat"]}
    settings = server.engine.settings
    with index_server({"slack": entry, "aws": {"name": "aws", "description": "Clouds"}}) as url:
        urls = [url, "http://127.0.0.1:1/index.json"]
        server.engine.settings = replace(settings, packs=replace(settings.packs, index_urls=urls))
        assert server.post("/packs/index/search", {"query": "CHAT slack"}).json() == [entry]
        assert server.post("/packs/index/search", {"pack": "slack"}).json() == entry
        assert server.post("/packs/index/search", {"pack": "nothing"}).json() == []
        assert server.post("/packs/index/search", {}).status_code == 400
        assert set(server.get("/packs/index").json()["index"]) == {"slack", "aws"}
        health = server.get("/packs/index/health").json()
    assert (health["indexes"]["valid"], health["indexes"]["invalid"]) == (1, 1)
    assert health["indexes"]["errors"] == {"unresponsive": 1}
    # The server of the index is gone: its copy is still good.
    assert server.post("/packs/index/search", {"pack": "slack"}).json() == entry
    server.engine.settings = settings
