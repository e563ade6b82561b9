"""The real `st2` logs in with a password of a real directory, and has the roles of its groups there."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.settings.logins import LdapSettings
from tests.compat.st2.conftest import COMMAND_LIMIT_S, environment
from tests.engine.api.running import Running, running
from tests.engine.outside.slapd import BASE, GROUPS, PASSWORD, READER, READER_PASSWORD, Slapd
from tests.engine.rights.site import ROLES, write_rights


@dataclass(frozen=True)
class Client:
    """`st2` as cat types it, without any key."""

    server: Running
    python: Path
    home: Path

    def __call__(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        known = {**environment(self.server, self.home), **variables}
        del known["ST2_API_KEY"]
        return subprocess.run(
            [self.python.with_name("st2"), *words],
            env=known,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    made = Slapd(tmp_path_factory.mktemp("slapd"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, slapd: Slapd, client_python: Path) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("st2-ldap")
    (folder / "ldap.password").write_text(READER_PASSWORD, encoding="utf-8")
    mapping = f"{{group: 'cn=ops,{GROUPS}', roles: [deployer, observer]}}"
    write_rights(folder, {**ROLES, "mappings/ops.yaml": mapping})
    ldap = LdapSettings(
        host="localhost",
        port=slapd.port,
        cacert=str(slapd.cacert),
        bind_dn=READER,
        bind_password_file="ldap.password",
        base_ou=BASE,
    )
    home = folder / "home"
    home.mkdir()
    with running(folder, sections={"ldap": ldap}, answer_wait_ms=1000) as server:
        yield Client(server, client_python, home)


# A command of the client takes seconds where the machine is busy.
@pytest.mark.timeout(400)
def test_who_logs_in_runs_what_the_groups_of_the_directory_allow(client: Client) -> None:
    """Under the name that the directory spells; the client keeps the token."""
    refused = client("login", "cat", "-p", "wrong")
    assert refused.returncode == 1
    assert "Invalid or missing credentials" in refused.stdout + refused.stderr
    login = client("login", "Cat", "-p", PASSWORD, "-w")
    assert "Logged in as Cat" in login.stdout, login.stdout + login.stderr
    ran = client("run", "-j", "probe.say", "text=hello")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"user": "Cat"' in ran.stdout
    assert client("run", "core.echo", "message=no").returncode != 0
