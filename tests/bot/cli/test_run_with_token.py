"""`run --oidc` against a server and an issuer: a job comes in with its own token, if it is meant."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings.logins import OidcCaller
from engine.settings.people import AuthSettings
from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running, running
from tests.engine.outside.issuing import OwnIssuer

JOB = {"repository": "acme/web", "environment": "prod"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer) -> Iterator[Running]:
    callers = [OidcCaller(issuer=issuer.url, audience="us", match=JOB, user="ci-web")]
    folder = tmp_path_factory.mktemp("trusting")
    with running(folder, sections={"auth": AuthSettings(oidc_callers=callers)}) as made:
        yield made


@pytest.fixture
def ci(trusting: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("STORMCROW_CONFIG", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)
    return Shell(trusting)


def test_the_job_runs_as_whom_its_claims_make_it(ci: Shell, issuer: OwnIssuer) -> None:
    token = issuer.token(**JOB)
    words = ("run", "probe.say", "text=hello", "--oidc", "--json", "--follow")
    done = ci(*words, STORMCROW_ID_TOKEN=token, STORMCROW_API_KEY=None)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["context"]["user"] == "ci-web"
    assert done.stderr == "hello\n"
    assert token not in done.output


@pytest.mark.parametrize(
    "claims",
    [
        {"audience": "others"},
        {"repository": "mallory/web"},
        {"environment": None},
        {"life_s": -600},
        {"iss": "https://elsewhere.example.org"},
    ],
)
def test_another_job_is_refused_with_2(ci: Shell, issuer: OwnIssuer, claims: dict[str, object]) -> None:
    token = issuer.token(**{**JOB, **claims})
    done = ci("run", "core.noop", "--oidc", STORMCROW_ID_TOKEN=token, STORMCROW_API_KEY=None)
    assert done.exit_code == 2
    assert "does not take this job's token" in done.stderr
    assert token not in done.output


def test_output_goes_on_while_the_token_counts(
    trusting: Running, issuer: OwnIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.api.live.HEARTBEAT_S", 0.1)
    bearer = {"Authorization": f"Bearer {issuer.token(**JOB)}"}
    body = {"action": "probe.slow", "parameters": {"seconds": 1}}
    made = trusting.post("/executions?wait=0", body, key="", headers=bearer).json()["id"]
    answer = trusting.get(f"/executions/{made}/output?follow=1", key="", headers=bearer)
    assert answer.text == "first\nlast\n"
