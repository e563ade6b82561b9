"""The documentation in a real browser: found, opened, and nothing said to the console."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.engine.api.running import Running

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
LIMIT_MS = 30_000

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def page(server: Running) -> Iterator["playwright.Page"]:
    """It must not have said anything to its console, nor asked anybody else."""
    if not CHROMIUM.exists():
        missing("chromium")
    said: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        made = browser.new_page()
        made.set_default_timeout(LIMIT_MS)
        made.on("console", lambda line: said.append(line.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        made.on("request", lambda one: None if one.url.startswith(server.url) else said.append(one.url))
        made.goto(f"{server.url}/docs")
        made.wait_for_selector("details")
        yield made
        browser.close()
    # The icon of a tab, which browsers ask for by themselves.
    assert [line for line in said if "404" not in line] == []


def test_the_search_leaves_what_it_names(page: "playwright.Page") -> None:
    page.fill("#search", "post inspect")
    assert page.locator("details:visible code").all_inner_texts() == ["/workflows/inspect"]
    assert page.inner_text("#count") == "1 operation"


def test_an_operation_says_its_right_its_body_and_how_to_try_it(page: "playwright.Page") -> None:
    page.fill("#search", "post /executions/{id}/re_run")
    row = page.locator("details:visible")
    assert row.locator(".right").inner_text() == "execution_rerun"
    row.locator("summary").click()
    assert "curl" in row.locator("pre").inner_text()
    assert "/api/v1/executions/ID/re_run" in row.locator("pre").inner_text()
    assert "reset" in row.locator("table").nth(1).inner_text()


def test_every_operation_can_be_opened(page: "playwright.Page") -> None:
    page.fill("#search", "")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_function(
        "[...document.querySelectorAll('details')].every(one => one.children.length === 2)"
    )
