"""Groups that a login named become roles through mappings, and end with them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.clock import utcnow
from engine.errors import Untrusted
from engine.outside.groups import OutsideGroups
from engine.records.outside import OutsidePerson, Said
from engine.service import Engine
from engine.settings.logins import LdapSettings, OidcCaller
from engine.settings.people import AuthSettings, PeopleSettings
from engine.store import outside as store
from engine.store.database import Database
from tests.engine import world
from tests.engine.rights.site import ROLES, may, write_rights

OPS = "cn=ops,ou=groups,dc=example,dc=org"
FILES = {
    **ROLES,
    "mappings/ops.yaml": "{group: 'CN=Ops, OU=groups, DC=example, DC=org', roles: [deployer]}",
    "mappings/sre.yaml": "{group: sre, roles: [echoer]}",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("groups")
    write_rights(folder, FILES)
    caller = OidcCaller(
        issuer="https://ci.example.org", match={"repository": "a/b"}, user="ci-web", roles=["deployer"]
    )
    made = Engine(
        replace(
            world.settings(folder),
            people=PeopleSettings(groups={"sre": ["sam"]}, linked={"lin": ["slack.T1.U3"]}),
            ldap=LdapSettings(host="ldap.example.org", base_ou="dc=example,dc=org"),
            auth=AuthSettings(oidc_callers=[caller]),
        )
    )
    made.start()
    yield made
    made.stop()


def said(engine: Engine, user: str, *groups: str, source: str = "ldap") -> None:
    engine.outside.groups.note(OutsidePerson(user=user, source=source, groups=groups))


def test_a_group_of_a_login_gives_the_roles_of_its_mapping(engine: Engine) -> None:
    assert not may(engine, "una", "probe.sh")
    said(engine, "una", OPS, "cn=others")
    assert may(engine, "una", "probe.sh")
    assert engine.people.has_role("una", "deployer")


def test_the_role_ends_when_the_group_is_gone_at_the_next_login(engine: Engine) -> None:
    said(engine, "uma", OPS)
    said(engine, "uma", "cn=others")
    assert not may(engine, "uma", "probe.sh")


def test_the_chat_account_of_the_same_person_has_the_role(engine: Engine) -> None:
    said(engine, "lin", OPS)
    assert may(engine, "slack.T1.U3", "probe.sh")


def test_a_group_of_the_settings_is_for_those_whom_the_settings_name(engine: Engine) -> None:
    said(engine, "eve", "sre")
    assert not may(engine, "eve", "core.echo")
    assert may(engine, "sam", "core.echo")


def test_a_source_that_is_not_configured_does_not_count(engine: Engine) -> None:
    said(engine, "old", OPS, source="gone")
    assert not may(engine, "old", "probe.sh")


def test_the_roles_of_a_ci_caller_are_its_users(engine: Engine) -> None:
    assert may(engine, "ci-web", "probe.sh")
    assert not may(engine, "ci-app", "probe.sh")


def test_what_was_said_outlives_a_restart_and_ends_in_time(database: Database) -> None:
    for user, age in (("ann", 1), ("bob", 9)):
        one = Said(
            user=user, source="ldap", groups=(OPS,), said_at=utcnow() - timedelta(seconds=age * 100_000)
        )
        database.write(lambda connection, one=one: store.put(connection, one))
    groups = OutsideGroups(database, sources=["ldap"], life_s=500_000)
    groups.load()
    assert groups.members(OPS.upper()) == {"ann"}
    assert [(one.source, counts) for one, counts in groups.of("bob")] == [("ldap", False)]


def test_a_login_that_fails_leaves_no_groups(engine: Engine) -> None:
    """What it said is written with its token, or not at all."""
    person = OutsidePerson(user="ute", source="ldap", groups=(OPS,))
    taken = ("c" * 64, utcnow() + timedelta(minutes=5))
    for number in range(2):
        noting = engine.outside.groups.noting(replace(person, groups=(OPS,) if number else ()))
        given = {"life_s": 60, "stamp": "ldap", "taken": taken, "noting": noting}
        if number:
            with pytest.raises(Untrusted):
                engine.access.create_token("ute", **given)
        else:
            engine.access.create_token("ute", **given)
    assert not may(engine, "ute", "probe.sh")


def test_a_foreign_token_is_taken_once(database: Database) -> None:
    now = utcnow()
    later = now + timedelta(minutes=5)

    def take(digest: str, at: object = now) -> bool:
        return database.write(
            lambda connection: store.take(connection, digest, expires_at=later, now=at)  # type: ignore[arg-type]
        )

    assert take("a" * 64)
    assert not take("a" * 64)
    assert take("b" * 64)
    assert take("a" * 64, later), "it is forgotten when it would be refused for its age"


def test_the_rights_files_of_a_site_know_the_roles_of_callers(tmp_path: Path) -> None:
    caller = OidcCaller(issuer="https://ci.example.org", match={"a": "b"}, user="ci", roles=["runner"])
    settings = replace(world.settings(tmp_path), auth=AuthSettings(oidc_callers=[caller]))
    assert settings.named_roles == {"runner": ["ci"]}
