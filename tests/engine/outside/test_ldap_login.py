"""A login with a password of LDAP, as `st2 login` does it: token, groups, roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from engine.settings.logins import LdapSettings
from engine.user_file import UserFile
from tests.engine.api.running import Running, running
from tests.engine.outside.slapd import BASE, GROUPS, PASSWORD, READER, READER_PASSWORD, Slapd
from tests.engine.rights.site import ROLES, write_rights

OPS = f"cn=ops,{GROUPS}"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    made = Slapd(tmp_path_factory.mktemp("slapd"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, slapd: Slapd) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("ldap")
    (folder / "ldap.password").write_text(f"{READER_PASSWORD}\n", encoding="utf-8")
    write_rights(folder, {**ROLES, "mappings/ops.yaml": f"{{group: '{OPS}', roles: [observer]}}"})
    ldap = LdapSettings(
        host="localhost",
        port=slapd.port,
        cacert=str(slapd.cacert),
        bind_dn=READER,
        bind_password_file="ldap.password",
        base_ou=BASE,
    )
    with running(folder, sections={"ldap": ldap}) as made:
        UserFile(made.engine.folder / "users").put("bob", "of our own")
        yield made


def login(server: Running, user: str, password: str) -> requests.Response:
    return server.ask("POST", "/auth/v1/tokens", key="", auth=(user, password), json={})


def test_the_token_is_the_users_with_the_roles_of_the_groups(server: Running) -> None:
    answer = login(server, "cat", PASSWORD)
    assert answer.status_code == 201, answer.text
    headers = {"X-Auth-Token": answer.json()["token"]}
    assert server.get("/api/v1/user", key="", headers=headers).json()["username"] == "Cat"
    assert server.get("/api/v1/actions", key="", headers=headers).status_code == 200
    found = server.get("/api/v1/rbac/role_assignments?user=Cat").json()
    assert [(one["role"], one["is_remote"], one["source"]) for one in found] == [
        ("observer", True, "rbac/mappings/ops.yaml")
    ]


@pytest.mark.parametrize(("user", "password"), [("cat", "wrong"), ("cat", ""), ("admin", PASSWORD)])
def test_a_wrong_password_and_a_reserved_name_are_refused_alike(
    server: Running, user: str, password: str
) -> None:
    answer = login(server, user, password)
    assert answer.status_code == 401
    assert answer.json()["faultstring"] == "Invalid or missing credentials"


def test_a_name_with_a_password_of_ours_has_that_one_only(server: Running) -> None:
    assert login(server, "bob", PASSWORD).status_code == 401
    assert login(server, "bob", "of our own").status_code == 201


def test_no_password_stays_anywhere(server: Running) -> None:
    login(server, "ann", PASSWORD)
    for path in server.engine.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSWORD.encode() not in content, path
            assert READER_PASSWORD.encode() not in content, path


def test_a_directory_that_is_away_is_no_wrong_password(server: Running, slapd: Slapd) -> None:
    slapd.stop()
    answer = login(server, "ann", PASSWORD)
    assert answer.status_code == 503, answer.text
