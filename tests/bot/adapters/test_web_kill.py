"""The server is killed at the worst moment: the page comes back by itself, and nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.bot.adapters.test_web_browser import CHROMIUM, FLAGS
from tests.conftest import missing
from tests.ports import free_port

playwright = pytest.importorskip("playwright.sync_api")

PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from bot.app import run
from tests.bot.conftest import make_settings

settings = make_settings(Path(sys.argv[1]))
run(replace(settings, server=replace(settings.server, port=int(sys.argv[2]))))
"""
ROOT = Path(__file__).resolve().parents[3]


class Server:
    """Stormcrow as a process that can be killed and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", PROGRAM, str(self._folder), str(self.port)]
        log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/readyz", timeout=30).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise AssertionError((self._folder / "server.log").read_text(encoding="utf-8"))

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.mark.slow
def test_a_page_survives_the_kill_of_its_server(server: Server, tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        missing("chromium")
    ledger = tmp_path / "ledger"
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{server.url}/chat#channel/ops")
        page.wait_for_selector("#input:focus")
        page.keyboard.type(f"!echo echo ran >> {ledger}; sleep 1.5; echo first is done")
        page.keyboard.press("Enter")
        page.wait_for_selector(".answer[data-status=requested], .answer[data-status=running]")
        server.kill()
        page.wait_for_selector("#link.lost")
        page.keyboard.type(f"!echo echo queued >> {ledger}; echo second is done")
        page.keyboard.press("Enter")
        page.wait_for_selector("article.queued")
        server.start()
        page.wait_for_selector(".answer[data-status=succeeded] >> text=first is done")
        page.wait_for_selector(".answer[data-status=succeeded] >> text=second is done")
        page.wait_for_selector("article.queued", state="detached")
        assert page.locator(".answer").count() == 2
        assert page.locator("#link.lost").count() == 0
        browser.close()
    assert ledger.read_text(encoding="utf-8").split() == ["ran", "queued"]
