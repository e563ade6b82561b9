"""`stormcrow login`: a token of one's own, through the browser, by a code, or for a password."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner, Result

from bot.cli.exits import Code
from bot.cli.main import app
from engine.settings.logins import OidcLogin
from engine.settings.people import AuthSettings
from engine.user_file import UserFile
from tests.engine.api.running import Running, running
from tests.engine.outside.issuing import OwnIssuer

Shell = Callable[..., Result]


@pytest.fixture(scope="module")
def issuer() -> Iterator[OwnIssuer]:
    made = OwnIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OwnIssuer) -> Iterator[Running]:
    ways = [OidcLogin(name="corp", issuer=issuer.url, client_id="web", terminal_client_id="cli")]
    with running(tmp_path_factory.mktemp("login"), sections={"auth": AuthSettings(oidc_logins=ways)}) as made:
        UserFile(made.engine.folder / "users").put("pat", "correct horse")
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("STORMCROW_API_KEY", "STORMCROW_CONFIG", "SSH_CONNECTION", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def shell(server: Running, home: Path) -> Shell:
    def run(*words: str, input: str = "", **variables: str) -> Result:
        environment = {"STORMCROW_URL": server.url, "XDG_CONFIG_HOME": str(home / "config"), **variables}
        return CliRunner().invoke(app, words, env=environment, input=input)

    return run


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Thread]]:
    """One that opens each page that it is told to, in a thread of its own."""
    opened: list[threading.Thread] = []

    def open_page(url: str) -> bool:
        thread = threading.Thread(target=requests.get, args=(url,), kwargs={"timeout": 20})
        thread.start()
        opened.append(thread)
        return True

    monkeypatch.setattr("webbrowser.open", open_page)
    yield opened
    for one in opened:
        one.join(20)


def kept(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "config" / "stormcrow" / "logins.json").read_text())
    return found


def test_a_login_through_the_browser_is_kept_for_this_person_alone(
    shell: Shell, home: Path, server: Running, browser: list[threading.Thread]
) -> None:
    done = shell("login")
    assert done.exit_code == 0, done.stderr
    assert "ann  logged in at" in done.stdout
    assert len(browser) == 1
    path = home / "config" / "stormcrow" / "logins.json"
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
    found = server.engine.authenticate(token=kept(home)[server.url]["token"])
    assert found.user == "ann"
    assert kept(home)[server.url]["token"] not in done.output


def test_commands_run_as_who_logged_in(shell: Shell, browser: list[threading.Thread]) -> None:
    assert shell("login").exit_code == 0
    done = shell("run", "core.echo", "message=hello", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["context"]["user"] == "ann"


def test_a_password_gives_a_token_too(shell: Shell, home: Path, server: Running) -> None:
    done = shell("login", "--user", "pat", "--password-stdin", "--json", input="correct horse\n")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["user"] == "pat"
    assert "correct horse" not in json.dumps(kept(home))
    done = shell("login", "--user", "pat", "--password-stdin", input="wrong\n")
    assert done.exit_code == Code.NO_SERVER


def test_a_code_is_typed_in_elsewhere(shell: Shell, issuer: OwnIssuer) -> None:
    issuer.devices.clear()

    def say_yes() -> None:
        end = time.monotonic() + 60
        while not issuer.devices and time.monotonic() < end:
            time.sleep(0.05)
        for code in issuer.devices:
            issuer.devices[code] = True

    person = threading.Thread(target=say_yes)
    person.start()
    done = shell("login", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    person.join(25)
    assert done.exit_code == 0, done.stderr
    assert "CROW-7" in done.stderr
    assert "ann  logged in" in done.stdout


def test_what_is_not_right_is_refused(
    shell: Shell, issuer: OwnIssuer, browser: list[threading.Thread]
) -> None:
    changes: list[tuple[str | None, dict[str, str]]] = [
        ("of-another", {}),
        (None, {"iss": "https://evil.example"}),
        (None, {"code": "made-up"}),
    ]
    for nonce, answer in changes:
        issuer.nonce, issuer.answer = nonce, answer
        try:
            assert shell("login").exit_code == Code.NO_SERVER
        finally:
            issuer.nonce, issuer.answer = None, {}
    assert shell("login", "--with", "nobody").exit_code == Code.WRONG


def test_a_login_that_is_over_is_told_and_forgotten(shell: Shell, home: Path, server: Running) -> None:
    shell("login", "--user", "pat", "--password-stdin", input="correct horse\n")
    path = home / "config" / "stormcrow" / "logins.json"
    found = kept(home)
    found[server.url]["expires_at"] = "2020-01-01T00:00:00.000000Z"
    path.write_text(json.dumps(found))
    done = shell("action", "list")
    assert done.exit_code == Code.NO_SERVER
    assert "is over" in done.stderr
    assert shell("logout").exit_code == 0
    assert server.url not in kept(home)
    assert "nobody was logged in" in shell("logout").stdout


def test_a_logout_ends_the_token_at_the_server(shell: Shell, home: Path, server: Running) -> None:
    shell("login", "--user", "pat", "--password-stdin", input="correct horse\n")
    token = kept(home)[server.url]["token"]
    done = shell("logout", "--json")
    assert json.loads(done.stdout) == {"url": server.url, "was_logged_in": True, "ended": True}
    assert server.get("/user", key="", headers={"X-Auth-Token": token}).status_code == 401


def test_a_logout_without_a_server_says_what_it_could_not_do(
    shell: Shell, home: Path, server: Running
) -> None:
    path = home / "config" / "stormcrow" / "logins.json"
    shell("login", "--user", "pat", "--password-stdin", input="correct horse\n")
    away = "http://127.0.0.1:9"
    path.write_text(json.dumps({away: kept(home)[server.url]}))
    done = shell("logout", "--url", away)
    assert done.exit_code == 0
    assert "the server does not know" in done.stderr
    assert away not in kept(home)


def test_an_administrator_logs_somebody_out_everywhere(shell: Shell, home: Path, server: Running) -> None:
    shell("login", "--user", "pat", "--password-stdin", input="correct horse\n")
    token = kept(home)[server.url]["token"]
    done = shell("user", "logout", "pat", STORMCROW_API_KEY=server.key)
    assert done.exit_code == 0, done.stderr
    assert "pat  logged out everywhere" in done.stdout
    assert server.get("/user", key="", headers={"X-Auth-Token": token}).status_code == 401


def test_a_key_in_the_environment_comes_first(shell: Shell, server: Running) -> None:
    shell("login", "--user", "pat", "--password-stdin", input="correct horse\n")
    done = shell("run", "core.echo", "message=hello", "--json", STORMCROW_API_KEY=server.key)
    assert json.loads(done.stdout)["context"]["user"] == "admin"


# the doctor


def doctor(home: Path, config: str) -> tuple[int, dict[str, Any]]:
    (home / "config.yaml").write_text(config, encoding="utf-8")
    done = CliRunner().invoke(app, ["doctor", "logins", "--json"])
    return done.exit_code, {one["what"]: one for one in json.loads(done.stdout)}


def test_the_doctor_says_what_is_well(home: Path, issuer: OwnIssuer) -> None:
    code, found = doctor(
        home,
        f"""
