"""Who people are in Slack, what channels and groups are called, and how soon we know of a change."""

from collections.abc import Iterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.directory import Directory
from bot.adapters.slack.loop import LoopThread
from bot.chat import Author, Standing
from bot.slack_emulator.emulator import Emulator
from tests.bot.adapters.slack.conftest import SlackHouse


class Asker:
    """A directory without a bot."""

    def __init__(self, slack: Emulator) -> None:
        self.slack = slack
        self.loop = LoopThread("asker")
        self.loop.start()
        self.loop.run(self._make(), timeout_s=60)

    async def _make(self) -> None:
        self.session = aiohttp.ClientSession()
        web = AsyncWebClient(self.slack.bot_token, base_url=self.slack.url, session=self.session)
        self.directory = Directory(web, self.loop, platform="slack")
        self.directory.team = self.slack.team

    def person(self, user_id: str) -> Author:
        return self.loop.run(self.directory.person(user_id), timeout_s=60)

    def stop(self) -> None:
        self.loop.run(self.session.close(), timeout_s=60)
        self.loop.stop()


@pytest.fixture(scope="module")
def asker(town: Emulator) -> Iterator[Asker]:
    made = Asker(town)
    try:
        yield made
    finally:
        made.stop()


def test_slack_vouches_for_a_member(asker: Asker) -> None:
    cara = asker.slack.add_user("cara", email="Cara@Example.org")
    author = asker.person(cara)
    assert author.standing is Standing.MEMBER
    assert author.is_vouched
    assert author.team == asker.slack.team
    assert author.email == "cara@example.org"


def test_an_address_that_nobody_has_confirmed_does_not_count(asker: Asker) -> None:
    dan = asker.slack.add_user("dan", email="ann@example.org", is_email_confirmed=False)
    assert asker.person(dan).email == ""


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        ({"is_guest": True}, Standing.GUEST),
        ({"is_bot": True}, Standing.BOT),
    ],
)
def test_guests_and_bots_are_told_apart(asker: Asker, facts: dict[str, bool], standing: Standing) -> None:
    someone = asker.slack.add_user(f"some-{standing}", email="ann@example.org", **facts)
    author = asker.person(someone)
    assert author.standing is standing
    assert author.email == ""


def test_somebody_of_another_workspace_is_a_stranger_of_that_team(asker: Asker) -> None:
    other = asker.slack.add_team("Far Away", with_app=False)
    fay = asker.slack.add_user("fay", team=other, email="ann@example.org")
    asker.slack.add_channel("both", members=["fay"], shared_with=[other])
    author = asker.person(fay)
    assert author.standing is Standing.STRANGER
    assert author.team == other
    assert author.email == ""


def test_an_id_that_nobody_has_is_a_stranger(asker: Asker) -> None:
    assert asker.person("U0000NOBODY").standing is Standing.STRANGER


def test_an_answer_is_kept(asker: Asker) -> None:
    gus = asker.slack.add_user("gus")
    before = len(asker.slack.calls("users.info"))
    asker.person(gus)
    asker.person(gus)
    assert len(asker.slack.calls("users.info")) == before + 1


def test_before_a_decision_slack_is_asked_anew(asker: Asker) -> None:
    hal = asker.slack.add_user("hal")
    known = asker.person(hal)
    asker.slack.deactivate("hal")
    assert asker.person(hal).standing is Standing.MEMBER
    assert asker.directory.recheck(known).standing is Standing.DEACTIVATED


def test_where_slack_does_not_answer_what_was_known_counts(asker: Asker) -> None:
    ida = asker.slack.add_user("ida")
    known = asker.person(ida)
    asker.slack.trouble.answer_status("users.info", 500)
    assert asker.directory.recheck(known) == known


def test_channels_have_names(asker: Asker) -> None:
    made = asker.slack.add_channel("deploys")
    assert asker.directory.channel_named("#deploys") == made
    assert asker.directory.channel_named("deploys") == made
    assert asker.directory.channel_named(made) == made
    assert asker.directory.channel_named("#nobody-made-it") == "#nobody-made-it"
    assert asker.directory.channel_named("two words") == ""


def test_a_group_has_its_members_as_accounts(asker: Asker) -> None:
    jon = asker.slack.add_user("jon")
    asker.slack.add_group("oncall-db", ["jon"])
    account = f"slack.{asker.slack.team}.{jon}"
    assert asker.directory.group_members("@oncall-db") == {account}
    assert asker.directory.group_members("@nobody") is None


def test_a_change_of_a_person_is_known_at_once(slack_house: SlackHouse) -> None:
    slack, person = slack_house.slack, slack_house.adapter.person
    kim = slack.add_user("kim")
    assert person(kim).name == "kim"
    slack.rename("kim", "kimberly")
    slack.wait_for(lambda: person(kim).name == "kimberly")
    slack.make_guest("kimberly")
    slack.wait_for(lambda: person(kim).standing is Standing.GUEST)


def test_a_change_of_a_group_is_known_at_once(slack_house: SlackHouse) -> None:
    slack, people = slack_house.slack, slack_house.engine.people
    lea, max_ = slack.add_user("lea"), slack.add_user("max")
    slack.add_group("oncall", ["lea"])
    assert people.members("slack:@oncall") == {f"slack.{slack.team}.{lea}"}
    slack.set_group("oncall", ["max"])
    slack.wait_for(lambda: people.members("slack:@oncall") == {f"slack.{slack.team}.{max_}"})
