"""Who logs in with an issuer is the same person as in the chats: nobody approves their own wish."""

from collections.abc import Iterator

import pytest
import requests

from engine.errors import Denied
from engine.records.access import Requester
from engine.records.account import Account
from engine.settings.logins import OidcLogin
from engine.settings.people import AuthSettings, PeopleSettings
from tests.engine.api.running import Running, running
from tests.engine.inquiries.asking import ask, by, ended
from tests.engine.outside.issuing import OwnIssuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer) -> Iterator[Running]:
    sections = {
        "auth": AuthSettings(oidc_logins=[OidcLogin(name="corp", issuer=issuer.url, client_id="us")]),
        "people": PeopleSettings(
            linked={"ann": ["slack.T1.U7", "ann.smith"]}, emails={"bob": ["bob@example.org"]}
        ),
    }
    with running(tmp_path_factory.mktemp("person"), sections=sections) as made:
        yield made


def logged_in(server: Running, issuer: OwnIssuer, name: str) -> Requester:
    """Who the token is that somebody gets for an id_token, as `stormcrow login` does."""
    token = issuer.token(preferred_username=name, groups=["sre"])
    answer = server.post("/auth/tokens", {}, key="", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    return server.engine.authenticate(token=answer.json()["token"])


def test_not_what_they_asked_for_in_a_chat(server: Running, issuer: OwnIssuer) -> None:
    engine = server.engine
    engine.accounts.note_email(Account(platform="slack", team="T1", id="U8"), "bob", name="Bob")
    for name, account in (("ann.smith", "slack.T1.U7"), ("bob", "slack.T1.U8")):
        asker = logged_in(server, issuer, name)
        inquiry = ask(engine, user=account, x_separate=True)
        with pytest.raises(Denied):
            engine.inquiries.approve(inquiry.id, who=by(asker.user))
        engine.inquiries.approve(inquiry.id, who=by("carla"))
        assert ended(engine, inquiry).status == "succeeded"


def test_and_their_groups_are_those_of_the_person(server: Running, issuer: OwnIssuer) -> None:
    logged_in(server, issuer, "ann.smith")
    assert server.engine.people.person("ann.smith") == "ann"
    found = server.get("/api/v1/rights/check?user=slack.T1.U7&what=core.local").json()
    assert [(one["source"], one["groups"]) for one in found["groups"]] == [("corp", ["sre"])]


def test_an_id_token_is_exchanged_once_and_is_no_key(server: Running, issuer: OwnIssuer) -> None:
    token = issuer.token(preferred_username="ann")
    headers = {"Authorization": f"Bearer {token}"}
    assert server.get("/api/v1/user", key="", headers=headers).status_code == 401
    assert server.post("/auth/tokens", {}, key="", headers=headers).status_code == 201
    assert server.post("/auth/tokens", {}, key="", headers=headers).status_code == 401


def test_an_id_token_for_another_client_is_refused(server: Running, issuer: OwnIssuer) -> None:
    for claims in ({"audience": "them"}, {"audience": ["us", "them"]}, {"azp": "them"}):
        token = issuer.token(**{"preferred_username": "ann", **claims})
        answer = requests.post(
            f"{server.url}/auth/tokens", json={}, headers={"Authorization": f"Bearer {token}"}, timeout=20
        )
        assert answer.status_code == 401
