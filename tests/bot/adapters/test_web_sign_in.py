"""People log in to the web chat with an issuer, and nobody is logged in by a link of somebody else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from engine.records.audit import AuditFilter
from engine.settings.chats import ChatSettings
from engine.settings.logins import OidcLogin
from engine.settings.people import AuthSettings, PeopleSettings
from tests.bot.conftest import House, make_settings
from tests.engine.outside.issuing import OwnIssuer

SECRET = "issuer-gave-this"


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    made.secret = SECRET
    yield made
    made.close()


@pytest.fixture(scope="module")
def other() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer, other: OwnIssuer) -> Iterator[House]:
    ways = [
        OidcLogin(
            name="corp",
            title="Corp",
            issuer=issuer.url,
            client_id="us",
            client_secret=SECRET,
            match={"hd": "*"},
        ),
        OidcLogin(name="mail", issuer=other.url, client_id="us", user_claim="email", groups_claim=""),
    ]
    settings = replace(
        make_settings(tmp_path_factory.mktemp("sign-in")),
        auth=AuthSettings(
            oidc_logins=ways,
            proxy_user_header="Remote-User",
            proxy_groups_header="Remote-Groups",
            proxy_addresses=["127.0.0.1"],
        ),
        people=PeopleSettings(emails={"bob": ["bob@example.org"]}),
        chat=ChatSettings(login="always"),
    )
    made = House(settings)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _as_it_was(issuer: OwnIssuer, other: OwnIssuer) -> None:
    for one in (issuer, other):
        one.person = {"sub": "u1", "preferred_username": "ann", "hd": "example.org", "groups": ["sre"]}
        one.answer, one.nonce, one.status = {}, None, {}


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def step(browser: requests.Session, url: str) -> requests.Response:
    return browser.get(url, allow_redirects=False, timeout=20)


def way_back(home: House, browser: requests.Session, name: str = "corp") -> str:
    """Where the issuer sends the browser that set out."""
    there = step(browser, f"{home.url}/chat/login/{name}")
    assert there.status_code == 303
    return step(browser, there.headers["location"]).headers["location"]


def signed_in(home: House, browser: requests.Session) -> str:
    found = browser.get(f"{home.url}/chat/session", timeout=20).json()
    return str(found["user"]) if found["verified"] else ""


def refused(home: House, browser: requests.Session, back: str) -> bool:
    answer = step(browser, back)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/chat?login=failed"
    return not signed_in(home, browser)


# the way there and back


def test_a_person_logs_in_and_is_who_the_issuer_says(home: House, browser: requests.Session) -> None:
    answer = step(browser, way_back(home, browser))
    assert answer.headers["location"] == "/chat"
    assert signed_in(home, browser) == "ann"
    acts, _count = home.engine.audit.page(AuditFilter(user="ann"))
    assert [(one.kind, one.object) for one in acts][:1] == [("login.ok", "web chat")]
    assert [one.groups for one, counts in home.engine.outside.groups.of("ann") if counts] == [("sre",)]


def test_the_page_is_told_of_the_ways_and_of_no_secret(home: House) -> None:
    told = requests.get(f"{home.url}/chat/session", timeout=20)
    assert told.json()["logins"] == [{"name": "corp", "title": "Corp"}, {"name": "mail", "title": "mail"}]
    ways = requests.get(f"{home.url}/auth/logins", timeout=20)
    assert ways.json()[0]["client_id"] == "us"
    assert SECRET not in told.text + ways.text


def test_the_issuer_is_asked_with_pkce_state_and_nonce(home: House, browser: requests.Session) -> None:
    there = step(browser, f"{home.url}/chat/login/corp")
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{home.url}/chat/login/corp/callback"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    cookie = there.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert asked["state"][0] not in cookie


def test_the_session_is_for_no_script_and_no_other_site(home: House, browser: requests.Session) -> None:
    cookies = step(browser, way_back(home, browser)).headers["set-cookie"]
    session = cookies[cookies.index("stormcrow_session=") :]
    assert "HttpOnly" in session
    assert "SameSite=strict" in session


def test_the_way_back_leads_nowhere_else(home: House, browser: requests.Session) -> None:
    there = step(
        browser, f"{home.url}/chat/login/corp?next=https://evil.example&redirect_uri=https://evil.example"
    )
    assert "evil" not in there.headers["location"]
    back = step(browser, there.headers["location"]).headers["location"]
    assert step(browser, f"{back}&next=//evil.example").headers["location"] == "/chat"


def test_an_address_may_be_the_name_where_it_is_verified(
    home: House, browser: requests.Session, other: OwnIssuer
) -> None:
    other.person = {"sub": "u2", "email": "Bob@example.org", "email_verified": True}
    step(browser, way_back(home, browser, "mail"))
    assert signed_in(home, browser) == "bob", "people.emails says whose it is"


# what is refused


def test_a_link_of_somebody_else_signs_nobody_in(home: House, browser: requests.Session) -> None:
    with requests.Session() as theirs:
        back = way_back(home, theirs)
    assert refused(home, browser, back), "without having set out"

    def is_told() -> bool:
        acts, _count = home.engine.audit.page(AuditFilter(kinds=("login.failed",)))
        return bool(acts)

    home.wait_for(is_told)
    way_back(home, browser)
    assert refused(home, browser, back), "having set out for another way"


def test_the_same_way_back_is_not_gone_twice(home: House, browser: requests.Session) -> None:
    back = way_back(home, browser)
    step(browser, back)
    browser.cookies.clear()
    assert refused(home, browser, back)


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "another"},
        {"state": "größer"},
        {"iss": "https://evil.example"},
        {"code": ""},
        {"error": "access_denied", "code": ""},
        {"code": "made-up"},
    ],
)
def test_an_answer_that_is_not_right_is_refused(
    home: House, browser: requests.Session, issuer: OwnIssuer, answer: dict[str, str]
) -> None:
    issuer.answer = answer
    assert refused(home, browser, way_back(home, browser))


def test_the_answer_of_another_issuer_is_refused(home: House, browser: requests.Session) -> None:
    """Mix-up: the browser set out for one, and comes back with a code of the other."""
    back = way_back(home, browser, "mail")
    assert refused(home, browser, back.replace("/login/mail/", "/login/corp/"))


def test_an_issuer_that_names_itself_must_always_do(
    home: House, browser: requests.Session, issuer: OwnIssuer
) -> None:
    metadata = home.engine.outside.sign_ins.named("corp").issuer
    metadata.metadata()["authorization_response_iss_parameter_supported"] = True  # type: ignore[index]
    try:
        assert refused(home, browser, way_back(home, browser))
        issuer.answer = {"iss": issuer.url}
        step(browser, way_back(home, browser))
        assert signed_in(home, browser) == "ann"
    finally:
        del metadata.metadata()["authorization_response_iss_parameter_supported"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("nonce", ["", "of-another-login"])
def test_an_id_token_of_another_login_is_refused(
    home: House, browser: requests.Session, issuer: OwnIssuer, nonce: str
) -> None:
    issuer.nonce = nonce
    assert refused(home, browser, way_back(home, browser))


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "u1", "preferred_username": "ann"},
        {"sub": "u1", "preferred_username": "admin", "hd": "a"},
        {"sub": "u1", "preferred_username": "stormcrow", "hd": "a"},
        {"sub": "u1", "preferred_username": "slack.T1.U7", "hd": "a"},
        {"sub": "u1", "preferred_username": "~ann", "hd": "a"},
        {"sub": "u1", "preferred_username": "a b", "hd": "a"},
        {"sub": "u1", "preferred_username": ["ann"], "hd": "a"},
        {"sub": "u1", "hd": "a"},
        {"sub": "u1", "preferred_username": "ann", "hd": "a", "azp": "another-client"},
        {"sub": "u1", "preferred_username": "ann", "hd": "a", "aud": "another-client"},
        {"sub": "u1", "preferred_username": "ann", "hd": "a", "exp": 1},
    ],
)
def test_who_may_not_log_in_is_refused(
    home: House, browser: requests.Session, issuer: OwnIssuer, person: dict[str, Any]
) -> None:
    issuer.person = person
    assert refused(home, browser, way_back(home, browser))


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_nobody_has_verified_is_refused(
    home: House, browser: requests.Session, other: OwnIssuer, verified: Any
) -> None:
    other.person = {"sub": "u2", "email": "bob@example.org", "email_verified": verified}
    assert refused(home, browser, way_back(home, browser, "mail"))


def test_an_issuer_in_trouble_is_told_in_the_page(
    home: House, browser: requests.Session, issuer: OwnIssuer
) -> None:
    back = way_back(home, browser)
    issuer.status["/token"] = (500, {}, b"oops")
    assert refused(home, browser, back)
    assert step(browser, f"{home.url}/chat/login/nothing").status_code == 404


# a token of ours, and a proxy


def test_a_token_of_ours_opens_the_chat(home: House) -> None:
    answer = requests.post(f"{home.url}/auth/tokens", headers={"Remote-User": "pat"}, json={}, timeout=20)
    assert answer.status_code == 201, answer.text
    headers = {"X-Auth-Token": answer.json()["token"]}
    assert requests.get(f"{home.url}/chat/channels", headers=headers, timeout=20).json()["direct"] == "@pat"


def test_whom_the_proxy_names_is_signed_in(home: House, browser: requests.Session) -> None:
    browser.headers.update({"Remote-User": "pat", "Remote-Groups": "sre, ops"})
    assert signed_in(home, browser) == "pat"
    assert home.engine.outside.groups.members("ops", source="proxy") == {"pat"}
    browser.headers["Remote-User"] = "pia"
    assert signed_in(home, browser) == "pia", "the proxy knows who is there now"


@pytest.mark.parametrize("name", ["admin", "slack.T1.U7", "a b", ""])
def test_whom_a_proxy_may_not_name_is_nobody(home: House, browser: requests.Session, name: str) -> None:
    browser.headers["Remote-User"] = name
    assert signed_in(home, browser) == ""
    assert browser.post(f"{home.url}/auth/tokens", json={}, timeout=20).status_code == 401
