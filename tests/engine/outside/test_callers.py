"""CI jobs come in with a token of their own system, and with nothing that only looks like one."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from engine.outside.issuers import Issuer
from engine.settings.logins import OidcCaller
from engine.settings.people import AuthSettings
from tests.engine.api.running import Running, running
from tests.engine.outside.issuing import OwnIssuer, public, signed

GITHUB = {
    "sub": "repo:acme/web:environment:prod",
    "repository": "acme/web",
    "environment": "prod",
    "ref": "refs/heads/main",
    "actor": "ann",
    "run_id": "17",
}
GITLAB = {
    "sub": "project_path:acme/app:ref_type:branch:ref:main",
    "project_path": "acme/app",
    "ref_protected": "true",
    "user_login": "ann",
    "job_id": "4",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer) -> Iterator[Running]:
    callers = [
        OidcCaller(
            issuer=issuer.url,
            audience="us",
            match={"repository": "acme/web", "environment": "prod"},
            user="ci-web",
        ),
        OidcCaller(
            issuer=issuer.url,
            audience="us-too",
            match={"project_path": "acme/*", "ref_protected": "true"},
            user="ci-app",
        ),
        OidcCaller(issuer=issuer.url, match={"sub": "system:serviceaccount:ci:*"}, user="ci-cluster"),
        OidcCaller(
            issuer=issuer.url, audience="few", match={"sub": "*"}, user="ci-few", actions=["core.echo"]
        ),
    ]

    auth = AuthSettings(oidc_callers=callers, oidc_token_life_s=600)
    folder = tmp_path_factory.mktemp("callers")
    with running(folder, sections={"auth": auth}, public_url="https://crow.test") as made:
        yield made


def who(server: Running, token: str) -> requests.Response:
    return server.get("/api/v1/user", key="", headers={"Authorization": f"Bearer {token}"})


def refused(server: Running, token: str) -> bool:
    answer = who(server, token)
    assert answer.status_code == 401, answer.text
    assert answer.json()["faultstring"] == "Unauthorized - Token is not accepted."
    return True


# who gets in


@pytest.mark.parametrize(
    ("claims", "audience", "user"),
    [
        (GITHUB, "us", "ci-web"),
        (GITHUB, ["other", "us"], "ci-web"),
        (GITLAB, "us-too", "ci-app"),
        ({**GITLAB, "ref_protected": True}, "us-too", "ci-app"),
        ({"sub": "system:serviceaccount:ci:runner"}, "https://crow.test", "ci-cluster"),
    ],
)
def test_a_job_whose_claims_fit_is_its_user(
    server: Running, issuer: OwnIssuer, claims: dict[str, Any], audience: Any, user: str
) -> None:
    answer = who(server, issuer.token(audience=audience, **claims))
    assert answer.status_code == 200, answer.text
    assert answer.json()["username"] == user
    assert answer.json()["authentication"]["method"] == "OIDC token"


def test_a_job_runs_an_action_and_is_named_as_its_user(server: Running, issuer: OwnIssuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(**GITHUB)}"}
    body = {"action": "core.echo", "parameters": {"message": "hello"}}
    answer = server.post("/executions", body, key="", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["context"]["user"] == "ci-web"


@pytest.mark.parametrize(("algorithm", "kid"), [("ES256", "ec"), ("PS256", "rsa"), ("RS256", "rsa")])
def test_three_algorithms_are_known(server: Running, issuer: OwnIssuer, algorithm: str, kid: str) -> None:
    claims = jwt.decode(issuer.token(**GITHUB), options={"verify_signature": False})
    assert who(server, signed(claims, algorithm=algorithm, kid=kid)).status_code == 200


def test_a_clock_may_be_a_little_off(server: Running, issuer: OwnIssuer) -> None:
    now = time.time()
    assert who(server, issuer.token(**GITHUB, exp=now - 30)).status_code == 200
    assert who(server, issuer.token(**GITHUB, nbf=now + 30, iat=now + 30)).status_code == 200


# who does not


@pytest.mark.parametrize(
    "claims",
    [
        {"environment": "staging"},
        {"environment": None},
        {"repository": "acme/web-fork"},
        {"repository": "ACME/web"},
        {"repository": ["evil/web"]},
        {"repository": {"acme/web": 1}},
        {"audience": "us-too"},
        {"audience": "them"},
        {"audience": []},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": 1},
        {"life_s": -120},
        {"nbf": 99_999_999_999},
        {"iat": 99_999_999_999},
        {"iss": "https://elsewhere.example.org"},
        {"iss": None},
    ],
)
def test_what_does_not_fit_is_refused(server: Running, issuer: OwnIssuer, claims: dict[str, Any]) -> None:
    assert refused(server, issuer.token(**{**GITHUB, **claims}))


@pytest.mark.parametrize("protected", ["false", False, None, 1, ""])
def test_a_branch_that_is_not_protected_is_refused(
    server: Running, issuer: OwnIssuer, protected: Any
) -> None:
    assert refused(server, issuer.token(audience="us-too", **{**GITLAB, "ref_protected": protected}))


def test_no_other_algorithm_is_believed(server: Running, issuer: OwnIssuer) -> None:
    claims = jwt.decode(issuer.token(**GITHUB), options={"verify_signature": False})
    pem = jwt.PyJWK(public("rsa")).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for algorithm in ("none", "None", "HS256", "RS512"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "rsa"}).encode())
        head_text = head.rstrip(b"=").decode()
        assert refused(
            server, f"{head_text}.{body}.{base64.urlsafe_b64encode(pem).decode()[:80].rstrip('=')}"
        )


def test_a_key_of_somebody_else_is_refused(server: Running, issuer: OwnIssuer) -> None:
    claims = jwt.decode(issuer.token(**GITHUB), options={"verify_signature": False})
    theirs = rsa.generate_private_key(65537, 2048)
    assert refused(server, signed(claims, key=theirs))
    assert refused(server, signed(claims, key=theirs, kid="theirs", jku=f"{issuer.url}/theirs"))
    assert refused(server, signed(claims, key=theirs, jwk=public("rsa", key=theirs)))
    assert refused(server, signed(claims, kid="ec"))
    assert refused(server, signed(claims, kid=None))
    assert refused(server, signed(claims, crit=["exp"]))


def test_a_changed_token_is_refused(server: Running, issuer: OwnIssuer) -> None:
    head, body, signature = issuer.token(**{**GITHUB, "environment": "staging"}).split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed["environment"] = "prod"
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    assert refused(server, f"{head}.{forged}.{signature}")
    assert refused(server, f"{head}.{body}.{signature[:-4]}AAAA")


def test_what_is_no_token_at_all_is_refused(server: Running) -> None:
    for text in ("eyJ.a.b", "eyJhbGciOiJSUzI1NiJ9.W10.x", f"eyJ{'a' * 20_000}.b.c"):
        assert who(server, text).status_code == 401


def test_the_reason_is_for_the_log_alone(
    server: Running, issuer: OwnIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    token = issuer.token(**{**GITHUB, "environment": "staging"})
    assert refused(server, token)
    assert "the claim environment is 'staging', wanted 'prod'" in caplog.text
    assert token not in caplog.text


def test_a_job_posts_to_a_webhook_and_follows_the_stream(server: Running, issuer: OwnIssuer) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(**GITHUB)}"}
    answer = server.post("/api/v1/webhooks/nothing-there", {}, key="", headers=headers)
    assert answer.status_code == 404, answer.text
    with server.get("/stream/v1/stream", key="", headers=headers, stream=True) as stream:
        assert stream.status_code == 200


# exchanged for a token of ours


def exchange(server: Running, token: str, **body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return server.post("/auth/v1/tokens", body, key="", headers=headers)


def test_it_is_exchanged_for_a_token_once(server: Running, issuer: OwnIssuer) -> None:
    token = issuer.token(**GITHUB)
    answer = exchange(server, token)
    assert answer.status_code == 201, answer.text
    ours = answer.json()["token"]
    known = server.get("/api/v1/user", key="", headers={"X-Auth-Token": ours}).json()
    assert known["username"] == "ci-web"
    assert exchange(server, token).status_code == 401
    assert who(server, token).status_code == 200, "it goes on counting by itself"


def test_the_token_lives_shorter_than_that_of_a_person(server: Running, issuer: OwnIssuer) -> None:
    assert exchange(server, issuer.token(**GITHUB), ttl=601).status_code == 400
    assert exchange(server, issuer.token(**GITHUB), ttl=600).status_code == 201


def test_it_is_not_exchanged_for_another_user(server: Running, issuer: OwnIssuer) -> None:
    assert exchange(server, issuer.token(**GITHUB), user="admin").status_code == 403


def test_a_wrong_one_is_not_exchanged(server: Running, issuer: OwnIssuer) -> None:
    assert exchange(server, issuer.token(**{**GITHUB, "ref": "x", "repository": "a/b"})).status_code == 401
    assert exchange(server, "no-token").status_code == 401


def test_no_secret_of_it_stays(server: Running, issuer: OwnIssuer) -> None:
    token = issuer.token(**GITHUB)
    exchange(server, token)
    signature = token.rpartition(".")[2].encode()
    for path in server.engine.folder.rglob("*"):
        if path.is_file():
            assert signature not in path.read_bytes(), path


def test_a_limited_job_does_what_it_is_limited_to(server: Running, issuer: OwnIssuer) -> None:
    token = issuer.token(audience="few")
    headers = {"Authorization": f"Bearer {token}"}
    for action, parameters, status in (
        ("core.echo", {"message": "a"}, 201),
        ("core.local", {"cmd": "id"}, 403),
    ):
        body = {"action": action, "parameters": parameters}
        assert server.post("/executions", body, key="", headers=headers).status_code == status
    assert exchange(server, token).status_code == 403


# the issuer's keys


@pytest.fixture
def fresh() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


def test_unknown_keys_make_nobody_ask_again_and_again(fresh: OwnIssuer) -> None:
    issuer = Issuer(fresh.url)
    issuer.key("rsa", "RS256")
    for number in range(20):
        with pytest.raises(Exception, match="has no key"):
            issuer.key(f"made-up-{number}", "RS256")
    assert fresh.asked["/jwks"] == 1


@pytest.mark.parametrize("status", [302, 500])
def test_what_is_no_answer_is_not_followed_and_not_asked_for_again_at_once(
    fresh: OwnIssuer, status: int
) -> None:
    fresh.status["/jwks"] = (status, {"location": f"{fresh.url}/elsewhere"}, b"{}")
    issuer = Issuer(fresh.url)
    for _ in range(5):
        with pytest.raises(Exception, match=f"answers {status}"):
            issuer.key("rsa", "RS256")
    assert fresh.asked["/jwks"] == 1
    assert "/elsewhere" not in fresh.asked


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example.org"}, {"jwks_uri": "http://192.0.2.1/jwks"}, {"jwks_uri": 1}],
)
def test_metadata_of_another_or_over_plain_http_is_not_believed(
    fresh: OwnIssuer, metadata: dict[str, Any]
) -> None:
    fresh.metadata.update(metadata)
    with pytest.raises(Exception, match="has no key"):
        Issuer(fresh.url).key("rsa", "RS256")


def test_a_key_for_another_use_or_too_short_is_not_taken(fresh: OwnIssuer) -> None:
    short = rsa.generate_private_key(65537, 1024)
    fresh.keys = [
        public("short", key=short),
        public("enc", key=short, use="enc"),
        {"kty": "oct", "kid": "oct", "k": "AAAA"},
        public("other", alg="PS256"),
    ]
    issuer = Issuer(fresh.url)
    for kid, said in (("short", "2048"), ("enc", "no key"), ("oct", "no key"), ("other", "not for RS256")):
        with pytest.raises(Exception, match=said):
            issuer.key(kid, "RS256")


def test_keys_in_a_file_are_never_fetched(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [public("rsa")]}), encoding="utf-8")
    assert Issuer("https://ci.invalid", jwks_file=file).key("rsa", "RS256").key_id == "rsa"
