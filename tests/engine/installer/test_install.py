"""Installing, updating and removing packs from folders, repositories and an index."""

import json
import shutil
from pathlib import Path

import pytest

from engine.installer.switching import MARK, State
from tests.engine.installer.world import Site, git, index_server, repository, write_pack


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_a_pack_is_installed_from_a_repository(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    done = site.run("install", address)
    assert (done.code, done.output["packs_list"]) == (0, ["weather"])
    assert done.output["message"] == "The following packs were installed: weather."
    assert (done.output["conflict_list"], site.version("weather")) == ([], "2.0.0")
    mark = json.loads((site.packs / "weather" / MARK).read_text())
    assert (mark["source"], mark["commit"]) == (address, git(tmp_path / "weather", "rev-parse", "HEAD"))
    site.assert_tidy()


@pytest.mark.parametrize("revision", ["1.0.0", "v1.0.0", "other"])
def test_a_version_tag_or_branch_is_installed(site: Site, tmp_path: Path, revision: str) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    git(tmp_path / "weather", "branch", "other", "v1.0.0")
    assert site.run("install", f"{address}={revision}").code == 0
    assert site.version("weather") == "1.0.0"


def test_a_commit_is_installed(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    commit = git(tmp_path / "weather", "rev-parse", "v1.0.0")
    assert site.run("install", f"{address}={commit}").code == 0
    assert site.version("weather") == "1.0.0"


def test_a_version_that_is_not_there_is_told_with_those_that_are(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    done = site.run("install", f"{address}=9.9")
    assert done.code == 1
    assert '"9.9" is not a valid version, hash, tag or branch' in done.error
    assert "Available versions are: 2.0.0, 1.0.0." in done.error
    site.assert_tidy()


def test_a_pack_is_installed_from_a_folder(site: Site, tmp_path: Path) -> None:
    write_pack(tmp_path / "plain", "weather", "1.0.0")
    assert site.run("install", f"file://{tmp_path}/plain").output["packs_list"] == ["weather"]
    assert site.version("weather") == "1.0.0"


def test_a_pack_is_installed_by_its_name(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    with index_server({"weather": {"ref": "weather", "repo_url": address, "version": "1.0.0"}}) as url:
        site.index_urls = (url,)
        assert site.run("install", "weather").code == 0
        assert site.version("weather") == "1.0.0"
        assert site.run("install", "weather=2.0.0").code == 0
        assert site.version("weather") == "2.0.0"
        unknown = site.run("install", "wether")
    assert 'No record of the "wether" pack in the index. Did you mean weather?' in unknown.error


def test_the_packs_that_a_pack_needs_come_along(site: Site, tmp_path: Path) -> None:
    clouds = repository(tmp_path / "clouds", "clouds", "1.0.0")
    address = repository(tmp_path / "weather", "weather", "1.0.0", dependencies=[clouds])
    done = site.run("install", address)
    assert sorted(done.output["packs_list"]) == ["clouds", "weather"]
    assert site.version("clouds") == "1.0.0"


def test_a_pack_that_is_there_in_another_version_is_a_conflict(site: Site, tmp_path: Path) -> None:
    clouds = repository(tmp_path / "clouds", "clouds", "1.0.0", "2.0.0")
    site.run("install", clouds)
    address = repository(tmp_path / "weather", "weather", "1.0.0", dependencies=[f"{clouds}=1.0.0"])
    done = site.run("install", address)
    assert done.output["conflict_list"] == [f"weather needs {clouds}=1.0.0, and 2.0.0 is installed."]
    assert site.version("clouds") == "2.0.0"


def test_dependencies_can_be_left_out(site: Site, tmp_path: Path) -> None:
    clouds = repository(tmp_path / "clouds", "clouds", "1.0.0")
    address = repository(tmp_path / "weather", "weather", "1.0.0", dependencies=[clouds])
    assert site.run("install", address, skip_dependencies=True).output["packs_list"] == ["weather"]


def test_an_update_goes_where_the_pack_came_from(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    site.run("install", address)
    write_pack(tmp_path / "weather", "weather", "3.0.0")
    git(tmp_path / "weather", "commit", "-q", "-a", "-m", "3")
    assert site.run("update", "weather").code == 0
    assert site.version("weather") == "3.0.0"


def test_a_pack_that_somebody_put_there_is_not_replaced_without_force(site: Site, tmp_path: Path) -> None:
    write_pack(site.packs / "weather", "weather", "0.1.0")
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    assert "was put there by hand" in site.run("install", address).error
    assert "was put there by hand" in site.run("update", "weather").error
    assert site.version("weather") == "0.1.0"
    assert site.run("install", address, force=True).code == 0
    assert site.version("weather") == "1.0.0"


def test_the_same_commit_is_not_installed_twice(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    site.run("install", address)
    before = (site.packs / "weather").stat().st_ino
    again = site.run("install", address)
    assert (again.code, again.output["packs_list"]) == (0, ["weather"])
    assert (site.packs / "weather").stat().st_ino == before
    assert site.run("install", address, force=True).code == 0
    assert (site.packs / "weather").stat().st_ino != before
    site.assert_tidy()


def test_a_pack_that_somebody_put_there_is_not_removed_without_force(site: Site) -> None:
    write_pack(site.packs / "weather", "weather", "0.1.0")
    assert "was put there by hand" in site.run("uninstall", "weather").error
    assert site.version("weather") == "0.1.0"
    assert site.run("uninstall", "weather", force=True).code == 0
    site.assert_tidy()


def test_an_update_without_names_is_about_all_that_were_installed(site: Site, tmp_path: Path) -> None:
    write_pack(site.packs / "mine", "mine", "0.1.0")
    site.run("install", repository(tmp_path / "weather", "weather", "1.0.0"))
    write_pack(tmp_path / "weather", "weather", "2.0.0")
    git(tmp_path / "weather", "commit", "-q", "-a", "-m", "2")
    assert site.run("update").output["packs_list"] == ["weather"]
    assert (site.version("weather"), site.version("mine")) == ("2.0.0", "0.1.0")


def test_a_removed_pack_is_gone(site: Site, tmp_path: Path) -> None:
    site.run("install", repository(tmp_path / "weather", "weather", "1.0.0"))
    assert site.run("uninstall", "weather").output["packs_list"] == ["weather"]
    assert list(site.packs.iterdir()) == []
    assert 'There is no pack "weather"' in site.run("uninstall", "weather").error
    site.assert_tidy()


def test_one_pack_that_fails_leaves_the_others_alone(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    done = site.run("install", f"file://{tmp_path}/nowhere", address)
    assert (done.code, done.output["packs_list"]) == (1, ["weather"])
    assert "nowhere" in done.error


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"stackstorm_version": ">=4.0.0"}, 'requires StackStorm ">=4.0.0"'),
        ({"python_versions": ["2"]}, "requires Python 2"),
    ],
)
def test_a_pack_that_does_not_fit_needs_force(
    site: Site, tmp_path: Path, manifest: dict[str, object], words: str
) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0", **manifest)
    assert words in site.run("install", address).error
    assert site.run("install", address, force=True).code == 0


def test_two_installs_of_one_pack_at_once_are_told_apart(site: Site, tmp_path: Path) -> None:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    with State(site.state).lock("weather"):
        assert "is being installed or removed right now" in site.run("install", address).error
    assert site.run("install", address).code == 0


def test_an_installed_repository_does_not_look_changed(site: Site, tmp_path: Path) -> None:
    site.run("install", repository(tmp_path / "weather", "weather", "1.0.0"))
    assert (site.packs / "weather" / MARK).is_file()
    assert git(site.packs / "weather", "status", "--porcelain") == ""
    (site.packs / "weather" / "new.txt").touch()
    assert git(site.packs / "weather", "status", "--porcelain") == "?? new.txt"


@pytest.mark.skipif(shutil.which("uv") is None, reason="there is no uv here")
def test_uv_builds_an_environment_without_a_registry(site: Site, tmp_path: Path) -> None:
    write_pack(tmp_path / "weather", "weather", "1.0.0")
    (tmp_path / "weather" / "requirements.txt").touch()
    variables = {"UV_OFFLINE": "1", "UV_NO_CACHE": "1"}
    done = site.run("install", f"file://{tmp_path}/weather", environment=variables)
    assert done.code == 0, done.lines
    assert any("pip could not be fetched" in line for line in done.lines)
    assert (site.virtualenvs / "weather" / "bin" / "python").exists()
    site.assert_tidy()


@pytest.mark.slow
def test_a_python_pack_gets_an_environment_and_keeps_it_when_the_next_one_fails(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "weather"
    write_pack(folder, "weather", "1.0.0")
    (folder / "actions" / "rain.yaml").write_text(
        "{name: rain, runner_type: python-script, entry_point: rain.py}", encoding="utf-8"
    )
    assert site.run("install", f"file://{folder}").code == 0
    python = site.virtualenvs / "weather" / "bin" / "python"
    assert python.exists()
    lock = (site.virtualenvs / "weather" / "stormcrow-lock.txt").read_text(encoding="utf-8")
    assert lock.startswith(f"# weather 1.0.0 {folder}\n")
    before = (site.virtualenvs / "weather").resolve()
    assert site.run("setup_virtualenv", "weather").code == 0
    assert (site.virtualenvs / "weather").resolve() != before
    site.assert_tidy()
    (folder / "requirements.txt").write_text("--no-index\nthere-is-no-such-package\n")
    done = site.run("install", f"file://{folder}")
    assert "there-is-no-such-package" in done.error
    assert python.exists()
    site.assert_tidy()
    site.run("uninstall", "weather")
    assert list(site.virtualenvs.iterdir()) == []