auth:
  oidc_logins: [{{name: corp, issuer: '{issuer.url}', client_id: us}}]
  oidc_callers: [{{issuer: '{issuer.url}', user: ci, match: {{repository: a/b}}}}]
""",
    )
    assert code == 0, found
    assert found["login corp issuer"]["is_ok"]
    assert "/chat/login/corp/callback" in found["login corp address"]["text"]
    assert found["caller 1 (ci) issuer"]["text"].endswith("has 2 keys")


def test_the_doctor_says_which_claim_url_or_certificate_is_wrong(home: Path, issuer: OwnIssuer) -> None:
    issuer.metadata["claims_supported"] = ["sub", "preferred_username"]
    try:
        code, found = doctor(
            home,
            f"""
auth:
  oidc_logins:
    - {{name: corp, issuer: '{issuer.url}', client_id: us, groups_claim: teams}}
    - {{name: away, issuer: '{issuer.url}/other', client_id: us}}
  oidc_callers: [{{issuer: '{issuer.url}', user: ci, match: {{repository: '*'}}}}]
  proxy_user_header: Remote-User
ldap: {{host: 127.0.0.1, port: 1, base_ou: 'dc=example,dc=org', verify: false}}
""",
        )
    finally:
        del issuer.metadata["claims_supported"]
    wrong = {what for what, one in found.items() if not one["is_ok"]}
    assert code == Code.FAILED
    assert "the claim teams (groups_claim)" in found["login corp"]["text"]
    assert "answers 404" in found["login away issuer"]["text"]
    assert {"login away settings", "caller 1 (ci)", "proxy", "ldap 127.0.0.1", "ldap.verify"} <= wrong
