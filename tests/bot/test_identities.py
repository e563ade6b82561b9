"""Nobody becomes somebody else by choosing a name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Author, Standing
from bot.identities import Identities
from engine.accounts import Accounts
from engine.errors import Denied
from engine.names import Names
from engine.people import People
from engine.records.account import How
from engine.records.inquiry import Audience
from engine.settings import Settings
from engine.settings.people import PeopleSettings
from engine.store.database import Database, sqlite_url
from engine.store.vault import Vault

U1 = Author(id="U1", name="mallory", team="T1", is_vouched=True)
MakeIdentities = Callable[..., Identities]


@dataclass(frozen=True, slots=True)
class Site:
    """What identities ask of an engine."""

    accounts: Accounts
    people: People
    settings: Settings
    names: Names


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MakeIdentities]:
    """Identities of a site whose section `people` says this."""
    database = Database(sqlite_url(tmp_path))
    database.start()
    accounts = Accounts(database, Vault(b"k" * 32))
    accounts.load()

    def make(**named: Any) -> Identities:
        settings = Settings(people=PeopleSettings(**named))
        return Identities(Site(accounts, People(settings.people, accounts), settings, Names()))

    yield make
    database.close()


def user(identities: Identities, author: Author, platform: str = "slack") -> str:
    return identities.of(platform, author).user


def test_whom_the_adapter_has_authenticated_is_that_user(made: MakeIdentities) -> None:
    found = made().of("web", Author(id="ann", name="Ann", engine_user="ann"))
    assert (found.user, found.is_verified) == ("ann", True)


def test_a_picked_name_is_a_user_of_its_own(made: MakeIdentities) -> None:
    found = made().of("web", Author(id="~ann", name="ann"))
    assert (found.user, found.is_verified) == ("~ann", False)


def test_whom_the_chat_vouches_for_is_a_user_of_their_own(made: MakeIdentities) -> None:
    found = made().of("slack", U1)
    assert (found.user, found.is_verified, found.account) == ("slack.T1.U1", True, "slack.T1.U1")


def test_a_nickname_that_nothing_vouches_for_stays_behind_a_tilde(made: MakeIdentities) -> None:
    found = made().of("irc", Author(id="ann", name="ann", team="libera"))
    assert (found.user, found.is_verified) == ("~irc.libera.ann", False)


def test_a_renamed_person_keeps_the_own_user(made: MakeIdentities) -> None:
    identities = made()
    assert user(identities, U1) == user(identities, replace(U1, name="admin")) == "slack.T1.U1"


def test_the_same_id_in_another_team_is_another_person(made: MakeIdentities) -> None:
    identities = made(linked={"ann": ["slack.T1.U1"]})
    assert [user(identities, replace(U1, team=team)) for team in ("T1", "T2")] == ["ann", "slack.T2.U1"]


@pytest.mark.parametrize("spelling", ["slack.T1.U1", "~slack.T1.U1"])
def test_the_settings_give_an_account_its_user(made: MakeIdentities, spelling: str) -> None:
    found = made(linked={"ann": [spelling]}).of("slack", U1)
    assert (found.user, found.how) == ("ann", How.CONFIG)


def test_an_account_that_nothing_vouches_for_is_never_the_user_it_is_linked_to(made: MakeIdentities) -> None:
    identities = made(linked={"ann": ["~slack.T1.U1", "slack.T1.U1"]})
    assert user(identities, replace(U1, is_vouched=False)) == "~slack.T1.U1"


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.STRANGER, Standing.BOT])
def test_guests_strangers_and_bots_are_denied_unless_named(made: MakeIdentities, standing: Standing) -> None:
    author = replace(U1, standing=standing)
    with pytest.raises(Denied):
        made().of("slack", author)
    assert user(made(groups={"contractors": ["slack.T1.U1"]}), author) == "slack.T1.U1"


def test_a_deactivated_account_is_denied_also_when_named(made: MakeIdentities) -> None:
    with pytest.raises(Denied):
        made(linked={"ann": ["slack.T1.U1"]}).of("slack", replace(U1, standing=Standing.DEACTIVATED))


def test_a_name_in_the_settings_lets_nobody_in_whom_nothing_vouches_for(made: MakeIdentities) -> None:
    author = replace(U1, standing=Standing.GUEST, is_vouched=False)
    with pytest.raises(Denied):
        made(groups={"contractors": ["slack.T1.U1"]}).of("slack", author)


ANN = replace(U1, email="Ann@Example.org")
EMAILS = {"emails": {"ann": ["ann@example.org"]}}


def test_a_verified_address_of_a_trusted_workspace_gives_the_user(made: MakeIdentities) -> None:
    found = made(**EMAILS, email_teams=["slack.T1"]).of("slack", ANN)
    assert (found.user, found.how) == ("ann", How.EMAIL)


def test_without_a_trusted_workspace_no_address_counts(made: MakeIdentities) -> None:
    assert user(made(**EMAILS), ANN) == "slack.T1.U1"


@pytest.mark.parametrize(
    "author",
    [
        replace(ANN, team="T2"),
        replace(ANN, email=""),
        replace(ANN, email="ann@example.org.evil.example"),
        replace(ANN, email="", name="ann@example.org"),
    ],
    ids=["another workspace", "not confirmed", "another domain", "the address as a name"],
)
def test_nobody_becomes_ann_by_an_address_that_is_not_hers(made: MakeIdentities, author: Author) -> None:
    assert user(made(**EMAILS, email_teams=["slack.T1"]), author) != "ann"


def test_a_named_guest_does_not_become_a_user_by_address(made: MakeIdentities) -> None:
    identities = made(**EMAILS, email_teams=["slack.T1"], groups={"guests": ["slack.T1.U1"]})
    assert user(identities, replace(ANN, standing=Standing.GUEST)) == "slack.T1.U1"


def test_an_address_that_is_gone_takes_the_user_away(made: MakeIdentities) -> None:
    identities = made(**EMAILS, email_teams=["slack.T1"])
    assert [user(identities, one) for one in (ANN, replace(ANN, email=""))] == ["ann", "slack.T1.U1"]


def test_two_names_that_were_one_person_stay_one_where_others_must_approve(
    made: MakeIdentities,
) -> None:
    identities = made(**EMAILS, email_teams=["slack.T1"])
    user(identities, ANN)
    user(identities, replace(ANN, email=""))
    people = identities._people
    assert people.is_one_of("ann", ["slack.T1.U1"])
    assert not people.is_in("slack.T1.U1", Audience(users=("ann",)))
