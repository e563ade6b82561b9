"""An installer killed at any step: the old version or the new one stands there, and nothing is left."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.engine.installer.world import Site, repository

_CALLS = "rename,renameat2,unlink,symlink,mkdir,rmdir,unlinkat"


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        missing("strace")
    return str(found)


def prepared(folder: Path, source: str) -> Site:
    """A site with version 1.0.0."""
    site = Site(folder)
    assert site.run("install", f"{source}=1.0.0").code == 0
    return site


@pytest.mark.parametrize("words", ["fetching", "switching", "is installed"])
def test_an_installer_is_killed_after_each_thing_it_says(tmp_path: Path, words: str) -> None:
    source = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    site = prepared(tmp_path / "site", source)
    assert site.run("install", source, kill_at=words).code == -9
    assert site.version("weather") in ("1.0.0", "2.0.0")
    site.recover()
    site.assert_tidy()
    assert site.version("weather") in ("1.0.0", "2.0.0")
    assert site.run("install", source).code == 0
    assert site.version("weather") == "2.0.0"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_installer_is_killed_at_every_change_of_the_disk(tmp_path: Path, strace: str) -> None:
    source = repository(tmp_path / "weather", "weather", "1.0.0", "2.0.0")
    seen = set()
    for number in range(1, 60):
        site = prepared(tmp_path / f"site{number}", source)
        kill = f"inject={_CALLS}:signal=SIGKILL:when={number}"
        # Without -f: the installer itself is killed, not the git that it calls.
        done = site.run(
            "install", source, under=(strace, "-qq", "-o", "/dev/null", "-e", f"trace={_CALLS}", "-e", kill)
        )
        before = site.version("weather")
        site.recover()
        site.assert_tidy()
        after = site.version("weather")
        # What was switched is not taken back, and what was not begun stays old.
        assert (before, after) in {("1.0.0", "1.0.0"), ("1.0.0", "2.0.0"), ("2.0.0", "2.0.0")}
        if done.code == 0:
            break
        seen.add((before, after))
    else:
        pytest.fail("it never came to its end")
    assert {("1.0.0", "1.0.0"), ("2.0.0", "2.0.0")} <= seen
    assert site.version("weather") == "2.0.0"


def test_a_removal_that_was_killed_is_finished(tmp_path: Path, strace: str) -> None:
    source = repository(tmp_path / "weather", "weather", "1.0.0")
    for number in range(1, 12):
        site = Site(tmp_path / f"site{number}")
        assert site.run("install", source).code == 0
        kill = "inject=rename,unlink,rmdir,unlinkat:signal=SIGKILL:when=" + str(number)
        done = site.run(
            "uninstall",
            "weather",
            under=(strace, "-qq", "-o", "/dev/null", "-e", "trace=rename,unlink,rmdir,unlinkat", "-e", kill),
        )
        site.recover()
        site.assert_tidy()
        left = [path.name for path in site.packs.iterdir()]
        assert left in ([], ["weather"])
        if left:
            assert site.version("weather") == "1.0.0"
        if done.code == 0:
            break
