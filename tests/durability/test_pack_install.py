"""An installer killed at any step: the old version or the new one stands there, and nothing is left."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.durability.server import Server, serving, wait_until
from tests.engine.installer.world import PROJECT, Site, repository, write_pack

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


class Slow:
    """An address of this machine that says nothing until it is let go; somebody hangs on it meanwhile."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.is_asked = threading.Event()
        self._may_answer = threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                slow.is_asked.set()
                slow._may_answer.wait(200)
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(slow.body)

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def let_go(self) -> None:
        self._may_answer.set()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path, slow: Slow) -> Iterator[Server]:
    address = repository(tmp_path / "weather", "weather", "1.0.0")
    slow.body = json.dumps({"packs": {"weather": {"repo_url": address, "version": "1.0.0"}}}).encode()
    settings = {"packs": {"index_urls": [slow.url]}, "python": {"base": []}}
    with serving(tmp_path / "site", files={"packs/.keep": ""}, settings=settings) as made:
        yield made


def begun(server: Server, slow: Slow) -> str:
    """An installation that hangs on the index."""
    answer = server.ask("POST", "/packs/install", json={"packs": ["weather"]})
    assert answer.status_code == 202, answer.text
    assert slow.is_asked.wait(90)
    return str(answer.json()["execution_id"])


def test_an_installer_goes_on_without_its_server_and_the_next_one_has_the_pack(
    server: Server, slow: Slow
) -> None:
    execution = begun(server, slow)
    server.kill()
    server.start()
    # It has read its content, without the pack; the installer has yet to come to its end.
    assert server.ask("GET", "/packs/weather").status_code == 404
    slow.let_go()
    ended = server.ended(execution, timeout_s=60)
    assert ended["status"] == "succeeded", ended["result"]
    assert ended["result"]["output"]["warning_list"] == []
    assert server.get("/packs/weather")["version"] == "1.0.0"


def test_an_installer_that_is_done_first_waits_for_the_next_server(server: Server, slow: Slow) -> None:
    execution = begun(server, slow)
    server.kill()
    slow.let_go()
    wait_until((server.folder / "packs" / "weather").is_dir, timeout_s=60)
    server.start()
    ended = server.ended(execution, timeout_s=60)
    assert ended["status"] == "succeeded", ended["result"]
    assert ended["result"]["output"]["warning_list"] == []
    assert server.get("/packs/weather")["version"] == "1.0.0"


@pytest.mark.timeout(600)
def test_nobody_clears_away_under_the_hands_of_a_tool_whose_installer_was_killed(
    tmp_path: Path, slow: Slow
) -> None:
    site = Site(tmp_path / "site")
    write_pack(tmp_path / "weather", "weather", "1.0.0")
    (tmp_path / "weather" / "requirements.txt").write_text("there-is-no-such-package\n", encoding="utf-8")
    # Every tool that could be asked hangs on the same address, for longer than this test takes.
    variables = {
        "PIP_INDEX_URL": slow.url,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "0",
        "PIP_TIMEOUT": "120",
        "UV_DEFAULT_INDEX": slow.url,
        "UV_HTTP_TIMEOUT": "120",
        "UV_NO_CACHE": "1",
    }
    plan = site.plan("install", f"file://{tmp_path}/weather", environment=variables)
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 3<&0 4>/dev/null </dev/null', "sh", sys.executable, "-m", "engine.installer"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    with process:
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(plan.to_json().encode())
        assert slow.is_asked.wait(240)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    site.recover()
    # pip still hangs, so that what it works on still stands there.
    assert [path.name for path in site.state.glob("*.note")] == ["weather.note"]
    slow.let_go()

    def is_tidy() -> bool:
        site.recover()
        return not list(site.state.glob("*.note"))

    wait_until(is_tidy, timeout_s=60)
    site.assert_tidy()
    assert list(site.packs.iterdir()) == []
