"""The page in a real browser: what a person sees, and that data never acts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.notices import Notice
from tests.bot.conftest import House
from tests.conftest import missing

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
CANARY = "<img src=x onerror=\"document.title='FIRED'\"><script>document.title='FIRED'</script>"

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    if not CHROMIUM.exists():
        missing("chromium")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: "playwright.Browser", house: House) -> Iterator["playwright.Page"]:
    """A fresh page; it must not have said anything to its console."""
    context = browser.new_context()
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    made.set_default_timeout(10_000)
    made.goto(f"{house.url}/chat#channel/ops")
    made.wait_for_selector("#input:focus")
    yield made
    context.close()
    assert said == []


def test_a_command_is_typed_and_its_answer_appears_below_it(page: "playwright.Page") -> None:
    page.keyboard.type("!echo echo from the browser")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer[data-status=succeeded] >> text=from the browser")
    assert page.locator(".answer[data-status=succeeded] .badge").last.inner_text().endswith("succeeded")


def test_a_form_of_a_command_is_filled_in_and_becomes_what_was_run(page: "playwright.Page") -> None:
    page.keyboard.type("!echo")
    page.keyboard.press("Enter")
    form = page.locator("form.prompt", has=page.locator("[name=cmd]")).last
    form.wait_for()
    form.locator("[name=cmd]").fill("echo from a form")
    form.get_by_role("button", name="Send").click()
    page.wait_for_selector(".answer[data-status=succeeded] >> text=from a form")
    # The message that asked is the one that says it: it has changed, and asks no more.
    said = page.locator("#messages article.message", has_text="ran: echo cmd=")
    said.wait_for()
    assert said.locator("form.prompt").count() == 0
    assert said.locator(".answer", has_text="ran: echo cmd=").count() == 1


def test_an_answer_that_changes_stays_one_message(page: "playwright.Page", house: House) -> None:
    page.keyboard.type("!echo sleep 2; echo has slept")
    page.keyboard.press("Enter")
    message = page.locator("#messages article.message", has_text="sleep 2; echo has slept")
    message.locator(".answer[data-status=succeeded]", has_text="has slept").wait_for()
    assert message.locator(".answer").count() == 1


def test_tab_completes_a_command_and_hints_at_its_parameters(page: "playwright.Page") -> None:
    with page.expect_response("**/chat/commands"):
        page.reload()
    page.wait_for_selector("#input:focus")
    page.keyboard.type("!ech")
    page.wait_for_selector("#options li")
    page.keyboard.press("Tab")
    assert page.input_value("#input") == "!echo "
    page.wait_for_selector("#hint .parameter.active")
    assert page.locator("#hint b").first.inner_text() == "cmd"


def test_arrow_up_brings_back_the_last_command(page: "playwright.Page") -> None:
    page.keyboard.type("!true")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer")
    page.keyboard.press("ArrowUp")
    assert page.input_value("#input") == "!true"


def test_a_channel_is_made_and_reached_with_the_keyboard_alone(page: "playwright.Page") -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("#night-shift")
    page.keyboard.press("Enter")
    page.wait_for_selector("#title:text-is('#night-shift')")
    page.keyboard.press("Control+k")
    page.keyboard.type("ops")
    page.keyboard.press("Enter")
    page.wait_for_selector("#title:text-is('#ops')")


def test_the_details_of_an_execution_open_and_close(page: "playwright.Page") -> None:
    page.keyboard.type("!echo echo in detail")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer[data-status=succeeded] >> text=in detail")
    page.locator(".answer .id").last.click()
    page.wait_for_selector("#panel .output >> text=in detail")
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel", state="hidden")


def test_what_data_says_stays_text_in_every_field(page: "playwright.Page", house: House) -> None:
    text = f"echo printf '%s' '{CANARY.replace(chr(39), chr(34))}' && true"
    page.keyboard.type(f"plain {CANARY}")
    page.keyboard.press("Enter")
    house.ask(text, name=f"Eve {CANARY}"[:40])
    page.wait_for_selector(".answer[data-status=succeeded]")
    page.locator(".answer .id").last.click()
    page.wait_for_selector("#panel .output")
    page.keyboard.press("Escape")
    house.ask(f"help {CANARY}")
    house.ask(f"nonsense {CANARY}")
    page.wait_for_selector("text=No command has")
    assert page.locator("#messages img[src='x']").count() == 0
    assert page.locator("#messages script").count() == 0
    assert "FIRED" not in page.title()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: "playwright.Page", house: House, width: int) -> None:
    house.ask("echo printf 'x%.0s' $(seq 500)")
    page.set_viewport_size({"width": width, "height": 740})
    page.wait_for_selector(".answer")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#input").is_visible()


def test_a_notice_appears_is_edited_and_has_its_thread(page: "playwright.Page", house: House) -> None:
    notice = Notice(
        key="browser",
        channel="ops",
        text=f"disk of db1 is full {CANARY}",
        title=f"db1 {CANARY}",
        tone="bad",
        links=(("runbook", "https://wiki.example.org/db1"), ("trap", "javascript:document.title='FIRED'")),
        commands=(("Say hello", "echo echo pressed"),),
        mention="ann",
    )
    house.engine.tell(notice)
    page.wait_for_selector("#messages .answer[data-tone=bad] >> text=disk of db1 is full")
    message = page.locator("#messages article.message", has_text="disk of db1 is full")
    assert message.locator(".links a").all_inner_texts() == ["runbook"]
    assert message.locator(".mention").inner_text() == "@ann"
    house.engine.tell(Notice(key="browser-2", channel="ops", text="looked at it", thread_key="browser"))
    message.locator("button.thread >> text=1 reply").click()
    page.wait_for_selector("#panel >> text=looked at it")
    page.keyboard.press("Escape")
    message.locator("button >> text=Say hello").click()
    page.wait_for_selector(".answer[data-status=succeeded] >> text=pressed")
    house.engine.tell(replace(notice, text="disk of db1 is fine", tone="good", commands=(), mention=""))
    page.wait_for_selector("#messages .answer[data-tone=good] >> text=disk of db1 is fine")
    assert page.title() != "FIRED"
