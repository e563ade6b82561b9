"""Logging in with an issuer in a real browser: the button, the way there and back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.settings.chats import ChatSettings
from engine.settings.logins import OidcLogin
from engine.settings.people import AuthSettings
from tests.bot.adapters.test_web_browser import CHROMIUM, FLAGS
from tests.bot.conftest import House, make_settings
from tests.conftest import missing
from tests.engine.outside.issuing import OwnIssuer

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer) -> Iterator[House]:
    way = OidcLogin(name="corp", title="Example <b>Corp", issuer=issuer.url, client_id="us")
    made = House(
        replace(
            make_settings(tmp_path_factory.mktemp("sign-in")),
            auth=AuthSettings(oidc_logins=[way]),
            chat=ChatSettings(login="always"),
        )
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    if not CHROMIUM.exists():
        missing("chromium")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: "playwright.Browser") -> Iterator["playwright.Page"]:
    context = browser.new_context()
    made = context.new_page()
    made.set_default_timeout(30_000)
    yield made
    context.close()


def test_the_button_leads_to_the_issuer_and_back_into_the_chat(home: House, page: "playwright.Page") -> None:
    page.goto(f"{home.url}/chat")
    page.click("text=Log in with Example <b>Corp")
    page.wait_for_selector("#input:focus")
    assert page.url.startswith(f"{home.url}/chat")
    assert page.locator("#who").inner_text() == "ann"


def test_a_login_that_fails_is_told(home: House, page: "playwright.Page", issuer: OwnIssuer) -> None:
    issuer.answer = {"error": "access_denied", "code": ""}
    try:
        page.goto(f"{home.url}/chat")
        page.click("text=Log in with")
        page.wait_for_selector("#login-error >> text=did not work")
    finally:
        issuer.answer = {}
    assert "login=failed" not in page.url
